"""An INSERT's data on their way into the engine: through a pipe, which the engine reads as it would a file.

The engine's streaming insert hides every error of its last block (measured, chDB 4.4.0: a violated constraint, a disk
without room): it tells of rows that were never written. Of data from a file it tells the truth, and takes half the
time.

Invariants:
- Data that do not come to their end are never taken for whole: the query is ended before its pipe is.
- Little data cost no second thread: they are in the pipe before the engine begins.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable

from stronghouse.engine.connection import Counters

PIPE_BYTES = 1 << 20
AGAIN_SECONDS = 0.01


class Feeder:
    """Feeds one INSERT.

    Args:
        next_piece: the next bytes, none at the end; raises when there are to be no more.
        move: moves the next bytes into a pipe instead and says how many, where they need not be looked at.
        end_query: ends the query inside the engine; says whether the engine knew it.
        stop_body: makes a waiting `next_piece` fail.
    """

    def __init__(
        self,
        next_piece: Callable[[], bytes],
        *,
        end_query: Callable[[], bool],
        stop_body: Callable[[], None],
        move: Callable[[int], int] | None = None,
    ) -> None:
        self._next_piece, self._end_query, self._stop_body, self._move = next_piece, end_query, stop_body, move
        self._done = threading.Event()
        self._error: BaseException | None = None

    def run(self, first: bytes, insert: Callable[[int], Counters], *, coming: int = 0) -> Counters:
        """Run `insert`, which reads the data from the descriptor that it is given, and return what it does.

        `coming` is how many bytes are known to follow `first`; there may be more.

        Raises:
            what `next_piece` raises, else what `insert` raises.
        """
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):  # the user's share of memory for pipes is used up: smaller steps do
                fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            capacity = fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
            data, ended = self._gather(first, capacity) if len(first) + coming <= capacity else (first, False)
        except BaseException:
            os.close(reading)
            os.close(writing)
            raise
        if ended:
            os.write(writing, data)
            os.close(writing)
            try:
                return insert(reading)
            finally:
                os.close(reading)
        return self._run_beside(reading, writing, data, insert)

    def _gather(self, first: bytes, capacity: int) -> tuple[bytes, bool]:
        """The beginning of the data, and whether that is all and fits into the pipe."""
        pieces, size = [first], len(first)
        while size <= capacity:
            piece = self._next_piece()
            if not piece:
                return b"".join(pieces), True
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces), False

    def _run_beside(self, reading: int, writing: int, data: bytes, insert: Callable[[int], Counters]) -> Counters:
        thread = threading.Thread(target=self._feed, args=(writing, data), name="feed", daemon=True)
        thread.start()
        try:
            counters = insert(reading)
        except BaseException:
            self._done.set()
            os.close(reading)
            self._stop_body()
            thread.join()
            if self._error is not None and not isinstance(self._error, BrokenPipeError):
                raise self._error from None
            raise
        self._done.set()
        os.close(reading)
        thread.join()
        if self._error is not None:
            raise self._error
        return counters

    def _feed(self, writing: int, data: bytes) -> None:
        try:
            _write_all(writing, data)
            if self._move is not None:
                while self._move(writing):
                    pass
            while data := self._next_piece():
                _write_all(writing, data)
        except BaseException as error:  # noqa: BLE001 - it is raised where the query runs
            if not self._done.is_set():
                self._error = error
                self._end()
        finally:
            os.close(writing)

    def _end(self) -> None:
        """End the query, which may not have begun yet. Only then may its pipe end."""
        while not self._done.is_set() and not self._end_query():
            time.sleep(AGAIN_SECONDS)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
