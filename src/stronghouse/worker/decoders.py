"""HTTP's compressions of a request's body, undone a piece at a time.

Invariants:
- However well data are packed, no more than a piece is unpacked ahead of who reads, or the rest is counted.
- A decoder keeps what it put out last, its window. That is bounded, and counted as it fills up.
"""

import bz2
import gzip
import io
import lzma
import zlib
from typing import cast

import lz4.frame
import zstandard

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.body import PIECE, Source
from stronghouse.worker.memory import Holding

ZSTD_WINDOW = 8 << 20
"""What RFC 9659 allows for zstd in HTTP."""
ZSTD_STEP = 1 << 10
XZ_MEMORY = (10 << 20, 18 << 20, 34 << 20, 66 << 20)
"""What a decoder of xz may use: enough for what `xz -6`, `-7`, `-8` and `-9` make."""
XZ_STEP = 16 << 10
XZ_BEGINNING = 12 + 1024
"""The longest header of a stream with that of its first block, in bytes, which says how much memory it takes."""
_KEPT = {"gzip": 1 << 20, "x-gzip": 1 << 20, "deflate": 1 << 20, "zstd": 9 << 20, "lz4": 9 << 20, "bz2": 5 << 20}
"""What the others keep at most: their window or block, and their input."""


class _Window:
    """Counts what a decoder keeps of what it put out."""

    def __init__(self, holding: Holding, most: int) -> None:
        self.most = most
        self._holding = holding
        self._kept = 0

    def add(self, size: int) -> None:
        """`size` bytes were put out; raises DatabaseError 241."""
        size = min(size, self.most - self._kept)
        if size > 0:
            self._holding.take(size)
            self._kept += size


class _Counted:
    """A decoder whose window is counted."""

    def __init__(self, decoder: Source, window: _Window) -> None:
        self._decoder = decoder
        self._window = window

    def read(self, size: int, /) -> bytes:
        data = self._decoder.read(size)
        self._window.add(len(data))
        return data


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


class _Deflated:
    """zlib's format (RFC 1950), which HTTP calls deflate."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._decoder = zlib.decompressobj()

    def read(self, size: int, /) -> bytes:
        while not self._decoder.eof:
            piece = self._decoder.unconsumed_tail or self._source.read(PIECE)
            data = self._decoder.decompress(piece, size)
            if data:
                return data
            if not piece:
                raise EOFError
        if self._decoder.unused_data or self._source.read(1):
            raise OSError("data after the end")  # a second stream, which nobody would read
        return b""


class _Zstd:
    """Zstandard frames (RFC 8878), one after the other.

    zstandard's own reader would take a frame that is cut off for a whole one.
    """

    def __init__(self, source: Source, holding: Holding) -> None:
        self._source = source
        self._holding = holding
        self._decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._encoded, self._at = b"", 0
        self._decoded, self._taken = b"", 0

    def read(self, size: int, /) -> bytes:
        while self._taken == len(self._decoded):
            if not self._decode():
                return b""
        data = self._decoded[self._taken : self._taken + size]
        self._taken += len(data)
        if self._taken == len(self._decoded):
            self._hold(b"")
        return data

    def _decode(self) -> bool:
        """Decode a little: 4 bytes can stand for 128 KiB. False at the end."""
        piece = self._encoded[self._at : self._at + ZSTD_STEP]
        if not piece:
            self._encoded, self._at = self._source.read(PIECE), 0
            if not self._encoded and self._frame is not None:
                raise EOFError
            return bool(self._encoded)
        self._at += len(piece)
        frame = self._frame = self._frame or self._decoder.decompressobj()
        self._hold(frame.decompress(piece))
        if frame.eof:
            self._at -= len(frame.unused_data)
            self._frame = None
        return True

    def _hold(self, decoded: bytes) -> None:
        """Keep what was decoded until it is read; what is more than a piece is counted."""
        before, after = max(0, len(self._decoded) - PIECE), max(0, len(decoded) - PIECE)
        self._decoded, self._taken = b"", 0
        self._holding.give_back(before)
        self._holding.take(after)
        self._decoded = decoded


class _Xz:
    """Streams of xz, one after the other. Python's own reader bounds no memory."""

    def __init__(self, source: Source, window: _Window) -> None:
        self._source = source
        self._window = window
        self._decoder: lzma.LZMADecompressor | None = None
        self._encoded = b""
        self._begun = False

    def read(self, size: int, /) -> bytes:
        while True:
            decoder = self._decoder or self._begin()
            if decoder is None:
                return b""
            if not self._encoded and decoder.needs_input:
                self._encoded = self._source.read(XZ_STEP)
                if not self._encoded:
                    raise EOFError
            encoded, self._encoded = self._encoded, b""
            data = decoder.decompress(encoded, size)
            self._decoder = decoder
            if decoder.eof:
                self._encoded, self._decoder = decoder.unused_data, None
            if data:
                return data

    def _begin(self) -> lzma.LZMADecompressor | None:
        """A decoder for the stream that comes next, with as little memory as it takes; None at the end."""
        while len(self._encoded) < XZ_BEGINNING and (piece := self._source.read(XZ_STEP)):
            self._encoded += piece
            if self._begun:
                self._encoded = self._encoded.lstrip(b"\0")  # what may fill up the space between streams
        if self._begun:
            self._encoded = self._encoded.lstrip(b"\0")
            if not self._encoded:
                return None
        self._begun = True
        for memory in XZ_MEMORY:
            if _is_enough(memory, self._encoded[:XZ_BEGINNING]):
                self._window.most = max(self._window.most, memory)
                return lzma.LZMADecompressor(memlimit=memory)
        raise DatabaseError(241, "MEMORY_LIMIT_EXCEEDED", "The request's body has an xz dictionary of more than 64 MiB")


def _is_enough(memory: int, beginning: bytes) -> bool:
    try:
        lzma.LZMADecompressor(memlimit=memory).decompress(beginning, max_length=1)
    except lzma.LZMAError as error:
        return str(error) != "Memory usage limit exceeded"  # of damage the reader tells
    return True


def decoded(encoding: str, body: Source, holding: Holding) -> Source:
    """`body` without its compression; `holding` counts what undoing it takes.

    Concatenated frames are read through to the last. Raises DatabaseError 89 for a compression that is not known.
    """
    encoding = encoding.strip().lower()
    window = _Window(holding, _KEPT.get(encoding, 0))
    match encoding:
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            source: object = _gunzipped(io.BufferedReader(_Raw(body), PIECE))
        case "deflate":
            source = _Deflated(body)
        case "zstd":
            source = _Zstd(body, holding)
        case "lz4":
            source = lz4.frame.LZ4FrameFile(io.BufferedReader(_Raw(body), PIECE), mode="rb")
        case "bz2":
            source = bz2.BZ2File(io.BufferedReader(_Raw(body), PIECE))
        case "xz":
            source = _Xz(body, window)
        case _:
            raise DatabaseError(89, "UNKNOWN_COMPRESSION_METHOD", "Unknown compression method in Content-Encoding")
    return _Counted(cast("Source", source), window)


def _gunzipped(body: io.BufferedReader) -> object:
    return gzip.open(body)
