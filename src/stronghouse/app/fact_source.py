"""Collects facts for the checks: here, or on an agent by a job."""

import threading
import time
from collections.abc import Sequence

from stronghouse.audit.checkpoint import Signer
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Internal, Unavailable
from stronghouse.regions.actions import find_regions
from stronghouse.regions.hub import Hub
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.collectors.audit_tree import collect_audit_tree
from stronghouse.responsibility.collectors.listening_sockets import collect_listening_sockets
from stronghouse.responsibility.collectors.tls_endpoints import TlsEndpoint, collect_tls_endpoints
from stronghouse.services import store as services
from stronghouse.storage.database import Database

COLLECT_SECONDS = 60.0
FIRST_CONNECTION_SECONDS = 15.0
TARGET = "control plane"


class FactSource:
    """Binds `responsibility.ports.FactSource` and `Ownership`."""

    def __init__(
        self,
        *,
        database: Database,
        hub: Hub,
        signer: Signer,
        catalogue: Catalogue,
        clock: Clock,
        endpoints: Sequence[TlsEndpoint],
        edge_ca_pem: str,
        stopping: threading.Event,
    ) -> None:
        self._database = database
        self._hub = hub
        self._signer = signer
        self._catalogue = catalogue
        self._clock = clock
        self._endpoints = endpoints
        self._edge_ca_pem = edge_ca_pem
        self._stopping = stopping
        self._patient_until = time.monotonic() + FIRST_CONNECTION_SECONDS

    def regions(self) -> Sequence[str]:
        """All regions, connected or not."""
        with self._database.read() as connection:
            return [region.id for region in find_regions(connection)]

    def collect(self, collector: str, region: str | None) -> Json:
        """Facts from a region's agent, or our own; raises Unavailable when an agent does not answer."""
        if region is None:
            return self._collect_here(collector)
        self._await_connection(region)
        return self._hub.call(region, "collect", {"collector": collector}, timeout=COLLECT_SECONDS)

    def organization_of(self, service_id: str) -> str | None:
        """Whose a service is."""
        with self._database.read() as connection:
            return services.organization_of(connection, service_id)

    def _await_connection(self, region: str) -> None:
        """Right after a start the agents are still on their way: wait for them once, for a while."""
        while not self._hub.is_connected(region):
            if time.monotonic() > self._patient_until or self._stopping.wait(0.1):
                raise Unavailable(f"The agent of region {region} is not connected.")

    def _collect_here(self, collector: str) -> Json:
        match collector:
            case "audit_tree":
                with self._database.read() as connection:
                    facts = collect_audit_tree(
                        connection,
                        origin=self._signer.origin,
                        public_key=self._signer.public_key,
                        catalogue=self._catalogue,
                        clock=self._clock,
                    )
            case "tls_endpoints":
                facts = collect_tls_endpoints(
                    self._endpoints, authority_pem=self._edge_ca_pem, target=TARGET, clock=self._clock
                )
            case "listening_sockets":
                facts = collect_listening_sockets(target=TARGET, clock=self._clock)
            case _:
                raise Internal(f"The control plane has no collector {collector}.")
        return facts.to_json()
