"""A request's body: read as it comes, never whole in memory, and waited for no longer than the time-outs say."""

import lzma
import math
import os
import re
import time
import zlib
from collections.abc import Callable
from typing import Protocol, TypeVar

import zstandard

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.parser import Head
from stronghouse.worker.wire import Wire

_T = TypeVar("_T")
BODY_SECONDS = 60.0
"""How long a client may send nothing while its body is not complete."""
PIECE = 1 << 20
"""How much is read at a time, in bytes after decompression."""
MAX_CHUNK_LINE = 256
MAX_TRAILER = 8 << 10
REST_BYTES = 64 << 10
REST_SECONDS = 10.0
"""How long what an answered client goes on sending is read, so that it gets to read the answer."""
SILENT_SECONDS = 1.0
"""How long such a client may send nothing."""
ARRIVAL_SECONDS = 0.05
"""How long an answer that comes before a short body waits for it: clients send it right after the head."""
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")


class Source(Protocol):
    """Bytes to read until there are none."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


class RequestBody:
    """The bytes behind a head, as they come. Its `read` waits, in the request's own thread.

    Attributes:
        length: in bytes; None when it comes in chunks, so that nobody knows yet.
        ended: whether its last byte has been read: what comes next on the connection is the next request.
    """

    __slots__ = (
        *("_abandoned", "_broken", "_chunked", "_deadline", "_expected", "_left", "_silence", "_wire"),
        *("ended", "length"),
    )

    def __init__(self, wire: Wire, head: Head) -> None:
        self.length = head.length
        self.ended = head.length == 0
        self._wire = wire
        self._chunked = head.length is None
        self._left = head.length or 0
        self._expected = head.expects_continue
        self._abandoned = False
        self._broken = False
        self._silence = BODY_SECONDS
        self._deadline = math.inf

    @property
    def is_empty(self) -> bool:
        """Whether the request has no body at all."""
        return self.length == 0

    @property
    def coming(self) -> int:
        """How many bytes are known to be still unread; more may follow when it comes in chunks."""
        return self._left

    @property
    def finishable(self) -> bool:
        """Whether the connection can have another request: the rest of the body is short, and is there.

        For a short one that is on its way this waits, briefly.
        """
        if self.ended:
            return True
        if self._broken or self._abandoned or self._expected or self._chunked or self._left > REST_BYTES:
            return False
        return self._has_arrived()

    def whole(self, most: int) -> bytes | None:
        """All of it, without reading it, if it has at most `most` bytes, at least one, and all of them are there."""
        length = self.length
        if not length or length > most or self._left != length or self._expected:
            return None
        return self._wire.peek(length)

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, waiting for at least one; none at the end.

        Raises:
            DatabaseError: 209 when nothing comes for a minute, or the time that `end_within` gave is over; 36 when the
                chunks are malformed.
            ConnectionAbortedError: the client is gone, or `abandon` was called.
        """
        if self.ended:
            return b""
        if self._expected:
            self._expected = False
            self._wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._chunked and not self._left and not self._next_chunk():
            return b""
        data = self._receive(min(size, self._left))
        self._left -= len(data)
        if not self._left:
            if not self._chunked:
                self.ended = True
            elif self._line(2) != b"\r\n":
                raise self._malformed()
        return data

    def move_to(self, pipe: int, most: int) -> int:
        """Move at most `most` bytes, at least one, into a pipe, without looking at them; none at the end.

        Raises as `read` does.
        """
        if self._chunked or self._expected or self.ended or self._wire.has_buffered:
            data = self.read(most)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(pipe, rest) :]
            return len(data)
        size = min(most, self._left)
        moved = self._waiting(lambda seconds: self._wire.move_to(pipe, size, seconds=seconds))
        if not moved:
            self._broken = True
            raise ConnectionAbortedError
        self._left -= moved
        self.ended = not self._left
        return moved

    def end_within(self, seconds: float) -> None:
        """Let later reads fail once `seconds` are over, however much still comes."""
        self._deadline = time.monotonic() + seconds

    def abandon(self) -> None:
        """Make a waiting `read` fail, and every later one. From any thread; the response can still be sent."""
        if not self.ended:
            self._abandoned = True
            self._wire.cut_reading()

    def discard(self) -> bool:
        """Read and forget the rest, for a while; says whether the end was reached."""
        if self.ended or self._expected or self._broken or self._abandoned:
            return self.ended
        self._silence = SILENT_SECONDS
        self.end_within(REST_SECONDS)
        try:
            while self.read(REST_BYTES):
                pass
        except (DatabaseError, OSError):
            return False
        return True

    def _receive(self, size: int) -> bytes:
        data = self._waiting(lambda seconds: self._wire.receive(size, seconds=seconds))
        if not data:
            self._broken = True
            raise ConnectionAbortedError
        return data

    def _waiting(self, receive: Callable[[float], _T]) -> _T:
        if self._abandoned:
            raise ConnectionAbortedError
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._late()
        try:
            return receive(min(self._silence, left))
        except TimeoutError:
            raise self._late() from None
        except ValueError:
            raise self._malformed() from None
        except OSError as error:
            self._broken = True
            raise ConnectionAbortedError from error

    def _line(self, most: int) -> bytes:
        return self._waiting(lambda seconds: self._wire.line(most, seconds=seconds))

    def _has_arrived(self) -> bool:
        """Whether what is left has been received, or is within a moment. It stays where it is."""
        deadline = time.monotonic() + ARRIVAL_SECONDS
        while self._wire.peek(self._left) is None:
            try:
                arrived = self._wire.fill(linger=True)
            except OSError:
                return False
            if arrived is False or time.monotonic() >= deadline:
                return False
        return True

    def _next_chunk(self) -> bool:
        """Read the line before a chunk; False for the last one, whose trailer is read too."""
        match = _CHUNK.fullmatch(self._line(MAX_CHUNK_LINE))
        if match is None:
            raise self._malformed()
        self._left = int(match[1], 16)
        if self._left:
            return True
        total = 0
        while (line := self._line(MAX_TRAILER)) != b"\r\n":
            total += len(line)
            if total > MAX_TRAILER or b":" not in line:
                raise self._malformed()
        self.ended = True
        return False

    def _late(self) -> DatabaseError:
        self._broken = True
        return DatabaseError(209, "SOCKET_TIMEOUT", "The request's body did not come in time")

    def _malformed(self) -> DatabaseError:
        self._broken = True
        return DatabaseError(36, "BAD_ARGUMENTS", "The request's chunks are malformed")


BROKEN = (EOFError, OSError, RuntimeError, zlib.error, lzma.LZMAError, zstandard.ZstdError)
"""What the decoders raise when the data are damaged."""


def read_piece(source: Source, size: int = PIECE) -> bytes:
    """The next piece; raises ConnectionAbortedError (the client is gone) and DatabaseError (the data are damaged)."""
    try:
        return bytes(source.read(size))
    except ConnectionAbortedError:
        raise
    except BROKEN:
        raise DatabaseError(354, "ZLIB_INFLATE_FAILED", "The request's body cannot be decompressed") from None
