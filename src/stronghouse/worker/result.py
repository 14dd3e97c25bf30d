"""A result on its way from the engine's pipe to the client.

The engine writes any format, compressed or not, into a pipe while the query's own thread waits for it. A short result
fits into the pipe and is read when the query is done, by that same thread. Only for one that takes longer does a
second thread begin to carry, so that most queries pay for no hand-over.
"""

import array
import contextlib
import fcntl
import os
import select
import termios
import threading
import time
from collections.abc import Callable
from typing import Protocol

from stronghouse.worker.exchange import Exchange

PIPE_BYTES = 1 << 20
READ_BYTES = 256 << 10
HELD_BYTES = 256 << 10
"""How much of a result is held back, so that an error before its end can still have its own status."""
HELD_SECONDS = 1.0
"""How long: a slow result is sent as it comes after that."""
END_SECONDS = 0.05
WAITING_BYTES = 32 << 20
"""With `wait_end_of_query`, how much is held at most. ClickHouse goes on in a file; we do not put rows in files."""
Headers = list[tuple[str, str]]


class Framing(Protocol):
    """What wraps a result's bytes once more (ClickHouse's native compression)."""

    def add(self, data: bytes) -> bytes:
        """What can go out already."""
        ...

    def end(self) -> bytes:
        """The rest."""
        ...


class _Pipes(threading.local):
    """An empty pipe for each thread: most results are short, and a pipe takes longer to make than to use."""

    spare: tuple[int, int] | None = None

    def take(self) -> tuple[int, int]:
        """The ends to read from and to write to."""
        spare, self.spare = self.spare, None
        if spare is not None:
            return spare
        reading, writing = os.pipe2(os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # the user's share of memory for pipes is used up: smaller steps do
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        return reading, writing

    def give_back(self, reading: int, writing: int, *, reusable: bool) -> None:
        """Keep a pipe that is empty and that nobody else has open (`reusable`), else close it."""
        if reusable and self.spare is None:
            self.spare = reading, writing
        else:
            os.close(reading)
            os.close(writing)

    def __del__(self) -> None:
        if self.spare is not None:
            for descriptor in self.spare:
                os.close(descriptor)


_pipes = _Pipes()


def _available(pipe: int) -> int:
    """How many bytes wait in a pipe."""
    answer = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, answer)
    return answer[0]


def _has_bytes(pipe: int, seconds: float) -> bool:
    """Wait for bytes or the end; says whether either came within `seconds`."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class ResultStream:
    """One result. `writing` is the descriptor that the engine writes to.

    Args:
        exchange: where to.
        head: the response's headers, asked for once, when it begins before the query has ended.
        wait: whether as much as possible is held back.
        framing: wraps what goes out.
    """

    def __init__(
        self, exchange: Exchange, *, head: Callable[[], Headers], wait: bool = False, framing: Framing | None = None
    ) -> None:
        self._exchange, self._head, self._framing = exchange, head, framing
        self._limit = WAITING_BYTES if wait else HELD_BYTES
        self._patience = None if wait else HELD_SECONDS
        self._lock = threading.Lock()
        self._carrier: threading.Thread | None = None
        self._done = False
        self._lost = False
        self.begun = False
        self.size = 0
        self.held = bytearray()
        self._reading, self.writing = _pipes.take()

    @property
    def carried(self) -> bool:
        """Whether a second thread carries it."""
        return self._carrier is not None

    def carry(self) -> None:
        """Let a thread carry what comes from now on; called by who watches running queries."""
        with self._lock:
            if self._done or self._carrier is not None:
                return
            self._carrier = threading.Thread(target=self._carry, name="result", daemon=True)
            self._carrier.start()

    def finish(self, *, failed: bool) -> None:
        """The engine has written all. What was not sent is in `held` afterwards; raises ConnectionAbortedError.

        `failed`: the query did, and the engine may still have the pipe open somewhere: nobody may use it again.
        """
        with self._lock:
            self._done = True
            carrier = self._carrier
        if carrier is None:
            while size := _available(self._reading):
                self._hold(os.read(self._reading, size))
            _pipes.give_back(self._reading, self.writing, reusable=not failed)
        else:
            os.close(self.writing)
            carrier.join()
            os.close(self._reading)
        if self._framing is not None:
            self._put(self._framing.end())
        if self._lost:
            raise ConnectionAbortedError

    def _carry(self) -> None:
        """To the pipe's end, whatever happens to the client: the engine ends only when its pipe is read."""
        deadline = None if self._patience is None else time.monotonic() + self._patience
        while self._await(deadline):
            data = os.read(self._reading, READ_BYTES)
            if not data:
                return
            if deadline is not None and not self.held:  # the end may follow at once, with the numbers for the head
                deadline = max(deadline, time.monotonic() + END_SECONDS)
            self._hold(data)
            if len(self.held) >= self._limit:
                break
        self._begin()
        if self._framing is None:
            self._move()
        while data := os.read(self._reading, READ_BYTES):
            self._hold(data)

    def _move(self) -> None:
        """Send the rest as it is, past this process's memory, until the end or until the client is gone."""
        while not self._lost:
            try:
                size = self._exchange.write_from(self._reading)
            except OSError:
                self._lost = True
                return
            if not size:
                return
            self.size += size

    def _await(self, deadline: float | None) -> bool:
        """Wait for bytes or the end; false once the deadline is over and the result has begun to be late."""
        if self.begun:
            return True
        if deadline is None or not self.held:
            return True
        left = deadline - time.monotonic()
        return _has_bytes(self._reading, max(left, 0.0))

    def _hold(self, data: bytes) -> None:
        self._put(data if self._framing is None else self._framing.add(data))

    def _put(self, data: bytes) -> None:
        self.size += len(data)
        if self._lost or not data:
            return
        if not self.begun:
            self.held += data
            return
        self._write(data)

    def _begin(self) -> None:
        if self._lost or self.begun:
            return
        try:
            self._exchange.begin(200, self._head())
        except OSError:
            self._lost = True
        self.begun = True
        held, self.held = bytes(self.held), bytearray()
        self._write(held)

    def _write(self, data: bytes) -> None:
        if self._lost or not data:
            return
        try:
            self._exchange.write(data)
        except OSError:
            self._lost = True
