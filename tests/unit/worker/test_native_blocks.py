import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker import native_blocks
from stronghouse.worker.memory import Memory
from stronghouse.worker.native_blocks import BLOCK_BYTES, BlockCompressor, BlockReader, compressed_block
from tests.unit.worker.test_decoders import Pieces

FROM_ENGINE = {
    # The files of a column `s String` with the one row 'abc' ten times over, as ClickHouse 26.9 wrote them.
    "LZ4": "c798e5bf31eb93169d94e78f1594aabd82160000001e0000003f616263030003506263616263",
    "ZSTD": "be1e04c6e8ba342da620ef5d9a966228901b0000001e00000028b52ffd201e4d0000186162630100866e08",
    "NONE": "636215562cbb09356390a0742fa73f3902270000001e000000" + "616263" * 10,
}


def read_all(data: bytes, *, step: int = 1000, size: int = 1 << 20) -> bytes:
    reader = BlockReader(Pieces(data, step), Memory().of("u"))
    received = b""
    while piece := reader.read(size):
        assert len(piece) <= size
        received += piece
    return received


@pytest.mark.parametrize("method", FROM_ENGINE)
def test_blocks_of_the_engine_are_read(method: str) -> None:
    assert read_all(bytes.fromhex(FROM_ENGINE[method]) * 3) == b"abc" * 30


def test_a_block_is_as_the_engine_makes_it() -> None:
    assert compressed_block(b"abc" * 10).hex() == FROM_ENGINE["LZ4"]


@given(pieces=st.lists(st.binary(max_size=3000), max_size=6), step=st.integers(1, 4000), size=st.integers(1, 4000))
def test_what_is_compressed_is_read_again(pieces: list[bytes], step: int, size: int) -> None:
    compressor = BlockCompressor()
    encoded = b"".join(compressor.add(piece) for piece in pieces) + compressor.end()
    assert read_all(encoded, step=step, size=size) == b"".join(pieces)


def test_blocks_have_a_megabyte_and_the_last_the_rest() -> None:
    compressor = BlockCompressor()
    content = bytes(range(256)) * (BLOCK_BYTES // 100)
    full = b"".join(compressor.add(content[at : at + 300_001]) for at in range(0, len(content), 300_001))
    assert read_all(full) == content[: len(content) // BLOCK_BYTES * BLOCK_BYTES]
    assert read_all(full + compressor.end()) == content
    assert compressor.end() == b""


@given(place=st.integers(0, 37), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(place: int, bit: int) -> None:
    block = bytearray.fromhex(FROM_ENGINE["LZ4"])
    block[place] ^= 1 << bit
    with pytest.raises(DatabaseError) as refused:
        read_all(bytes(block))
    assert refused.value.number in {33, 39, 40, 271}


def test_a_wrong_checksum_has_the_code_of_clickhouse() -> None:
    block = bytearray.fromhex(FROM_ENGINE["LZ4"])
    block[0] ^= 1
    with pytest.raises(DatabaseError) as refused:
        read_all(bytes(block))
    assert (refused.value.number, refused.value.name) == (40, "CHECKSUM_DOESNT_MATCH")


@pytest.mark.parametrize("cut", [1, 16, 20, 25, 37])
def test_a_block_that_is_cut_off_is_an_error(cut: int) -> None:
    with pytest.raises(DatabaseError) as refused:
        read_all(bytes.fromhex(FROM_ENGINE["LZ4"])[:cut])
    assert refused.value.number == 33


def block(method: int, content: bytes, *, size: int, packed: int | None = None) -> bytes:
    """A block with a right checksum and whatever else."""
    header = native_blocks._HEADER.pack(method, len(content) + 9 if packed is None else packed, size)
    return native_blocks._checksum(header + content) + header + content


ZSTD_OF_2_GB = bytes.fromhex("28b52ffde00000008000000000010000")
"""A frame without data whose header tells of 2 GiB of them."""


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (block(0x82, b"\x10a", size=1000), 271),
        (block(0x82, b"\x10a", size=0), 271),
        (block(0x82, b"\xff" * 40, size=100), 271),
        (block(0x90, b"not zstd", size=10), 271),
        (block(0x90, bytes.fromhex(FROM_ENGINE["ZSTD"])[25:], size=29), 271),
        (block(0x90, bytes.fromhex(FROM_ENGINE["ZSTD"])[25:], size=31), 271),
        (block(0x02, b"abc", size=4), 271),
        (block(0x02, b"abc", size=3, packed=8), 271),
        (block(0x91, b"abc", size=3), 432),
        (block(0x90, ZSTD_OF_2_GB, size=10), 271),
        (block(0x82, b"abc", size=1 << 30), 39),
        (block(0x82, b"abc", size=(16 << 20) + 1), 39),
        (block(0x82, b"abc", size=3, packed=(16 << 20) + 1), 39),
        (block(0x82, b"abc", size=3, packed=1 << 31), 39),
    ],
    ids=lambda value: value if isinstance(value, int) else value[16:].hex()[:40],
)
def test_blocks_that_lie_about_themselves_are_refused(data: bytes, number: int) -> None:
    with pytest.raises(DatabaseError) as refused:
        read_all(data)
    assert refused.value.number == number


@pytest.mark.parametrize("method", [0x82, 0x02], ids=["LZ4", "NONE"])
def test_a_block_is_counted_while_it_is_read_and_not_after(method: int) -> None:
    content = bytes(range(256)) * 4000
    encoded = compressed_block(content) if method == 0x82 else block(0x02, content, size=len(content))
    holding = Memory().of("u")
    reader = BlockReader(Pieces(encoded * 2, 1000), holding)
    for _ in range(2):
        read = reader.read(1000)
        assert len(content) <= holding.held <= len(content) + 9
        while len(read) < len(content):
            read += reader.read(1 << 20)
        assert read == content
        assert holding.held == 0
    assert reader.read(1) == b""


def test_a_block_that_there_is_no_memory_for_is_refused() -> None:
    encoded = compressed_block(bytes(1 << 20))
    with pytest.raises(DatabaseError) as refused:
        BlockReader(Pieces(encoded, 1000), Memory((1 << 20) - 1).of("u")).read(1)
    assert refused.value.number == 241
    with pytest.raises(DatabaseError) as refused:
        BlockReader(Pieces(encoded, 1000), Memory(1000).of("u")).read(1)
    assert refused.value.number == 241


def test_a_zstd_frame_that_tells_of_more_is_not_given_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def decompress(*_: object) -> bytes:
        raise AssertionError("asked for the memory")

    monkeypatch.setattr(zstandard, "ZstdDecompressor", decompress)
    with pytest.raises(DatabaseError):
        read_all(block(0x90, ZSTD_OF_2_GB, size=10))
