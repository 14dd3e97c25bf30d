"""ClickHouse's own compression of HTTP bodies (`compress=1`, `decompress=1`): blocks, each with a checksum.

A block is CityHash128 (version 1.0.2, in two halves) over what follows; a byte for the method; two sizes of four bytes,
that of the block from the method on and that of its content; the compressed content. ClickHouse's data files are made
of the same blocks, which is what the tests compare with.

Invariants:
- Nothing is decompressed before its checksum is right.
- A block's memory is bounded, whatever its sizes say.
"""

import struct

import lz4.block
import zstandard
from clickhouse_cityhash.cityhash import CityHash128

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.body import PIECE, Source

MAX_BLOCK_BYTES = 128 << 20
"""Of a block's content. ClickHouse takes up to 1 GiB; its clients make blocks of about 1 MiB."""
BLOCK_BYTES = 1 << 20
NONE, LZ4, ZSTD = 0x02, 0x82, 0x90
_CHECKSUM = 16
_HEADER = struct.Struct("<BII")
_HALVES = struct.Struct("<QQ")
_LOW = (1 << 64) - 1


def compressed_block(content: bytes | memoryview) -> bytes:
    """One block, with LZ4."""
    data: bytes = lz4.block.compress(content, store_size=False)
    block = _HEADER.pack(LZ4, _HEADER.size + len(data), len(content)) + data
    return _checksum(block) + block


class BlockCompressor:
    """Makes blocks of a megabyte out of pieces of any size."""

    def __init__(self) -> None:
        self._held = bytearray()

    def add(self, data: bytes) -> bytes:
        """Take a piece; the blocks that are full with it, if any."""
        self._held += data
        blocks = []
        with memoryview(self._held) as held:
            whole = len(held) - len(held) % BLOCK_BYTES
            blocks = [compressed_block(held[at : at + BLOCK_BYTES]) for at in range(0, whole, BLOCK_BYTES)]
        del self._held[:whole]
        return b"".join(blocks)

    def end(self) -> bytes:
        """The last block, if there is anything left for it."""
        rest, self._held = bytes(self._held), bytearray()
        return compressed_block(rest) if rest else b""


class BlockReader:
    """The content of the blocks in `source`, as a source of its own."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._content = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end.

        Raises:
            DatabaseError: 40 for a wrong checksum, 33 for a block that is cut off, 432 for another method, 39 for one
                that is too large, 271 when the content is damaged.
        """
        while not self._content:
            checksum = self._exactly(_CHECKSUM, may_end=True)
            if not checksum:
                return b""
            self._content = memoryview(self._block(checksum))
        data = bytes(self._content[:size])
        self._content = self._content[size:]
        return data

    def _block(self, checksum: bytes) -> bytes:
        header = self._exactly(_HEADER.size)
        method, packed_size, size = _HEADER.unpack(header)
        if size > MAX_BLOCK_BYTES or packed_size > MAX_BLOCK_BYTES:
            raise DatabaseError(
                39, "TOO_LARGE_SIZE_COMPRESSED", f"A compressed block may have {MAX_BLOCK_BYTES} bytes at most"
            )
        if packed_size < _HEADER.size:
            raise _damaged()
        data = self._exactly(packed_size - _HEADER.size)
        if _checksum(header + data) != checksum:
            raise DatabaseError(
                40, "CHECKSUM_DOESNT_MATCH", "Checksum doesn't match: corrupted data in the request's body"
            )
        return _content(method, data, size)

    def _exactly(self, size: int, *, may_end: bool = False) -> bytes:
        pieces, left = [], size
        while left:
            piece = self._source.read(min(left, PIECE))
            if not piece:
                if may_end and left == size:
                    return b""
                raise DatabaseError(33, "CANNOT_READ_ALL_DATA", "Cannot read all data: a compressed block is cut off")
            pieces.append(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _content(method: int, data: bytes, size: int) -> bytes:
    try:
        if method == LZ4:
            content = bytes(lz4.block.decompress(data, uncompressed_size=size))
        elif method == ZSTD:
            content = zstandard.ZstdDecompressor(max_window_size=MAX_BLOCK_BYTES).decompress(data, max_output_size=size)
        elif method == NONE:
            content = data
        else:
            raise DatabaseError(432, "UNKNOWN_CODEC", f"Unknown codec family code {method}: use LZ4, ZSTD or NONE")
    except (lz4.block.LZ4BlockError, zstandard.ZstdError, ValueError, MemoryError):
        raise _damaged() from None
    if len(content) != size:
        raise _damaged()
    return content


def _checksum(block: bytes) -> bytes:
    number: int = CityHash128(block)
    return _HALVES.pack(number >> 64, number & _LOW)


def _damaged() -> DatabaseError:
    return DatabaseError(271, "CANNOT_DECOMPRESS", "Cannot decompress a block of the request's body")
