"""What services need from the process that they run in."""

from typing import Protocol

from stronghouse.kernel.canonical import Json


class Jobs(Protocol):
    """Reaches the agents."""

    def notify(self, region_id: str) -> None:
        """Say that a region's desired state has changed; call it after the commit."""
        ...

    def wake(self, region_id: str, service_id: str) -> None:
        """Ask a region to wake an idle service; returns at once."""
        ...

    def call(self, region_id: str, kind: str, arguments: dict[str, Json], *, timeout: float) -> Json:
        """Have a region's agent do something and wait for what it answers, which nothing has checked yet.

        Raises:
            Unavailable: no answer within `timeout` seconds, or the agent could not do it.
            TooMany: the region has too many jobs to answer.
        """
        ...
