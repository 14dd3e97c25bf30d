"""One agent's open stream: what it says is taken in, what it must do is sent as soon as it is known."""

import asyncio
from collections.abc import Callable

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from stronghouse.kernel.errors import Invalid, StronghouseError
from stronghouse.regions import protocol
from stronghouse.regions.jobs import OpenJobs
from stronghouse.regions.model import SILENCE_SECONDS, Agent
from stronghouse.regions.registry import Registry

POLICY_VIOLATION = 1008  # RFC 6455 section 7.4.1
_log = structlog.get_logger()


class AgentStream:
    """The control plane's end of one stream. `run` ends with the stream; the reason is in `ended_because`."""

    def __init__(self, connection: ServerConnection, agent: Agent, *, registry: Registry, jobs: OpenJobs) -> None:
        self.agent = agent
        self.ended_because = "the connection was lost"
        self._connection = connection
        self._registry = registry
        self._jobs = jobs
        self._changed = asyncio.Event()
        self._changed.set()

    def wake(self) -> None:
        """The desired state may have changed, or the agent was revoked."""
        self._changed.set()

    async def send(self, message: protocol.Message) -> None:
        """Send a message; on a stream that just ended it goes nowhere: the next one starts from the whole state."""
        try:
            await self._connection.send(protocol.encode(message))
        except ConnectionClosed:
            return

    async def close(self, reason: str) -> None:
        """End the stream from this side."""
        self.ended_because = reason
        await self._connection.close(POLICY_VIOLATION, reason[:100])

    async def run(self) -> None:
        """Serve the stream until it ends; never raises for what the agent does."""
        tasks = [asyncio.create_task(self._push()), asyncio.create_task(self._pull())]
        try:
            for job in self._jobs.of_region(self.agent.region_id):
                await self.send(job.message)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                self._explain(outcome)

    def _explain(self, outcome: object) -> None:
        if isinstance(outcome, TimeoutError):
            self.ended_because = f"silent for {SILENCE_SECONDS:.0f} s"
        elif isinstance(outcome, StronghouseError):
            self.ended_because = outcome.public
            _log.warning("agent_stream_refused", agent=self.agent.id, reason=outcome.public, detail=outcome.detail)
        elif isinstance(outcome, Exception) and not isinstance(outcome, ConnectionClosed):
            self.ended_because = "an internal error"
            _log.error("agent_stream_failed", agent=self.agent.id, exc_info=outcome)

    async def _push(self) -> None:
        sent = -1
        while True:
            await self._changed.wait()
            self._changed.clear()
            if not await asyncio.to_thread(self._registry.is_welcome, self.agent.id):
                await self.close("the agent was revoked")
                return
            state = await asyncio.to_thread(self._registry.desired, self.agent.region_id)
            if state.version == sent:
                continue
            documents = [
                protocol.WantedDocument(kind=wanted.kind, id=wanted.id, document=wanted.document)
                for wanted in state.documents
            ]
            await self.send(protocol.Desired(version=state.version, documents=documents))
            sent = state.version

    async def _pull(self) -> None:
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                frame = await self._connection.recv()
            await self._take(protocol.decode(protocol.FROM_AGENT, frame))

    async def _take(self, message: protocol.FromAgent) -> None:
        match message:
            case protocol.Heartbeat():
                await asyncio.to_thread(
                    self._registry.heard, self.agent, time=message.time, applied_version=message.applied_version
                )
                await asyncio.to_thread(self._registry.report, self.agent, message.services)
            case protocol.Statuses():
                await asyncio.to_thread(self._registry.report, self.agent, message.services)
            case protocol.JobProgress():
                self._jobs.progress(self.agent.region_id, message)
            case protocol.JobResult():
                self._jobs.finish(self.agent.region_id, message)
            case protocol.SignServing():
                await self._sign(message.id, message.request_pem, self._registry.sign_serving)
            case protocol.Renew():
                await self._sign(message.id, message.request_pem, self._registry.renew)
            case protocol.Hello():
                raise Invalid("An agent says hello once.", code="protocol_violation")

    async def _sign(self, request_id: str, request_pem: str, sign: Callable[[Agent, bytes], bytes]) -> None:
        try:
            certificate = await asyncio.to_thread(sign, self.agent, request_pem.encode())
        except StronghouseError as error:
            await self.send(protocol.Signed(id=request_id, error=error.public))
        else:
            await self.send(protocol.Signed(id=request_id, certificate_pem=certificate.decode("ascii")))
