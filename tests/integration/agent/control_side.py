"""The control plane's half for tests: a database, two authorities and a real listener on a free port."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from stronghouse.access.certificates import CertificateAuthority, Purpose
from stronghouse.audit import store as audit_store
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import SYSTEM, AuditEvent, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.secret import Secret
from stronghouse.regions import actions, admission
from stronghouse.regions.hub import Hub
from stronghouse.regions.model import Agent
from stronghouse.regions.protocol import ServiceStatus
from stronghouse.storage.columns import metadata
from stronghouse.storage.database import Database

REGION = "local"


class WishChanged(AuditEvent):
    """Stands for the event of an area that publishes."""

    code = "test.wish"

    def summary(self) -> str:
        """One sentence."""
        return "A wish changed."


@dataclass
class Reports:
    """Keeps the newest status of each service."""

    newest: dict[str, ServiceStatus] = field(default_factory=dict)
    states: list[tuple[str, str]] = field(default_factory=list)

    def report(self, _region_id: str, statuses: Sequence[ServiceStatus]) -> None:
        """Take statuses in."""
        for status in statuses:
            if self.newest.get(status.id) is None or self.newest[status.id].state != status.state:
                self.states.append((status.id, status.state))
            self.newest[status.id] = status


class ControlSide:
    """A control plane with one region."""

    def __init__(self, directory: Path) -> None:
        self.clock = SystemClock()
        self.database = Database(directory / "control.db")
        with self.database.write() as connection:
            metadata.create_all(connection)
        self.audit = AuditLog(self.database, Ed25519Signer("test.log", bytes(range(32))), self.clock)
        self.agents_ca = CertificateAuthority.create("agents", purpose=Purpose.CLIENT, clock=self.clock)
        self.edge_ca = CertificateAuthority.create("edge", purpose=Purpose.SERVER, clock=self.clock)
        self.reports = Reports()
        with self.unit() as uow:
            actions.create_region(uow, region_id=REGION, now=self.clock.now())
        self.hub = self.new_hub()

    def unit(self) -> Any:
        """A unit of work of the system's."""
        return self.audit.unit_of_work(Context(SYSTEM))

    def new_hub(self) -> Hub:
        """A listener over this state."""
        return Hub(self.audit, agents_ca=self.agents_ca, edge_ca=self.edge_ca, sink=self.reports, clock=self.clock)

    async def start(self, port: int = 0) -> None:
        """Listen."""
        self.hub = self.new_hub()
        await self.hub.start(port=port, addresses=("127.0.0.1",))

    async def stop(self) -> None:
        """Stop listening."""
        await self.hub.stop()

    @property
    def url(self) -> str:
        """The listener's address."""
        return f"wss://localhost:{self.hub.port}"

    def token(self, *, age: timedelta = timedelta()) -> Secret:
        """A join token that was made `age` ago."""
        with self.unit() as uow:
            return admission.mint_join_token(
                uow, region_id=REGION, edge_ca_pem=self.edge_ca.certificate_pem, now=self.clock.now() - age
            )

    def publish(self, resource_id: str, document: dict[str, Json] | None, *, kind: str = "service") -> int:
        """Change what is wanted and tell the region; the new version."""
        with self.unit() as uow:
            version = actions.publish(uow, region_id=REGION, kind=kind, resource_id=resource_id, document=document)
            uow.record(WishChanged(organization_id=None))
        self.hub.notify(REGION)
        return version

    def agents(self) -> list[Agent]:
        """The agents that are not revoked."""
        with self.database.read() as connection:
            return actions.find_agents(connection, region_id=REGION)

    def events(self, code: str) -> list[dict[str, Json]]:
        """The data of the recorded events of one code."""
        with self.database.read() as connection:
            found = [entry.event()["data"] for entry in audit_store.entries(connection) if entry.code == code]
        return [data for data in found if isinstance(data, dict)]

    async def connected(self, *, within: float = 5.0) -> None:
        """Wait until the region has a stream."""
        await until(lambda: self.hub.is_connected(REGION), within=within)


async def until(condition: Callable[[], object], *, within: float = 5.0) -> None:
    """Wait until something is true; raises TimeoutError."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)
