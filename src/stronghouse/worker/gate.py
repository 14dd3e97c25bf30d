"""The gate before the engine: open to all requests, closed while the engine is being reopened.

Who finds it closed waits; nobody is turned away because somebody's rights change.
"""

import threading
import time
from typing import Self

from stronghouse.engine.errors import DatabaseError

PATIENCE_SECONDS = 60.0
"""How long a request waits for the gate at most: longer than a reopening can take."""


class Gate:
    """Counts who is inside. Use it as a context manager to be inside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._inside = 0
        self._closed = False

    def __enter__(self) -> Self:
        with self._lock:
            if self._closed:
                self._wait()
            self._inside += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._closed and not self._inside:
                self._changed.notify_all()

    def close(self) -> None:
        """From now on nobody comes in."""
        with self._changed:
            self._closed = True

    def open(self) -> None:
        """Let those in who wait, and all others."""
        with self._changed:
            self._closed = False
            self._changed.notify_all()

    def wait_until_empty(self, seconds: float) -> bool:
        """Wait for the last one to leave; says whether that was so within `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._inside, seconds)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._closed:
            left = deadline - time.monotonic()
            if left <= 0:
                raise DatabaseError(159, "TIMEOUT_EXCEEDED", "The service is applying a change of access; try again")
            self._changed.wait(left)
