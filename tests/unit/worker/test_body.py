import bz2
import gzip
import io
import lzma
import zlib

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.body import PIECE, decoded, read_piece

ENCODERS = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "deflate": zlib.compress,
}


class Pieces(io.RawIOBase):
    """A body that arrives a little at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__()
        self._data = data
        self._step = step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer has no slices
        size = min(self._step, len(buffer), len(self._data))
        buffer[:size], self._data = self._data[:size], self._data[size:]
        return size


def read_all(encoding: str, data: bytes, step: int = 1000) -> bytes:
    source = decoded(encoding, Pieces(data, step))
    result = bytearray()
    while piece := read_piece(source):
        assert len(piece) <= PIECE
        result += piece
    return bytes(result)


@pytest.mark.parametrize("encoding", ENCODERS)
@given(frames=st.lists(st.binary(max_size=2000), min_size=1, max_size=4), step=st.integers(1, 5000))
def test_frames_are_read_through_to_the_last(encoding: str, frames: list[bytes], step: int) -> None:
    parts = [b"".join(frames)] if encoding == "deflate" else frames
    encoded = b"".join(ENCODERS[encoding](part) for part in parts)
    assert read_all(encoding, encoded, step) == b"".join(frames)


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_body_that_is_cut_off_is_an_error(encoding: str) -> None:
    encoded = ENCODERS[encoding](b"0123456789" * 5000)
    for cut in (1, len(encoded) // 2, len(encoded) - 5):
        with pytest.raises(DatabaseError):
            read_all(encoding, encoded[:-cut])


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_bomb_is_unpacked_a_piece_at_a_time(encoding: str) -> None:
    source = decoded(encoding, Pieces(ENCODERS[encoding](bytes(40 << 20)), 1 << 16))
    assert 0 < len(read_piece(source)) <= PIECE


def test_an_unknown_compression_is_refused() -> None:
    with pytest.raises(DatabaseError) as refused:
        decoded("br", Pieces(b"", 1))
    assert refused.value.number == 89


def test_no_compression_is_none() -> None:
    assert read_all("", b"abc") == read_all("identity", b"abc") == b"abc"
