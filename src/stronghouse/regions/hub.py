"""The control plane's side of all streams: what regions are told, and what is asked of them."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import TypeVar

import structlog
from websockets.asyncio.server import ServerConnection

from stronghouse.access.certificates import CertificateAuthority
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Conflict, StronghouseError, Unavailable
from stronghouse.regions import protocol
from stronghouse.regions.jobs import OnProgress, OpenJobs
from stronghouse.regions.listener import Listener
from stronghouse.regions.model import Agent
from stronghouse.regions.ports import ServiceStatusSink
from stronghouse.regions.reception import Reception
from stronghouse.regions.registry import Registry
from stronghouse.regions.stream import AgentStream

LOOPBACK = ("127.0.0.1", "::1")
WAKE_SECONDS = 60.0
_log = structlog.get_logger()
_T = TypeVar("_T")


class Hub:
    """Listens for agents. Lives on the loop that starts it; `notify`, `wake` and `call` may be used from any thread."""

    def __init__(
        self,
        audit: AuditLog,
        *,
        agents_ca: CertificateAuthority,
        edge_ca: CertificateAuthority,
        sink: ServiceStatusSink,
        clock: Clock,
    ) -> None:
        self._registry = Registry(audit, agents_ca=agents_ca, edge_ca=edge_ca, sink=sink, clock=clock)
        self._reception = Reception(
            self._registry, edge_ca_pem=edge_ca.certificate_pem, joined=self._notify, stream=self._serve
        )
        self._listener = Listener(agents_ca=agents_ca, edge_ca=edge_ca)
        self._clock = clock
        self._jobs = OpenJobs()
        self._streams: dict[str, AgentStream] = {}
        self._left: dict[str, float] = {}  # when a region's last stream ended, on the monotonic clock
        self._tasks: set[asyncio.Task[object]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def port(self) -> int:
        """The port that it listens on; 0 before it was started."""
        return self._listener.port

    async def start(self, *, port: int, addresses: Sequence[str] = LOOPBACK) -> None:
        """Listen on `port` of each address; with port 0 on a free one, found in `port` afterwards.

        `::1` is left out where the machine has no IPv6. Raises OSError when a port is taken.
        """
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._registry.begin)
        await self._listener.start(
            port=port, addresses=addresses, admit=self._reception.admit, handle=self._reception.handle
        )

    async def stop(self) -> None:
        """Stop listening, end every stream; jobs that wait for an answer fail as Unavailable."""
        self._jobs.give_up()
        await self._listener.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def is_connected(self, region_id: str) -> bool:
        """Whether an agent of this region has a stream open now."""
        return region_id in self._streams

    def seconds_away(self, region_id: str) -> float | None:
        """How long ago a region's stream ended; None if it has one, or had none since this process started."""
        left = self._left.get(region_id)
        return None if left is None or region_id in self._streams else time.monotonic() - left

    def notify(self, region_id: str) -> None:
        """A region's desired state changed: send it at once. Call it after the commit, from any thread."""
        self._running_loop().call_soon_threadsafe(self._notify, region_id)

    def wake(self, region_id: str, service_id: str) -> None:
        """Ask a region to wake an idle service; returns at once, from any thread. The statuses tell the rest."""
        asyncio.run_coroutine_threadsafe(self._wake(region_id, service_id), self._running_loop())

    def call(self, region_id: str, kind: str, arguments: dict[str, Json], *, timeout: float) -> Json:
        """`run_job` for other threads; raises what it raises, and Conflict on the listener's own."""
        loop = self._running_loop()
        try:
            if asyncio.get_running_loop() is loop:
                raise Conflict("The listener's own loop must await run_job.")
        except RuntimeError:  # the usual case: a thread without a loop
            pass
        job = asyncio.run_coroutine_threadsafe(self.run_job(region_id, kind, arguments, timeout=timeout), loop)
        try:
            return job.result(timeout + 5)  # a loop that has stopped never answers
        except TimeoutError:
            raise Unavailable("The agents' listener has stopped.", code="listener_stopped") from None

    async def run_job(
        self,
        region_id: str,
        kind: str,
        arguments: dict[str, Json],
        *,
        timeout: float,  # noqa: ASYNC109 - the agent is told of the deadline, which a caller's own time-out cannot do
        on_progress: OnProgress | None = None,
    ) -> Json:
        """Have an agent do something; what it answers.

        A job outlives the stream: it is sent again after a reconnect, and the agent does it once. A caller that is
        cancelled cancels it.

        Raises:
            Unavailable: no answer within `timeout` seconds.
            JobFailed: the agent could not do it, and says why.
            TooMany: the region has too many jobs to answer.
        """
        deadline = self._clock.now() + timedelta(seconds=timeout)
        job = self._jobs.open(region_id, kind, arguments, deadline=deadline, on_progress=on_progress)
        try:
            await self._send(region_id, job.message)
            async with asyncio.timeout(timeout):
                return await job.answer
        except TimeoutError:
            raise Unavailable(
                f"Region {region_id} did not answer within {timeout:g} s.", code="region_silent"
            ) from None
        finally:
            answered = job.answer.done() and not job.answer.cancelled()
            self._jobs.close(job)
            if not answered:
                self._keep(self._send(region_id, protocol.Cancel(id=job.message.id)))

    async def _wake(self, region_id: str, service_id: str) -> None:
        try:
            await self.run_job(region_id, "wake", {"service_id": service_id}, timeout=WAKE_SECONDS)
        except StronghouseError as error:
            _log.warning("wake_failed", region=region_id, service=service_id, reason=error.public)

    async def _send(self, region_id: str, message: protocol.Message) -> None:
        stream = self._streams.get(region_id)
        if stream is not None:
            await stream.send(message)

    def _notify(self, region_id: str) -> None:
        stream = self._streams.get(region_id)
        if stream is not None:
            stream.wake()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise Conflict("The agents' listener was not started.")
        return self._loop

    def _keep(self, work: Coroutine[object, object, _T]) -> None:
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: ServerConnection, agent: Agent) -> None:
        stream = AgentStream(connection, agent, registry=self._registry, jobs=self._jobs)
        former, self._streams[agent.region_id] = self._streams.get(agent.region_id), stream
        if former is not None:
            self._keep(former.close("the agent connected again"))
        try:
            await stream.run()
        finally:
            if self._streams.get(agent.region_id) is stream:
                del self._streams[agent.region_id]
                self._left[agent.region_id] = time.monotonic()
                await asyncio.to_thread(self._registry.disconnected, agent, stream.ended_because)
