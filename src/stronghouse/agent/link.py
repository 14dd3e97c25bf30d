"""The one stream to the control plane: opened by the agent, opened again whenever it ends.

What the agent says is always read from what is the case now, never queued: after an outage of any length nothing
old is told and nothing is missing.
"""

import asyncio
import contextlib
import math
import ssl
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from stronghouse.agent.backoff import Backoff
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Denied, Invalid, StronghouseError, Unavailable
from stronghouse.kernel.ids import new_id
from stronghouse.regions import protocol
from stronghouse.regions.model import HEARTBEAT_SECONDS
from stronghouse.regions.protocol import Message, ServiceStatus

ANSWER_SECONDS = 10.0
RECONNECT_MOST_SECONDS = 5.0
STEADY_SECONDS = 10.0
_log = structlog.get_logger()


class Receiver(Protocol):
    """Takes what the control plane says and tells how things are."""

    def accept(self, desired: protocol.Desired) -> None:
        """A new desired state."""
        ...

    def statuses(self) -> tuple[int, list[ServiceStatus]]:
        """The applied version and how every service is."""
        ...

    async def take_job(self, job: protocol.Job) -> None:
        """Begin a job, or answer it again."""
        ...

    def cancel_job(self, job_id: str) -> None:
        """Nobody waits for this job any more."""
        ...

    async def connected(self) -> None:
        """A stream was opened: the time to renew what needs renewing. Runs beside the stream, and ends with it."""
        ...


class Link:
    """The agent's end of the stream.

    Args:
        url: the agents' listener.
        context: gives the TLS context for the next connection, so that a renewed certificate is used.
        receiver: whom the stream serves.
        software: the agent's version.
    """

    def __init__(
        self,
        url: str,
        *,
        context: Callable[[], ssl.SSLContext],
        receiver: Receiver,
        clock: Clock,
        software: str,
        protocols: tuple[int, ...] = protocol.SUPPORTED_PROTOCOLS,
    ) -> None:
        self._url = url.rstrip("/") + protocol.STREAM_PATH
        self._context = context
        self._receiver = receiver
        self._clock = clock
        self._software = software
        self._protocols = protocols
        self._connection: ClientConnection | None = None
        self._opened_at = self._closed_at = -math.inf
        self._changed = asyncio.Event()
        self._signatures: dict[str, asyncio.Future[bytes]] = {}

    @property
    def is_connected(self) -> bool:
        """Whether the stream is open now."""
        return self._connection is not None

    def silent_for(self, heard_at: float) -> float:
        """Seconds for which nothing newer can have been said than what was heard at `heard_at` (monotonic).

        0 while the stream is open on which it was heard: what changes is sent on it at once.
        """
        heard_here = heard_at >= self._opened_at
        if heard_here and self.is_connected:
            return 0.0
        return time.monotonic() - (max(heard_at, self._closed_at) if heard_here else heard_at)

    def poke(self) -> None:
        """A status or the applied version may have changed: tell it soon. Several pokes become one message."""
        self._changed.set()

    async def send(self, message: Message) -> None:
        """Send a message, to nobody while there is no stream."""
        if self._connection is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._connection.send(protocol.encode(message))

    async def sign_serving(self, request_pem: bytes) -> bytes:
        """A server certificate for the edge; raises Denied with the control plane's reason, Unavailable without one."""
        return await self._sign(lambda id_, pem: protocol.SignServing(id=id_, request_pem=pem), request_pem)

    async def renew(self, request_pem: bytes) -> bytes:
        """The next client certificate; raises as `sign_serving`."""
        return await self._sign(lambda id_, pem: protocol.Renew(id=id_, request_pem=pem), request_pem)

    async def reconnect(self) -> None:
        """End the stream so that it is opened again, with the newest certificate."""
        if self._connection is not None:
            await self._connection.close()

    async def run(self) -> None:
        """Keep the stream open until cancelled."""
        backoff = Backoff(first=0.2, most=RECONNECT_MOST_SECONDS)
        while True:
            started = time.monotonic()
            try:
                await self._session()
            except InvalidStatus as error:
                body = (error.response.body or b"").decode(errors="replace")[:200].strip()
                _log.error("control_refused", status=error.response.status_code, reason=body)
            except (OSError, WebSocketException, TimeoutError) as error:
                _log.warning("control_lost", reason=str(error) or type(error).__name__)
            except StronghouseError as error:
                _log.error("control_refused", code=error.code, reason=error.public, detail=error.detail)
            except Exception:  # noqa: BLE001 - the edge of the stream: its trouble must not reach the services
                _log.exception("link_failed")
            if time.monotonic() - started > STEADY_SECONDS:
                backoff.reset()
            await asyncio.sleep(backoff.next_delay())

    async def _session(self) -> None:
        async with connect(
            self._url,
            ssl=self._context(),
            compression=None,
            proxy=None,
            user_agent_header=None,
            open_timeout=ANSWER_SECONDS,
            ping_interval=HEARTBEAT_SECONDS,
            ping_timeout=2 * HEARTBEAT_SECONDS,
            close_timeout=1,
            max_size=protocol.MAX_MESSAGE_BYTES,
        ) as connection:
            await self._greet(connection)
            self._connection = connection
            self._opened_at = time.monotonic()
            work = [self._listen(connection), self._tell(), self._receiver.connected()]
            tasks = [asyncio.get_running_loop().create_task(part) for part in work]
            try:
                await _first_failure(tasks)
            finally:
                self._connection = None
                self._closed_at = time.monotonic()
                self._give_up_signatures()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _greet(self, connection: ClientConnection) -> None:
        hello = protocol.Hello(
            protocols=list(self._protocols),
            software=self._software,
            time=self._clock.now(),
            applied_version=self._receiver.statuses()[0],
        )
        await connection.send(protocol.encode(hello))
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = protocol.decode(protocol.FROM_CONTROL, await connection.recv())
        if isinstance(answer, protocol.Refused):
            raise Denied(answer.message, code=answer.code)
        if not isinstance(answer, protocol.Welcome) or answer.protocol not in self._protocols:
            raise Invalid("The control plane did not welcome this agent.", code="protocol_violation")
        _log.info("control_connected", region=answer.region, protocol=answer.protocol)

    async def _listen(self, connection: ClientConnection) -> None:
        while True:
            await self._take(protocol.decode(protocol.FROM_CONTROL, await connection.recv()))

    async def _take(self, message: protocol.FromControl) -> None:
        match message:
            case protocol.Desired():
                self._receiver.accept(message)
            case protocol.Job():
                await self._receiver.take_job(message)
            case protocol.Cancel():
                self._receiver.cancel_job(message.id)
            case protocol.Signed():
                self._signed(message)
            case protocol.Refused():
                raise Denied(message.message, code=message.code)
            case protocol.Welcome():
                raise Invalid("The control plane welcomes once.", code="protocol_violation")

    async def _tell(self) -> None:
        """Changes at once; everything with each heartbeat, so that whatever was lost is mended by the next."""
        told: dict[str, ServiceStatus] = {}
        told_version, next_beat = -1, 0.0
        while True:
            self._changed.clear()
            applied, statuses = self._receiver.statuses()
            now: datetime = self._clock.now()
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + HEARTBEAT_SECONDS
                await self.send(protocol.Heartbeat(time=now, applied_version=applied, services=statuses))
            else:
                news = [status for status in statuses if told.get(status.id) != status]
                if news or applied != told_version:
                    await self.send(protocol.Statuses(applied_version=applied, services=news))
            told, told_version = {status.id: status for status in statuses}, applied
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, next_beat - time.monotonic())):
                    await self._changed.wait()

    async def _sign(self, message: Callable[[str, str], Message], request_pem: bytes) -> bytes:
        request_id = new_id()
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._signatures[request_id] = answer
        try:
            await self.send(message(request_id, request_pem.decode("ascii")))
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answer
        except TimeoutError:
            raise Unavailable("The control plane did not sign in time.", code="control_silent") from None
        finally:
            self._signatures.pop(request_id, None)

    def _signed(self, message: protocol.Signed) -> None:
        answer = self._signatures.get(message.id)
        if answer is None or answer.done():
            return
        if message.certificate_pem is None:
            answer.set_exception(Denied(message.error or "The control plane did not sign.", code="signing_denied"))
        else:
            answer.set_result(message.certificate_pem.encode("ascii"))

    def _give_up_signatures(self) -> None:
        for answer in self._signatures.values():
            if not answer.done():
                answer.set_exception(Unavailable("The stream to the control plane ended.", code="control_lost"))


async def _first_failure(tasks: "list[asyncio.Task[None]]") -> None:
    """Wait until one of `tasks` fails, and raise that; one that ends well is only one fewer to wait for."""
    waiting = set(tasks)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
