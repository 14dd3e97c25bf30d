"""Flushing the journal to disk soon after something was written, for all writers at once."""

import os
import threading
from pathlib import Path

from stronghouse.kernel.files import sync_directory


class Flusher:
    """A thread that flushes one file at a time, `seconds` after `wake`. It sleeps while nothing is written.

    Files are handed over by descriptor: the flusher closes one once it is flushed to its end. All methods but `close`
    are to be called under the journal's lock.
    """

    def __init__(self, directory: Path, seconds: float) -> None:
        self._directory = directory
        self._seconds = seconds
        self._lock = threading.Lock()
        self._current: int | None = None
        self._finished: list[int] = []
        self._named = False
        self._dirty = threading.Event()
        self._ending = threading.Event()
        self.failure: str | None = None
        """Why the last flush failed, if it did."""
        self._thread = threading.Thread(target=self._run, name="journal flusher", daemon=True)
        self._thread.start()

    def begin(self, descriptor: int) -> None:
        """A file was made; its name is flushed too."""
        with self._lock:
            self._current, self._named = descriptor, True
        self._dirty.set()

    def end(self) -> None:
        """Nothing more is written to the file."""
        with self._lock:
            if self._current is not None:
                self._finished.append(self._current)
            self._current = None
        self._dirty.set()

    def wake(self) -> None:
        """Something was written."""
        if not self._dirty.is_set():
            self._dirty.set()

    def close(self) -> None:
        """Flush what there is and stop."""
        self._ending.set()
        self._dirty.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._dirty.wait()
            self._ending.wait(self._seconds)
            self._dirty.clear()
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            finished, self._finished = self._finished, []
            named, self._named = self._named, False
            current = [] if self._current is None else [os.dup(self._current)]
        failure = None
        for descriptor in (*finished, *current):
            try:
                os.fdatasync(descriptor)
            except OSError as error:
                failure = error.strerror
            finally:
                os.close(descriptor)
        if named:
            try:
                sync_directory(self._directory)
            except OSError as error:
                failure = error.strerror
        self.failure = failure
