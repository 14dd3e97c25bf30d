"""One request and its response, over a connection that a thread has to itself.

Invariants:
- A response that is begun is ended, or the connection is cut: nobody takes half an answer for a whole one.
- No header holds a line break.
- What a client goes on sending after its answer is read for a while and forgotten, so that it gets to read the answer.
  That takes a thread, so few are waited for at a time, and the connection ends after it.
"""

import array
import fcntl
import os
import select
import termios
import threading
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

from stronghouse.worker.body import RequestBody
from stronghouse.worker.parser import Head
from stronghouse.worker.wire import PIPE_STEP, Wire

Headers = Iterable[tuple[str, str]]
JOINED_BYTES = 64 << 10
"""Up to this a head and a body are joined: cheaper than to hand two pieces to the kernel."""


class Draining(Protocol):
    """Who knows whether connections are to end, and how many answered clients may still be listened to at a time."""

    draining: bool
    lingering: threading.Semaphore


class Exchange:
    """One request and its response, used by one thread.

    Attributes:
        method, path, target, query, headers: the request, see `Head`.
        body: its body.
        connection_fd: the connection's descriptor, to poll only.
        started: whether a byte of the response may be on its way.
        complete: whether the response has ended as it should.
    """

    __slots__ = (
        *("method", "path", "target", "query", "headers", "body", "connection_fd", "started", "complete"),
        *("_wire", "_server", "_head", "_pending", "_chunked", "_opened", "_close"),
    )

    def __init__(self, wire: Wire, head: Head, server: Draining) -> None:
        self.method = head.method
        self.path = head.path
        self.target = head.target
        self.query: list[tuple[str, str]] = head.query
        self.headers: Mapping[str, str] = head.headers
        self.body = RequestBody(wire, head)
        self.connection_fd = wire.descriptor
        self.started = False
        self.complete = False
        self._wire = wire
        self._server = server
        self._head = head
        self._pending = b""
        self._chunked = head.version == "1.1"
        self._opened = False
        self._close = not head.keep_alive

    @property
    def closing(self) -> bool:
        """Whether the connection ends with this response: the client asked for it, or the server drains."""
        return self._close or self._server.draining

    def respond(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Send a whole answer at once. Raises ConnectionError when the client is gone."""
        head = self._lines(status, headers, f"Content-Length: {len(body)}")
        self.started = True
        if self.method == "HEAD":
            self._wire.send(head)
        elif len(body) <= JOINED_BYTES:
            self._wire.send(head + body)
        else:
            self._wire.send(head, body)
        self.complete = True

    def open_head(self, headers: Headers) -> None:
        """Send the first lines of a successful answer while its outcome is still unknown: progress, for who waits.

        May be called several times. `respond` or `begin` follows; their status comes too late. Raises ConnectionError.
        """
        lines = [f"{name}: {value}\r\n" for name, value in headers]
        if not self._opened:
            lines[:0] = [_status_line(200), f"Date: {_date(int(time.time()))}\r\n"]
        head = _checked("".join(lines), len(lines))
        self.started = self._opened = True
        self._wire.send(head)

    @property
    def head_opened(self) -> bool:
        """Whether the status has been sent already."""
        return self._opened

    def begin(self, status: int, headers: Headers) -> None:
        """Begin an answer whose length is not known; nothing is sent before the first piece. `write` and `end` follow.

        A client of HTTP/1.0, which knows no chunks, gets it up to the connection's end.
        """
        self.started = True
        if not self._chunked:
            self._close = True
        self._pending = self._lines(status, headers, "Transfer-Encoding: chunked" if self._chunked else "")

    def write(self, data: bytes | memoryview) -> None:
        """Send a piece. Raises ConnectionError when the client is gone."""
        pending, self._pending = self._pending, b""
        if self.method == "HEAD" or not len(data):
            if pending:
                self._wire.send(pending)
        elif self._chunked:
            self._wire.send(pending + b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self._wire.send(pending, data)

    def flush(self) -> None:
        """Send the head now, without a piece. Raises ConnectionError."""
        self.write(b"")

    def write_from(self, pipe: int, *, most: int = PIPE_STEP) -> int:
        """Send what a pipe holds, at most `most` bytes, without a copy; waits for at least one byte.

        Returns how many there were; 0 when all its writers are gone. Raises ConnectionError when the client is gone,
        which is noticed while the pipe is empty too.
        """
        size = self._pipe_size(pipe)
        if not size:
            return 0
        size = min(size, most)
        if self.method == "HEAD":
            self.write(b"")
            return len(os.read(pipe, size))
        pending, self._pending = self._pending, b""
        self._wire.send(pending + (b"%x\r\n" % size if self._chunked else b""))
        left = size
        while left:
            left -= self._wire.splice(pipe, left)
        if self._chunked:
            self._pending = b"\r\n"
        return size

    def end(self) -> None:
        """End the answer that `begin` began. Raises ConnectionError when the client is gone."""
        last = b"0\r\n\r\n" if self._chunked and self.method != "HEAD" else b""
        if self._pending or last:
            self._wire.send(self._pending + last)
        self._pending = b""
        self.complete = True

    def abort(self) -> None:
        """Cut the connection, so that nobody takes what was sent for the whole. From any thread."""
        self._close = True
        self._wire.cut()

    def hung_up(self) -> bool:
        """Whether the client is gone. Reads nothing, and may be called from any thread."""
        return self._wire.gone()

    def close_after(self) -> None:
        """Let this be the connection's last answer."""
        self._close = True

    def finish(self) -> bool:
        """After the answer: see to what the client still sends; says whether the connection can go on."""
        if not self.complete:
            return False
        if self.body.ended or not self._close:
            return self.body.discard() and not self._close
        self._wire.finish_sending()
        if self._server.lingering.acquire(blocking=False):
            try:
                self.body.discard()
            finally:
                self._server.lingering.release()
        return False

    def _lines(self, status: int, headers: Headers, framing: str) -> bytes:
        """The head from here to its empty line: all of it, or what is left when it is open already."""
        lines = [] if self._opened else [_status_line(status), f"Date: {_date(int(time.time()))}\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in headers]
        if framing:
            lines.append(f"{framing}\r\n")
        if self.closing or not self.body.finishable:
            self._close = True
            lines.append("Connection: close\r\n")
        elif self._head.version == "1.0":
            lines.append("Connection: keep-alive\r\n")
        head = _checked("".join(lines), len(lines))
        return head + b"\r\n"

    def _pipe_size(self, pipe: int) -> int:
        """How many bytes a pipe holds, once it holds one; 0 at its end. Raises ConnectionAbortedError."""
        poll = None
        while True:
            waiting = array.array("i", [0])
            fcntl.ioctl(pipe, termios.FIONREAD, waiting)
            if waiting[0]:
                return waiting[0]
            if poll is None:
                poll = select.poll()
                poll.register(pipe, select.POLLIN)
                poll.register(self.connection_fd, select.POLLRDHUP)
            events = dict(poll.poll())
            if self.connection_fd in events:
                raise ConnectionAbortedError
            if events[pipe] & select.POLLIN == 0:
                return 0


@lru_cache(maxsize=64)
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))


def _checked(text: str, lines: int) -> bytes:
    """The lines as bytes; raises ValueError when a value would make another line of its own."""
    if text.count("\n") != lines or text.count("\r") != lines:
        raise ValueError("a line break in a header")
    return text.encode("utf-8", "surrogateescape")
