"""Keeps Envoy running and its configuration that of the newest wish."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence

import structlog

from stronghouse.agent.backoff import Backoff
from stronghouse.edge.configuration import VirtualHost
from stronghouse.edge.edge import Edge
from stronghouse.kernel.errors import Internal, StronghouseError
from stronghouse.kernel.secret import Secret

STEADY_SECONDS = 10.0
SETTLE_SECONDS = 2.0
_log = structlog.get_logger()


class EdgeKeeper:
    """Owns the edge's life.

    Args:
        edge: the edge to keep.
        wanted: the desired version and the virtual hosts that it asks for now.
        applied: told each version that Envoy has taken up.
    """

    def __init__(
        self,
        edge: Edge,
        *,
        wanted: Callable[[], tuple[int, Sequence[VirtualHost]]],
        applied: Callable[[int], None],
    ) -> None:
        self.edge = edge
        self._wanted = wanted
        self._applied = applied
        self._poked = asyncio.Event()
        self._asked = 0
        self._done = 0
        self._progress = asyncio.Condition()
        self._certified = asyncio.Event()
        self._configured = asyncio.Event()

    def poke(self) -> None:
        """What is wanted may have changed. Pokes while a change is on its way become one."""
        self._asked += 1
        self._poked.set()

    async def settled(self) -> None:
        """Return once what was wanted by the last poke is in force, at the latest after two seconds."""
        asked = self._asked
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS), self._progress:
                await self._progress.wait_for(lambda: self._done >= asked)

    async def set_certificate(self, certificate_pem: bytes, key_pem: Secret) -> None:
        """Show this certificate; raises as `Edge.set_certificate`. Nothing is served before the first."""
        await self.edge.set_certificate(certificate_pem, key_pem)
        self._certified.set()
        self._poked.set()

    async def run(self) -> None:
        """Apply and keep alive until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._apply())
            tasks.create_task(self._keep_alive())

    async def _apply(self) -> None:
        await self._certified.wait()
        backoff = Backoff(first=0.1, most=5.0)
        last: tuple[int, list[VirtualHost]] | None = None
        while True:
            await self._poked.wait()
            self._poked.clear()
            asked = self._asked
            try:
                version, hosts = self._wanted()
                if last is None or last[1] != list(hosts):
                    await self._apply_or_close(hosts, last[1] if last else [])
            except (StronghouseError, OSError) as error:
                _log.error("edge_apply_failed", reason=str(error), detail=getattr(error, "detail", None))
                self._poked.set()
                await asyncio.sleep(backoff.next_delay())
                continue
            backoff.reset()
            if last is None or last[0] != version:
                self._applied(version)
            last = version, list(hosts)
            self._configured.set()
            async with self._progress:
                self._done = asked
                self._progress.notify_all()

    async def _apply_or_close(self, hosts: Sequence[VirtualHost], known: Sequence[VirtualHost]) -> None:
        """Serve `hosts`; if Envoy rejects them, let nobody reach what is new or changed, and raise all the same.

        Otherwise one host that Envoy does not take would keep every other as open as it was before.
        """
        try:
            await self.edge.apply(hosts)
        except Internal:
            closed = [host if host in known else dataclasses.replace(host, allow=()) for host in hosts]
            await self.edge.apply(closed)
            raise

    async def _keep_alive(self) -> None:
        await self._configured.wait()
        backoff = Backoff(first=0.05, most=2.0)
        while True:
            started = time.monotonic()
            try:
                await self.edge.start()
            except (StronghouseError, OSError) as error:
                # Envoy says why, most often that a port is taken: by one that is just dying, or for good.
                _log.error("edge_start_failed", reason=str(error))
            else:
                _log.info("edge_started", pid=self.edge.pid)
                status = await self.edge.wait()
                _log.error("edge_ended", status=status)
                if time.monotonic() - started > STEADY_SECONDS:
                    backoff.reset()
            await asyncio.sleep(backoff.next_delay())

    async def stop(self, grace: float) -> None:
        """Stop Envoy, after `run` was cancelled."""
        with contextlib.suppress(StronghouseError):
            await self.edge.stop(grace)
