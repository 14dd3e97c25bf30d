"""Running the demo's process beside the supervised ones: its task in, its progress out."""

import asyncio
import contextlib
import os

from stronghouse.app.demo_protocol import DemoProgress, DemoService, DemoTask
from stronghouse.app.supervisor_child import wait_for_exit
from stronghouse.app.supervisor_commands import Commands
from stronghouse.app.supervisor_logs import ProcessLog
from stronghouse.app.supervisor_screen import Screen
from stronghouse.kernel.errors import StronghouseError
from stronghouse.kernel.processes import Process, spawn

DEMO_SECONDS = 180.0
MAX_ERROR_BYTES = 64 * 1024


class DemoRun:
    """One run of the demo. It may fail: then there is a warning, and whatever was made so far."""

    def __init__(self, commands: Commands, screen: Screen, log: ProcessLog, environment: dict[str, str]) -> None:
        self._commands = commands
        self._screen = screen
        self._log = log
        self._environment = environment
        self._failure = "it ended without saying why; see supervisor.log."
        self._complete = False
        self._errors = -1
        self.process: Process[bytes] | None = None
        self.service: DemoService | None = None

    async def run(self, task: DemoTask) -> bool:
        """Run it to its end; whether the table is complete."""
        reading = self._start(task)
        try:
            async with asyncio.timeout(DEMO_SECONDS):
                await self._follow(reading)
        except TimeoutError:
            self._failure = f"it took more than {DEMO_SECONDS:.0f} s"
        except StronghouseError as error:
            self._failure = error.public
        finally:
            await self._end()
        if not self._complete:
            self._log.event("demo_failed", reason=self._failure)
            self._screen.warn(f"The demo is not complete: {self._failure} Everything else works.")
        return self._complete

    def _start(self, task: DemoTask) -> int:
        task_reading, task_writing = os.pipe()
        reading, writing = os.pipe()
        self._errors, errors = os.pipe()
        os.set_blocking(self._errors, False)
        os.write(task_writing, task.to_line())
        os.close(task_writing)
        try:
            self.process = spawn(
                self._commands.demo(task_reading, writing),
                environment=self._environment,
                pass_descriptors=(task_reading, writing),
                stderr=errors,
            )
        finally:
            for descriptor in (task_reading, writing, errors):
                os.close(descriptor)
        return reading

    async def _follow(self, reading: int) -> None:
        stream = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        pipe = os.fdopen(reading, "rb", buffering=0)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
        try:
            while line := await stream.readline():
                self._take(DemoProgress.from_line(line))
        finally:
            transport.close()

    def _take(self, progress: DemoProgress) -> None:
        match progress.kind:
            case "service":
                self.service = progress.service
                self._screen.step("the demo's service runs")
            case "rows":
                self._screen.progress("loading flights", progress.rows, progress.total)
            case "done":
                self._complete = True
                self._screen.step(f"{progress.rows:,} flights are loaded")
            case _:
                self._failure = progress.reason

    async def _end(self) -> None:
        if self.process is None:
            return
        if not self._complete and self.process.poll() is None:
            self.process.kill()
        await wait_for_exit(self.process)
        with contextlib.suppress(BlockingIOError):  # a traceback fits into a pipe's buffer
            self._log.feed(os.read(self._errors, MAX_ERROR_BYTES))
        self._log.end()
        os.close(self._errors)
