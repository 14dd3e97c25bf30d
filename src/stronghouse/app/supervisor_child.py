"""One supervised process: started, its standard error logged, started again when it dies, stopped in time.

Everything runs on the supervisor's one thread: the kernel ends the children when that thread ends.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stronghouse.app.supervisor_backoff import Backoff
from stronghouse.app.supervisor_logs import ProcessLog
from stronghouse.kernel.processes import Process, spawn

READ_BYTES = 256 * 1024
NOT_STARTED = 127


@dataclass(frozen=True)
class Launch:
    """How to start a process this time.

    Attributes:
        arguments: its command line; never a secret.
        descriptors: descriptors that it inherits; ours are closed after the start.
    """

    arguments: Sequence[str]
    descriptors: Sequence[int] = ()


@dataclass
class Child:
    """A process under supervision. `prepare` says how to start it, each time anew.

    Attributes:
        died: called after each unexpected death, before the restart, with the exit code.
    """

    name: str
    prepare: Callable[[], Launch]
    log: ProcessLog
    supervisor_log: ProcessLog
    environment: dict[str, str]
    died: Callable[[int], None] = lambda _code: None
    backoff: Backoff = field(default_factory=Backoff)
    process: Process[bytes] | None = None
    starts: int = 0
    _stop_asked: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    def start(self) -> None:
        """Start it and keep it running."""
        self._task = asyncio.create_task(self._keep_running(), name=self.name)

    async def restart(self) -> None:
        """End it gently; it is started again at once."""
        self.backoff = Backoff()
        self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    async def stop(self, grace: float) -> None:
        """Ask it to end, and kill it after `grace` seconds. It is not started again."""
        self._stop_asked.set()
        self.send(signal.SIGTERM)
        if self._task is None:
            return
        done, _ = await asyncio.wait({self._task}, timeout=grace)
        if not done:
            self.supervisor_log.event("killed", child=self.name, after_seconds=int(grace))
            self.send(signal.SIGKILL)
            if self.process is None or self.process.poll() is not None:
                self._task.cancel()  # it waits for its next start
            await asyncio.wait({self._task})

    def kill(self) -> None:
        """End it now."""
        self._stop_asked.set()
        self.send(signal.SIGKILL)

    async def _keep_running(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stop_asked.is_set():
            started = loop.time()
            code = await self._run_once()
            if self._stop_asked.is_set():
                return
            delay = self.backoff.next_delay(loop.time() - started)
            self.supervisor_log.event("child_died", child=self.name, exit_code=code, restart_in_ms=int(delay * 1000))
            self.died(code)
            await self._pause(delay)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop_asked.wait(), seconds)

    async def _run_once(self) -> int:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        launch = self.prepare()
        try:
            self.process = spawn(
                launch.arguments, environment=self.environment, pass_descriptors=launch.descriptors, stderr=writing
            )
        except OSError as error:  # no memory or no process left: the next try may find some
            os.close(reading)
            self.supervisor_log.event("start_failed", child=self.name, reason=str(error))
            return NOT_STARTED
        finally:
            for descriptor in (writing, *launch.descriptors):
                os.close(descriptor)
        self.starts += 1
        self.log.forget()
        self.supervisor_log.event("child_started", child=self.name, pid=self.process.pid, start=self.starts)
        loop = asyncio.get_running_loop()
        loop.add_reader(reading, self._read, reading)
        try:
            return await wait_for_exit(self.process)
        finally:
            loop.remove_reader(reading)
            while self._read(reading):
                pass
            self.log.end()
            os.close(reading)

    def _read(self, descriptor: int) -> bool:
        """Take what the process said; whether there may be more."""
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return False
        if data:
            self.log.feed(data)
        else:  # it closed its standard error and may go on without
            asyncio.get_running_loop().remove_reader(descriptor)
        return bool(data)


async def wait_for_exit(process: Process[bytes]) -> int:
    """The exit code of a process, once it ends."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:  # an old kernel, or a sandbox that forbids it
        while process.poll() is None:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.1)
        return process.wait()
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()
