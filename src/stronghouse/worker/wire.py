"""A client's connection as a thread uses it: bytes in, bytes out, and how long either may take.

Why not sockets with time-outs of Python's own: those ask the kernel twice for each read. Here the kernel keeps the time
(SO_RCVTIMEO), short, and only who has to wait for longer polls.

Invariants:
- One thread at a time reads and writes; `cut` and `cut_reading` alone may be called from others.
- What was read beyond a request stays here for the next one.
"""

import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Sequence

LINGER_SECONDS = 0.004
"""How long a thread waits for the next request on its connection before it gives the connection back."""
SEND_SECONDS = 300.0
"""How long a client may take nothing of a response: ten times what ClickHouse gives it (`http_send_timeout`)."""
RECEIVE_BYTES = 64 << 10
PIPE_STEP = 1 << 20
STEP_SECONDS = 1.0
"""How long the kernel itself waits for a client to take something, before `SEND_SECONDS` is looked at."""
_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR


class Wire:
    """A connected socket, which it owns, with what was read from it and not used yet.

    Attributes:
        buffer, start: bytes that were read; those from `start` on belong to the next read.
        descriptor: the socket's.
        since: when the connection became idle, or when the head that is arriving began to (monotonic).
        arriving: whether a part of a head has come.
        fresh: whether no request has come yet.
        scanned: how much of the buffer is known to hold no end of a head.
    """

    __slots__ = ("_cut", "_socket", "arriving", "buffer", "descriptor", "fresh", "scanned", "since", "start")

    def __init__(self, connected: socket.socket) -> None:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(LINGER_SECONDS))
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(STEP_SECONDS))
        self._socket = connected
        self._cut = False
        self.descriptor = connected.fileno()
        self.buffer = b""
        self.start = 0
        self.since = time.monotonic()
        self.arriving = False
        self.fresh = True
        self.scanned = 0

    def fill(self, *, linger: bool = False) -> bool | None:
        """Read what has arrived into the buffer; None if nothing has (after a few milliseconds with `linger`).

        False at the end of the stream. Raises ConnectionError.
        """
        try:
            data = self._socket.recv(RECEIVE_BYTES, 0 if linger else socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return None
        self._add(data)
        return bool(data)

    def take(self, size: int) -> bytes:
        """At most `size` bytes out of the buffer."""
        end = self.start + size
        if end < len(self.buffer):
            data = self.buffer[self.start : end]
            self.start = end
            return data
        data = self.buffer[self.start :] if self.start else self.buffer
        self.buffer, self.start = b"", 0
        return data

    @property
    def has_buffered(self) -> bool:
        """Whether there is something that was received and not taken."""
        return len(self.buffer) > self.start

    def peek(self, size: int) -> bytes | None:
        """The next `size` bytes, which stay where they are; None if there are fewer."""
        data = self.buffer[self.start : self.start + size]
        return data if len(data) == size else None

    def receive(self, size: int, *, seconds: float) -> bytes:
        """At most `size` bytes, at least one; none at the end. Raises ConnectionError, TimeoutError."""
        return self.take(size) if self.buffer else self._receive(size, seconds)

    def line(self, most: int, *, seconds: float) -> bytes:
        """The next line with its CR LF, of at most `most` bytes, all of which come within `seconds`.

        Raises ConnectionError when there is an end before, TimeoutError, and ValueError when the line is longer.
        """
        deadline = time.monotonic() + seconds
        while True:
            end = self.buffer.find(b"\r\n", self.start) + 2
            size = end - self.start if end >= 2 else len(self.buffer) - self.start  # noqa: PLR2004 - not found, plus 2
            if size > most:
                raise ValueError("a line that is too long")
            if end >= 2:  # noqa: PLR2004 - as above
                return self.take(size)
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            data = self._receive(RECEIVE_BYTES, left)
            if not data:
                raise ConnectionAbortedError
            self._add(data)

    def send(self, *parts: bytes | memoryview) -> None:
        """Send all. Raises ConnectionError when the client is gone, or takes nothing for `SEND_SECONDS`."""
        sent = self._send_some(parts)
        while rest := _without(parts, sent):
            if sent == 0 and not self._wait(select.POLLOUT, SEND_SECONDS):
                raise ConnectionAbortedError
            parts = rest
            sent = self._send_some(parts)

    def send_now(self, data: bytes) -> None:
        """Send what the kernel takes at once: last words, whose arrival does not matter."""
        with contextlib.suppress(OSError):
            self._socket.send(data, socket.MSG_DONTWAIT)

    def move_to(self, pipe: int, size: int, *, seconds: float) -> int:
        """Move at most `size` bytes that come into a pipe without looking at them; how many, none at the end.

        Nothing may be in the buffer. Raises OSError, TimeoutError.
        """
        while True:
            try:
                return os.splice(self.descriptor, pipe, size)
            except (BlockingIOError, InterruptedError):
                if not self._wait(select.POLLIN, seconds):
                    raise TimeoutError from None

    def splice(self, pipe: int, size: int) -> int:
        """Move at most `size` bytes from a pipe to the client without looking at them; how many there were.

        Raises ConnectionError as `send` does.
        """
        while True:
            try:
                return os.splice(pipe, self.descriptor, size)
            except (BlockingIOError, InterruptedError):
                if not self._wait(select.POLLOUT, SEND_SECONDS):
                    raise ConnectionAbortedError from None

    def gone(self) -> bool:
        """Whether the client has closed its side. Nothing is read."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLRDHUP)
        return self._cut or any(event & _GONE for _, event in poll.poll(0))

    def has_data(self) -> bool:
        """Whether a read would give bytes at once."""
        if self.buffer:
            return True
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False

    def cut(self) -> None:
        """End both directions at once: whatever waits in a thread fails. From any thread."""
        self._cut = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def cut_reading(self) -> None:
        """As if the client had sent its last byte. From any thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def finish_sending(self) -> None:
        """Tell the client that nothing more comes."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _add(self, data: bytes) -> None:
        self.scanned = max(0, self.scanned - self.start)
        self.buffer = self.buffer[self.start :] + data if self.buffer else data
        self.start = 0

    def _receive(self, size: int, seconds: float) -> bytes:
        try:
            return self._socket.recv(size)
        except (BlockingIOError, InterruptedError):
            if not self._wait(select.POLLIN, seconds):
                raise TimeoutError from None
            return self._socket.recv(size)

    def _send_some(self, parts: Sequence[bytes | memoryview]) -> int:
        try:
            return self._socket.send(parts[0]) if len(parts) == 1 else self._socket.sendmsg(parts)
        except (BlockingIOError, InterruptedError):
            return 0

    def _wait(self, events: int, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self.descriptor, events)
        return bool(poll.poll(seconds * 1000))


def _timeval(seconds: float) -> bytes:
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))


def _without(parts: Sequence[bytes | memoryview], sent: int) -> tuple[bytes | memoryview, ...]:
    """What is left of `parts` after `sent` bytes."""
    rest: list[bytes | memoryview] = []
    for part in parts:
        if sent >= len(part):
            sent -= len(part)
        else:
            rest.append(memoryview(part)[sent:])
            sent = 0
    return tuple(rest)
