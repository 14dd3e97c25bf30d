"""What regions need from the process that they run in."""

from collections.abc import Sequence
from typing import Protocol

from stronghouse.regions.protocol import ServiceStatus


class ServiceStatusSink(Protocol):
    """Takes in what a region says about its services."""

    def report(self, region_id: str, statuses: Sequence[ServiceStatus]) -> None:
        """Store it. Called in a worker thread, for one region never twice at a time and in the order they were sent.

        What it raises is logged and the report is dropped: the agent sends all of it again with each heartbeat.
        """
        ...
