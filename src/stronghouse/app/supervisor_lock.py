"""One supervisor for one state directory: a lock that the kernel drops when its holder dies, however it dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from stronghouse.kernel.errors import Conflict


class StateLock:
    """Holds `<state>/supervisor.lock` while the block runs.

    Raises:
        Conflict: another supervisor holds it; the sentence names its process id.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / "supervisor.lock"
        self._descriptor = -1

    def __enter__(self) -> Self:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            named = f" (process {holder})" if holder.isdigit() else ""
            raise Conflict(
                f"Stronghouse runs on {self._directory} already{named}; stop it first, or choose another --state-dir.",
                code="already_running",
            ) from None
        # The number is only told to people; what excludes is the lock.
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
