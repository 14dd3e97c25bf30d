"""A request's body: read as it comes, decompressed on the way, never whole in memory."""

import bz2
import gzip
import io
import lzma
import re
import time
import zlib
from collections.abc import Callable
from typing import Protocol, cast

import lz4.frame
import zstandard

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.parser import Head
from stronghouse.worker.wire import Wire

BODY_SECONDS = 60.0
"""How long a client may send nothing while its body is not complete."""
PIECE = 1 << 20
"""How much is read at a time, in bytes after decompression."""
ZSTD_WINDOW = 128 << 20
ZSTD_STEP = 1 << 10
MAX_CHUNK_LINE = 256
MAX_TRAILER = 8 << 10
REST_BYTES = 64 << 10
REST_SECONDS = 10.0
"""How long what an answered client goes on sending is read, so that it gets to read the answer."""
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

    __slots__ = ("_abandoned", "_broken", "_chunked", "_expected", "_left", "_wire", "ended", "length")

    def __init__(self, wire: Wire, head: Head) -> None:
        self.length = head.length
        self.ended = head.length == 0
        self._wire = wire
        self._chunked = head.length is None
        self._left = head.length or 0
        self._expected = head.expects_continue
        self._abandoned = False
        self._broken = False

    @property
    def is_empty(self) -> bool:
        """Whether the request has no body at all."""
        return self.length == 0

    @property
    def finishable(self) -> bool:
        """Whether the connection can have another request: the rest of the body is going to come, and is short."""
        if self.ended:
            return True
        return not (self._broken or self._abandoned or self._expected or self._chunked) and self._left <= REST_BYTES

    def whole(self, most: int) -> bytes | None:
        """All of it, without reading it, if it has at most `most` bytes, at least one, and all of them are there."""
        length = self.length
        if not length or length > most or self._left != length or self._expected:
            return None
        return self._wire.peek(length)

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, waiting for at least one; none at the end.

        Raises:
            DatabaseError: 209 when nothing comes for a minute, 36 when the chunks are malformed.
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

    def abandon(self) -> None:
        """Make a waiting `read` fail, and every later one. From any thread; the response can still be sent."""
        if not self.ended:
            self._abandoned = True
            self._wire.cut_reading()

    def discard(self) -> bool:
        """Read and forget the rest, for a while; says whether the end was reached."""
        if self._expected or self._broken or self._abandoned:
            return self.ended
        deadline = time.monotonic() + REST_SECONDS
        try:
            while not self.ended and time.monotonic() < deadline:
                self.read(REST_BYTES)
        except (DatabaseError, OSError):
            return False
        return self.ended

    def _receive(self, size: int) -> bytes:
        data = self._waiting(lambda: self._wire.receive(size, seconds=BODY_SECONDS))
        if not data:
            self._broken = True
            raise ConnectionAbortedError
        return data

    def _waiting(self, receive: Callable[[], bytes]) -> bytes:
        if self._abandoned:
            raise ConnectionAbortedError
        try:
            return receive()
        except TimeoutError:
            self._broken = True
            raise DatabaseError(209, "SOCKET_TIMEOUT", "The request's body stopped coming") from None
        except ValueError:
            raise self._malformed() from None
        except OSError as error:
            self._broken = True
            raise ConnectionAbortedError from error

    def _line(self, most: int) -> bytes:
        return self._waiting(lambda: self._wire.line(most, seconds=BODY_SECONDS))

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

    def _malformed(self) -> DatabaseError:
        self._broken = True
        return DatabaseError(36, "BAD_ARGUMENTS", "The request's chunks are malformed")


class _Raw(io.RawIOBase):
    """A source for Python's own decoders."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer has no slices
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Deflated(io.RawIOBase):
    """zlib's format (RFC 1950), which HTTP calls deflate."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._decoder = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as above
        while not self._decoder.eof:
            piece = self._decoder.unconsumed_tail or self._source.read(PIECE)
            data = self._decoder.decompress(piece, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
            if not piece:
                raise EOFError
        if self._decoder.unused_data or self._source.read(1):
            raise OSError("data after the end")  # a second stream, which nobody would read
        return 0


class _Zstd(io.RawIOBase):
    """Zstandard frames (RFC 8878), one after the other.

    zstandard's own reader would take a frame that is cut off for a whole one.
    """

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._encoded = b""
        self._decoded = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as above
        while not self._decoded:
            # A little at a time: 4 bytes can stand for 128 KiB.
            piece, self._encoded = self._encoded[:ZSTD_STEP], self._encoded[ZSTD_STEP:]
            if not piece:
                self._encoded = self._source.read(PIECE)
                if self._encoded:
                    continue
                if self._frame is not None:
                    raise EOFError
                return 0
            self._frame = self._frame or self._decoder.decompressobj()
            self._decoded = memoryview(self._frame.decompress(piece))
            if self._frame.eof:
                self._encoded = self._frame.unused_data + self._encoded
                self._frame = None
        size = min(len(buffer), len(self._decoded))
        buffer[:size] = self._decoded[:size]
        self._decoded = self._decoded[size:]
        return size


def decoded(encoding: str, body: Source) -> Source:
    """`body` without its compression. Concatenated frames are read through to the last; raises DatabaseError."""
    match encoding.strip().lower():
        case "" | "identity":
            source: object = body
        case "gzip" | "x-gzip":
            source = _gunzipped(io.BufferedReader(_Raw(body), PIECE))
        case "deflate":
            source = _Deflated(body)
        case "zstd":
            source = _Zstd(body)
        case "lz4":
            source = lz4.frame.LZ4FrameFile(io.BufferedReader(_Raw(body), PIECE), mode="rb")
        case "bz2":
            source = bz2.BZ2File(io.BufferedReader(_Raw(body), PIECE))
        case "xz":
            source = lzma.LZMAFile(io.BufferedReader(_Raw(body), PIECE))  # noqa: SIM115 - as _gunzipped
        case _:
            raise DatabaseError(89, "UNKNOWN_COMPRESSION_METHOD", "Unknown compression method in Content-Encoding")
    return cast("Source", source)


def _gunzipped(body: io.BufferedReader) -> object:
    return gzip.open(body)


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
