"""What the agent needs of a worker process and of a control plane; tests put other things in their place."""

from collections.abc import Mapping
from typing import Protocol

from stronghouse.agent.desired import ServiceDocument
from stronghouse.agent.home import ServiceHome
from stronghouse.agent.listening import ListeningSocket
from stronghouse.kernel.canonical import Json
from stronghouse.worker.reports import AccessReport, LogReports
from stronghouse.worker.specification import KeyUsers, SandboxReport
from stronghouse.worker.unasked import DataKeyProvider


class Worker(Protocol):
    """A running worker process."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    @property
    def engine_version(self) -> str | None:
        """The version of its engine."""
        ...

    @property
    def sandbox(self) -> SandboxReport:
        """What confines it, by its own account."""
        ...

    async def set_password(self, password_sha256: str) -> None:
        """Take only the password with this hash from now on."""
        ...

    async def set_settings(self, settings: Mapping[str, str]) -> None:
        """Have every session begin with these from now on."""
        ...

    async def check_settings(self, settings: Mapping[str, str]) -> str | None:
        """Try settings without setting them: what the engine says of one that it refuses."""
        ...

    async def set_key_users(self, wanted: KeyUsers, /) -> None:
        """Have just these users of API keys from now on."""
        ...

    async def logs(self, *, canary: str | None = None) -> LogReports:
        """The state of its logs; see WorkerProcess.logs."""
        ...

    async def access(self) -> AccessReport:
        """How many database users there are, and of what kind."""
        ...

    async def metrics(self) -> Json:
        """Its engine's counters by name."""
        ...

    async def stop_if_idle(self, seconds: float, /) -> bool:
        """Stop if no request ran for this long; whether it did. Nothing that was accepted is lost."""
        ...

    async def quiesce_and_stop(self, grace: float) -> None:
        """Take nothing new, let running requests end for at most `grace` seconds, stop."""
        ...

    async def wait(self) -> int:
        """Wait for its end; the exit status, or minus the signal."""
        ...


class EdgeSide(Protocol):
    """The edge, as services see it."""

    def poke(self) -> None:
        """What is wanted of the edge may have changed."""
        ...

    async def settled(self) -> None:
        """Return once the edge serves what is wanted now, or has not in time."""
        ...


class Workers(Protocol):
    """Starts worker processes."""

    async def start(
        self, document: ServiceDocument, home: ServiceHome, *, listener: ListeningSocket, data_key: DataKeyProvider
    ) -> Worker:
        """A worker that answers on `listener`, and is given the data key whenever it opens its engine.

        Raises:
            StronghouseError: there is no data key, or the worker did not come up; the sentence says why.
        """
        ...
