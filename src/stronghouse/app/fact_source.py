"""Collects facts for the checks: here, or on an agent by a job."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Internal, Unavailable
from stronghouse.regions.actions import find_regions
from stronghouse.regions.hub import Hub
from stronghouse.responsibility.facts import Facts
from stronghouse.services import store as services
from stronghouse.storage.database import Database

COLLECT_SECONDS = 60.0
FIRST_CONNECTION_SECONDS = 15.0
RECONNECT_SECONDS = 20.0
"""An agent tries again every 5 s at most; with COLLECT_SECONDS this stays below the runner's deadline."""


class FactSource:
    """Binds `responsibility.ports.FactSource` and `Ownership`."""

    def __init__(
        self,
        *,
        database: Database,
        hub: Hub,
        collectors: Mapping[str, Callable[[], Facts]],
        stopping: threading.Event,
        completions: Mapping[str, Callable[[Facts, str | None], Facts]] | None = None,
    ) -> None:
        self._database = database
        self._hub = hub
        self._collectors = collectors
        self._stopping = stopping
        self._completions = completions or {}
        self._patient_until = time.monotonic() + FIRST_CONNECTION_SECONDS

    def regions(self) -> Sequence[str]:
        """All regions, connected or not."""
        with self._database.read() as connection:
            return [region.id for region in find_regions(connection)]

    def collect(self, collector: str, region: str | None) -> Json:
        """Facts from a region's agent, or our own; raises Unavailable when an agent does not answer.

        What only the control plane knows (advisories, for instance) is added here.
        """
        found = self._found(collector, region)
        complete = self._completions.get(collector)
        return found if complete is None else complete(Facts.from_json(found), region).to_json()

    def _found(self, collector: str, region: str | None) -> Json:
        if region is None:
            here = self._collectors.get(collector)
            if here is None:
                raise Internal(f"The control plane has no collector {collector}.")
            return here().to_json()
        self._await_connection(region)
        return self._hub.call(region, "collect", {"collector": collector}, timeout=COLLECT_SECONDS)

    def organization_of(self, service_id: str, region: str | None) -> str | None:
        """Whose a service is, if it lies in the region that speaks of it."""
        with self._database.read() as connection:
            return services.organization_of(connection, service_id, region=region)

    def expected_in(self, region: str) -> Collection[str]:
        """The region's services that exist there and are not being deleted."""
        with self._database.read() as connection:
            return services.known_to_region(connection, region)

    def _await_connection(self, region: str) -> None:
        """Right after a start or a disconnect an agent is still on its way: wait for it, for a while."""
        while not self._hub.is_connected(region):
            away = self._hub.seconds_away(region)
            patient = time.monotonic() <= self._patient_until or (away is not None and away <= RECONNECT_SECONDS)
            if not patient or self._stopping.wait(0.1):
                raise Unavailable(f"The agent of region {region} is not connected.")
