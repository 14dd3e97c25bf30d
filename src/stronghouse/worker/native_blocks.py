"""ClickHouse's own compression of HTTP bodies (`compress=1`, `decompress=1`): blocks, each with a checksum.

A block is CityHash128 (version 1.0.2, in two halves) over what follows; a byte for the method; two sizes of four bytes,
that of the block from the method on and that of its content; the compressed content. ClickHouse's data files are made
of the same blocks, which is what the tests compare with.

Invariants:
- Nothing is decompressed before its checksum is right.
- A block's memory is bounded, whatever its sizes say, and counted before it is used.
"""

import struct

import lz4.block
import zstandard
from clickhouse_cityhash.cityhash import CityHash128

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.body import PIECE, Source
from stronghouse.worker.memory import Holding

MAX_BLOCK_BYTES = 16 << 20
"""Of a block and of its content. ClickHouse takes up to 1 GiB; its clients make blocks of about 1 MiB."""
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
    """The content of the blocks in `source`, as a source of its own.

    Args:
        holding: counts the memory of the block that is being read.
    """

    def __init__(self, source: Source, holding: Holding) -> None:
        self._source = source
        self._holding = holding
        self._counted = 0
        self._content = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end.

        Raises:
            DatabaseError: 40 for a wrong checksum, 33 for a block that is cut off, 432 for another method, 39 for one
                that is too large, 271 when the content is damaged, 241 when there is no memory for it.
        """
        while not self._content:
            self._let_go()
            checksum = bytearray()
            if not self._fill(checksum, _CHECKSUM, may_end=True):
                return b""
            self._content = memoryview(self._block(bytes(checksum)))
        data = bytes(self._content[:size])
        self._content = self._content[size:]
        if not self._content:
            self._let_go()
        return data

    def _block(self, checksum: bytes) -> bytes | memoryview:
        block = bytearray()
        self._fill(block, _HEADER.size)
        method, packed_size, size = _HEADER.unpack(block)
        if size > MAX_BLOCK_BYTES or packed_size > MAX_BLOCK_BYTES:
            raise DatabaseError(
                39, "TOO_LARGE_SIZE_COMPRESSED", f"A compressed block may have {MAX_BLOCK_BYTES} bytes at most"
            )
        if packed_size < _HEADER.size:
            raise _damaged()
        self._fill(block, packed_size - _HEADER.size)
        if _checksum(block) != checksum:
            raise DatabaseError(
                40, "CHECKSUM_DOESNT_MATCH", "Checksum doesn't match: corrupted data in the request's body"
            )
        packed = memoryview(block)[_HEADER.size :]
        if method == NONE:
            if len(packed) != size:
                raise _damaged()
            return packed
        self._count(size)
        content = _content(method, packed, size)
        self._count(-packed_size)
        return content

    def _fill(self, block: bytearray, size: int, *, may_end: bool = False) -> bool:
        """Add `size` bytes to a block; False if there are none at all, where that is allowed."""
        wanted = size
        while size:
            piece = self._source.read(min(size, PIECE))
            if not piece:
                if may_end and size == wanted:
                    return False
                raise DatabaseError(33, "CANNOT_READ_ALL_DATA", "Cannot read all data: a compressed block is cut off")
            self._count(0 if may_end else len(piece))
            block += piece
            size -= len(piece)
        return True

    def _count(self, size: int) -> None:
        if size < 0:
            self._holding.give_back(-size)
        else:
            self._holding.take(size)
        self._counted += size

    def _let_go(self) -> None:
        self._content = memoryview(b"")
        self._count(-self._counted)


def _content(method: int, packed: memoryview, size: int) -> bytes:
    try:
        if method == LZ4:
            content = bytes(lz4.block.decompress(packed, uncompressed_size=size))
        elif method == ZSTD:
            # What a frame says of itself is allocated, whatever is allowed.
            if zstandard.frame_content_size(packed) not in {-1, size}:
                raise _damaged()
            content = zstandard.ZstdDecompressor().decompress(packed, max_output_size=size)
        else:
            raise DatabaseError(432, "UNKNOWN_CODEC", f"Unknown codec family code {method}: use LZ4, ZSTD or NONE")
    except (lz4.block.LZ4BlockError, zstandard.ZstdError, ValueError, MemoryError):
        raise _damaged() from None
    if len(content) != size:
        raise _damaged()
    return content


def _checksum(block: bytes | bytearray) -> bytes:
    number: int = CityHash128(block)
    return _HALVES.pack(number >> 64, number & _LOW)


def _damaged() -> DatabaseError:
    return DatabaseError(271, "CANNOT_DECOMPRESS", "Cannot decompress a block of the request's body")
