"""The agent's handle on one worker: starts it, tells it things, ends it. See the package for the other side."""

import asyncio
import base64
import contextlib
import itertools
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.processes import Process, spawn
from stronghouse.worker.channel import Channel
from stronghouse.worker.launch import command, environment
from stronghouse.worker.messages import ChannelClosed, Message
from stronghouse.worker.reports import AccessReport, LogReports
from stronghouse.worker.specification import Activity, KeyUsers, Launch, SandboxReport, WorkerSpec
from stronghouse.worker.unasked import DataKeyProvider, Unasked

__all__ = ["Activity", "DataKeyProvider", "SandboxReport", "WorkerProcess", "WorkerSpec"]

START_SECONDS = 20.0
LAST_WORDS_BYTES = 500
ANSWER_SECONDS = 5.0
SETTINGS_SECONDS = 15.0
"""How long a worker may take for settings: a change of access may be under way."""
LOGS_SECONDS = 15.0
"""How long a worker may take to move its journal into the tables and count what is there."""
ACCESS_SECONDS = 20.0
"""How long a change of users may take: requests that run are waited for, and the engine is opened anew."""
CLOSE_SECONDS = 8.0
"""How long a worker may take to end its last queries and close the engine, beyond the grace it was given."""


class WorkerProcess:
    """A running worker. Made by `start`; dies with the thread that started it."""

    def __init__(
        self, process: "Process[bytes]", channel: Channel, ready: Mapping[str, Json], unasked: Unasked
    ) -> None:
        self._process = process
        self._channel = channel
        self._unasked = unasked
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._ids = itertools.count(1)
        self.pid = process.pid
        self.sandbox = SandboxReport.from_json(ready.get("sandbox"))
        self.engine_version = str(ready.get("engine_version"))
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(
        cls,
        spec: WorkerSpec,
        *,
        listener: socket.socket,
        data_key: bytes,
        log: Path,
        data_key_provider: DataKeyProvider | None = None,
    ) -> Self:
        """Start a worker on `listener`, which stays open here, and wait until it serves.

        Args:
            spec: the service. Its data directory exists and belongs to `spec.uid`.
            listener: a listening Unix socket that nobody else accepts on.
            data_key: 32 bytes; it reaches the worker over a pair of sockets.
            log: the file that the worker's log is added to.
            data_key_provider: gives the same key again when the worker has to open its engine anew, since it keeps no
                copy; without one the worker is refused.

        Raises:
            Unavailable: it did not begin to serve within 20 seconds; `code` and the sentence say why.
        """
        process, ours = _spawn(spec, listener, log)
        channel: Channel | None = None
        try:
            async with asyncio.timeout(START_SECONDS):
                channel = await Channel.over(ours)
                key = base64.b64encode(data_key).decode()
                await channel.send({"type": "open", "spec": spec.to_json(), "data_key": key})
                ready = _ready(await channel.receive())
            return cls(process, channel, ready, Unasked(channel, spec.service_id, data_key_provider))
        except (TimeoutError, ChannelClosed, ValueError) as error:
            await _end(process, channel)
            raise Unavailable(
                "The service's worker did not start; its log says why.",
                code="worker_not_started",
                detail=await asyncio.to_thread(_last_words, log),
            ) from error
        except BaseException:
            await _end(process, channel)
            raise

    async def set_password(self, password_sha256: str) -> None:
        """Another password from now on; sessions end. Raises Unavailable."""
        await self._ask({"type": "set_password", "password_sha256": password_sha256})

    async def set_settings(self, settings: Mapping[str, str]) -> None:
        """Have every session begin with these from now on. Raises Unavailable."""
        await self._ask({"type": "set_settings", "settings": {**settings}}, seconds=SETTINGS_SECONDS)

    async def check_settings(self, settings: Mapping[str, str]) -> str | None:
        """Try settings without setting them: what the engine says of one that it refuses. Raises Unavailable."""
        answer = await self._ask({"type": "check_settings", "settings": {**settings}}, seconds=SETTINGS_SECONDS)
        if answer is None or isinstance(answer, str):
            return answer
        raise Unavailable("The service's worker gave no answer.", code="worker_confused")

    async def set_key_users(self, wanted: KeyUsers) -> None:
        """Just these users of API keys from now on; queries of the others end. Raises Unavailable."""
        await self._ask({"type": "set_key_users", "wanted": wanted.to_json()}, seconds=ACCESS_SECONDS)

    async def activity(self) -> Activity:
        """How busy it is; raises Unavailable."""
        match await self._ask({"type": "activity"}):
            case {"active_requests": int(active), "idle_seconds": (int() | float()) as idle}:
                return Activity(active, float(idle))
        raise Unavailable("The service's worker gave no answer.", code="worker_confused")

    async def logs(self, *, canary: str | None = None) -> LogReports:
        """The state of its logs, after it moved into their tables what waited in the journal.

        Args:
            canary: a name as `CANARY` describes it. The worker then runs a statement under it too, and looks for it in
                the query log as `query_id` and in the session log as `user`.

        Raises:
            Unavailable: it gave no answer.
        """
        answer = await self._ask({"type": "logs", "canary": canary}, seconds=LOGS_SECONDS)
        try:
            return LogReports.from_json(answer)
        except ValueError as error:
            raise Unavailable("The service's worker gave no answer.", code="worker_confused") from error

    async def access(self) -> AccessReport:
        """How many database users there are, and of what kind; raises Unavailable."""
        try:
            return AccessReport.from_json(await self._ask({"type": "access"}))
        except ValueError as error:
            raise Unavailable("The service's worker gave no answer.", code="worker_confused") from error

    async def metrics(self) -> Json:
        """Its engine's counters by name, which nothing has checked yet; raises Unavailable."""
        return await self._ask({"type": "metrics"})

    async def stop_if_idle(self, idle_seconds: float) -> bool:
        """End it if it has done nothing for `idle_seconds`, and says whether; raises Unavailable.

        No accepted request is lost: it stops accepting first, and what comes after waits in the listening socket.
        """
        if await self._ask({"type": "stop_if_idle", "idle_seconds": idle_seconds}) is not True:
            return False
        await self._wait_or_kill(CLOSE_SECONDS)
        return True

    async def quiesce_and_stop(self, grace: float = 5.0) -> None:
        """End it: running queries have `grace` seconds, then they end with code 394; at the very last SIGKILL."""
        with contextlib.suppress(Unavailable):
            await self._ask({"type": "stop", "grace": grace})
        await self._wait_or_kill(grace + CLOSE_SECONDS)

    async def wait(self) -> int:
        """Wait until it ends; its exit status, or the negative number of the signal that ended it."""
        status = await _wait(self._process)
        self._listening.cancel()
        self._unasked.close()
        self._channel.close()
        return status

    async def _wait_or_kill(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.wait()
        except TimeoutError:
            self._process.send_signal(signal.SIGKILL)
            await self.wait()

    async def _ask(self, message: Message, *, seconds: float = ANSWER_SECONDS) -> Json:
        number = next(self._ids)
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(seconds):
                await self._channel.send({**message, "id": number})
                return await answer
        except (TimeoutError, ChannelClosed) as error:
            raise Unavailable("The service's worker does not answer.", code="worker_silent") from error
        finally:
            del self._answers[number]

    async def _listen(self) -> None:
        """Take what the worker says until the channel ends. Nothing that it says can end this earlier."""
        with contextlib.suppress(ChannelClosed):
            while True:
                try:
                    message = await self._channel.receive()
                except ValueError:
                    self._unasked.note_unreadable()
                    continue
                self._take(message)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ChannelClosed())
                answer.exception()

    def _take(self, message: Message) -> None:
        if message.get("type") != "answer":
            self._unasked.take(message)
            return
        answer = self._answers.get(_number(message))
        if answer is not None and not answer.done():
            answer.set_result(message.get("result"))


def _ready(message: Message) -> Message:
    if message.get("type") == "ready":
        return message
    raise Unavailable(
        str(message.get("reason", "The service's worker did not start.")),
        code=str(message.get("code", "worker_not_started")),
        detail=str(message.get("detail")),
    )


def _last_words(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_WORDS_BYTES))
        return file.read().decode(errors="replace")


def _spawn(spec: WorkerSpec, listener: socket.socket, log: Path) -> "tuple[Process[bytes], socket.socket]":
    """The launching stage of a worker, and our end of its control channel."""
    ours, theirs = socket.socketpair()
    launch = Launch(
        "stronghouse.worker", str(spec.data_directory), spec.uid, theirs.fileno(), listener.fileno(), os.getpid()
    )
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with theirs, os.fdopen(descriptor, "ab") as file:
        process = spawn(
            command("stronghouse.worker.launch", launch),
            environment=environment(launch),
            directory=Path("/"),
            pass_descriptors=(theirs.fileno(), listener.fileno()),
            stderr=file,
        )
    return process, ours


async def _wait(process: "Process[bytes]") -> int:
    loop = asyncio.get_running_loop()
    while process.poll() is None:
        # Not yet reaped, so the id still names this process, even if it ends just now.
        descriptor = os.pidfd_open(process.pid)
        ended: asyncio.Future[None] = loop.create_future()
        loop.add_reader(descriptor, _wake, ended)
        try:
            await ended
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    return int(process.returncode)


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def _end(process: "Process[bytes]", channel: Channel | None) -> None:
    if channel is not None:
        channel.close()
    process.send_signal(signal.SIGKILL)
    await _wait(process)


def _number(message: Message) -> int:
    number = message.get("id")
    return number if isinstance(number, int) else 0
