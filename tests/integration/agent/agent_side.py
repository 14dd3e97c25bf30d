"""The agent's half for tests of the stream: a real link whose receiver only notes what it is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from stronghouse.agent.identity import Identity, IdentityStore, join
from stronghouse.agent.link import Link
from stronghouse.kernel.clock import Clock, SystemClock
from stronghouse.kernel.files import private_directory
from stronghouse.regions import protocol
from stronghouse.regions.protocol import ServiceStatus
from tests.integration.agent.control_side import ControlSide


class Notes:
    """A receiver that keeps what it is told."""

    def __init__(self) -> None:
        self.desired: asyncio.Queue[protocol.Desired] = asyncio.Queue()
        self.jobs: asyncio.Queue[protocol.Job] = asyncio.Queue()
        self.cancelled: list[str] = []
        self.applied = 0
        self.services: list[ServiceStatus] = []

    def accept(self, desired: protocol.Desired) -> None:
        """Note it."""
        self.applied = desired.version
        self.desired.put_nowait(desired)

    def statuses(self) -> tuple[int, list[ServiceStatus]]:
        """What the test set."""
        return self.applied, self.services

    async def take_job(self, job: protocol.Job) -> None:
        """Note it."""
        self.jobs.put_nowait(job)

    def cancel_job(self, job_id: str) -> None:
        """Note it."""
        self.cancelled.append(job_id)

    async def connected(self) -> None:
        """Nothing to renew."""


async def joined(control: ControlSide, directory: Path) -> Identity:
    """The identity of an agent that just joined."""
    return await join(control.url, control.token(), IdentityStore(private_directory(directory)))


@contextlib.asynccontextmanager
async def linked(
    control: ControlSide,
    identity: Identity,
    notes: Notes,
    *,
    clock: Clock | None = None,
    protocols: tuple[int, ...] = protocol.SUPPORTED_PROTOCOLS,
) -> AsyncIterator[Link]:
    """A link that keeps connecting to the control plane's present port."""
    link = Link(
        control.url,
        context=identity.tls_context,
        receiver=notes,
        clock=clock or SystemClock(),
        software="test",
        protocols=protocols,
    )
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
