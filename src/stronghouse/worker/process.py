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
from stronghouse.worker.channel import Channel, ChannelClosed, Message
from stronghouse.worker.launch import command, environment
from stronghouse.worker.specification import Activity, Launch, SandboxReport, WorkerSpec

__all__ = ["Activity", "SandboxReport", "WorkerProcess", "WorkerSpec"]

START_SECONDS = 20.0
LAST_WORDS_BYTES = 500
ANSWER_SECONDS = 5.0
CLOSE_SECONDS = 8.0
"""How long a worker may take to end its last queries and close the engine, beyond the grace it was given."""


class WorkerProcess:
    """A running worker. Made by `start`; dies with the thread that started it."""

    def __init__(self, process: "Process[bytes]", channel: Channel, ready: Mapping[str, Json]) -> None:
        self._process = process
        self._channel = channel
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._ids = itertools.count(1)
        self.pid = process.pid
        self.sandbox = SandboxReport.from_json(ready.get("sandbox"))
        self.engine_version = str(ready.get("engine_version"))
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, spec: WorkerSpec, *, listener: socket.socket, data_key: bytes, log: Path) -> Self:
        """Start a worker on `listener`, which stays open here, and wait until it serves.

        Args:
            spec: the service. Its data directory exists and belongs to `spec.uid`.
            listener: a listening Unix socket that nobody else accepts on.
            data_key: 32 bytes; it reaches the worker over a pair of sockets.
            log: the file that the worker's log is added to.

        Raises:
            Unavailable: it did not begin to serve within 20 seconds; `code` and the sentence say why.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            launch = Launch(
                "stronghouse.worker",
                str(spec.data_directory),
                spec.uid,
                theirs.fileno(),
                listener.fileno(),
                os.getpid(),
            )
            process = _spawn(launch, log, (theirs.fileno(), listener.fileno()))
        channel: Channel | None = None
        try:
            async with asyncio.timeout(START_SECONDS):
                channel = await Channel.over(ours)
                key = base64.b64encode(data_key).decode()
                await channel.send({"type": "open", "spec": spec.to_json(), "data_key": key})
                ready = _ready(await channel.receive())
            return cls(process, channel, ready)
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

    async def activity(self) -> Activity:
        """How busy it is; raises Unavailable."""
        match await self._ask({"type": "activity"}):
            case {"active_requests": int(active), "idle_seconds": (int() | float()) as idle}:
                return Activity(active, float(idle))
        raise Unavailable("The service's worker gave no answer.", code="worker_confused")

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
        self._channel.close()
        return status

    async def _wait_or_kill(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.wait()
        except TimeoutError:
            self._process.send_signal(signal.SIGKILL)
            await self.wait()

    async def _ask(self, message: Message) -> Json:
        number = next(self._ids)
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._channel.send({**message, "id": number})
                return await answer
        except (TimeoutError, ChannelClosed) as error:
            raise Unavailable("The service's worker does not answer.", code="worker_silent") from error
        finally:
            del self._answers[number]

    async def _listen(self) -> None:
        try:
            while True:
                message = await self._channel.receive()
                answer = self._answers.get(_number(message))
                if answer is not None and not answer.done():
                    answer.set_result(message.get("result"))
        except (ChannelClosed, ValueError) as error:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ChannelClosed())
                    answer.exception()
            if isinstance(error, ValueError):
                raise


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


def _spawn(launch: Launch, log: Path, descriptors: tuple[int, ...]) -> "Process[bytes]":
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        return spawn(
            command("stronghouse.worker.launch", launch),
            environment=environment(launch),
            directory=Path("/"),
            pass_descriptors=descriptors,
            stderr=file,
        )


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
