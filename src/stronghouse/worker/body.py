"""A request's body as a file that a thread can read, decompressed on the way, never whole in memory."""

import asyncio
import bz2
import concurrent.futures
import gzip
import io
import lzma
import zlib
from typing import Protocol, cast

import lz4.frame
import zstandard
from aiohttp import ClientError, StreamReader

from stronghouse.engine.errors import DatabaseError

BODY_SECONDS = 60.0
"""How long a client may send nothing while its body is not complete."""
PIECE = 1 << 20
"""How much is read at a time, in bytes after decompression."""
ZSTD_WINDOW = 128 << 20
ZSTD_STEP = 1 << 10


class Source(Protocol):
    """Bytes to read until there are none."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


class BodyReader(io.RawIOBase):
    """The body, read by a thread while the event loop receives it.

    Args:
        content: where it comes from; None when `beginning` is all of it.
        beginning: what is there already.
    """

    def __init__(self, content: StreamReader | None, beginning: bytes = b"") -> None:
        super().__init__()
        self._content = content
        self._loop = asyncio.get_running_loop()
        self._rest = memoryview(beginning)
        self._waiting: concurrent.futures.Future[bytes] | None = None
        self._abandoned = False

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer has no slices
        """What there is, waiting for at least one byte; 0 at the end. Raises ConnectionError."""
        if not self._rest:
            self._rest = memoryview(self._next())
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def abandon(self) -> None:
        """Make a waiting read fail. Called from the event loop."""
        self._abandoned = True
        if self._waiting is not None:
            self._waiting.cancel()

    def _next(self) -> bytes:
        if self._abandoned:
            raise ConnectionAbortedError
        if self._content is None:
            return b""
        self._waiting = asyncio.run_coroutine_threadsafe(self._content.readany(), self._loop)
        try:
            return self._waiting.result(timeout=BODY_SECONDS)
        except TimeoutError:
            self._waiting.cancel()
            raise DatabaseError(209, "SOCKET_TIMEOUT", "The request's body stopped coming") from None
        except (concurrent.futures.CancelledError, ClientError, ConnectionError) as error:
            raise ConnectionAbortedError from error
        finally:
            self._waiting = None


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


def decoded(encoding: str, body: io.RawIOBase) -> Source:
    """`body` without its compression. Concatenated frames are read through to the last; raises DatabaseError."""
    match encoding.strip().lower():
        case "" | "identity":
            source: object = body
        case "gzip" | "x-gzip":
            source = _gunzipped(io.BufferedReader(body, PIECE))
        case "deflate":
            source = _Deflated(cast("Source", body))
        case "zstd":
            source = _Zstd(cast("Source", body))
        case "lz4":
            source = lz4.frame.LZ4FrameFile(io.BufferedReader(body, PIECE), mode="rb")
        case "bz2":
            source = bz2.BZ2File(io.BufferedReader(body, PIECE))
        case "xz":
            source = lzma.LZMAFile(io.BufferedReader(body, PIECE))  # noqa: SIM115 - as _gunzipped
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
