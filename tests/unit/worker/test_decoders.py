import bz2
import gzip
import lzma
import zlib

import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.body import PIECE, read_piece
from stronghouse.worker.decoders import decoded
from stronghouse.worker.memory import Memory

ENCODERS = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "deflate": zlib.compress,
}


class Pieces:
    """A body that arrives a little at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data = data
        self._step = step

    def read(self, size: int, /) -> bytes:
        size = min(self._step, size)
        data, self._data = self._data[:size], self._data[size:]
        return data


def read_all(encoding: str, data: bytes, step: int = 1000) -> bytes:
    source = decoded(encoding, Pieces(data, step), Memory().of("u"))
    result = bytearray()
    while piece := read_piece(source):
        assert len(piece) <= PIECE
        result += piece
    return bytes(result)


@pytest.mark.parametrize("encoding", ENCODERS)
@settings(deadline=None, max_examples=60)  # xz takes its time to begin
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
    source = decoded(encoding, Pieces(ENCODERS[encoding](bytes(40 << 20)), 1 << 16), Memory().of("u"))
    assert 0 < len(read_piece(source)) <= PIECE


def test_an_unknown_compression_is_refused() -> None:
    with pytest.raises(DatabaseError) as refused:
        decoded("br", Pieces(b"", 1), Memory().of("u"))
    assert refused.value.number == 89


def test_no_compression_is_none() -> None:
    assert read_all("", b"abc") == read_all("identity", b"abc") == b"abc"


def held_after(encoding: str, data: bytes) -> int:
    """What a request holds once all of its body is read."""
    holding = Memory(1 << 30, 1 << 30).of("u")
    source = decoded(encoding, Pieces(data, PIECE), holding)
    while read_piece(source):
        pass
    return holding.held


def xz_with_dictionary(mebibytes: int, content: bytes) -> bytes:
    return lzma.compress(content, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": mebibytes << 20}])


def test_an_xz_dictionary_that_no_preset_has_is_refused() -> None:
    for data in (xz_with_dictionary(512, b"x"), xz_with_dictionary(1, b"x") + xz_with_dictionary(512, b"x")):
        with pytest.raises(DatabaseError) as refused:
            read_all("xz", data)
        assert refused.value.number == 241


def test_streams_of_xz_may_have_other_dictionaries_and_space_between_them() -> None:
    parts = [xz_with_dictionary(mebibytes, b"%d," % mebibytes) for mebibytes in (1, 64, 16)]
    assert read_all("xz", b"\0\0\0\0".join(parts) + bytes(8), step=7) == b"1,64,16,"


def test_an_empty_xz_is_no_xz() -> None:
    with pytest.raises(DatabaseError) as refused:
        read_all("xz", b"")
    assert refused.value.number == 354


def test_a_zstd_window_is_no_larger_than_http_allows() -> None:
    content = bytes(9 << 20)

    def encoded(log: int) -> bytes:
        parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=log)
        compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        return compressor.compress(content) + compressor.flush()

    assert read_all("zstd", encoded(23)) == content
    with pytest.raises(DatabaseError) as refused:
        read_all("zstd", encoded(24))
    assert refused.value.number == 354


@pytest.mark.parametrize(
    ("encoding", "most"), [("gzip", 1), ("deflate", 1), ("bz2", 5), ("lz4", 9), ("zstd", 9), ("xz", 10)]
)
def test_what_a_decoder_keeps_is_counted_as_it_fills_up(encoding: str, most: int) -> None:
    assert held_after(encoding, ENCODERS[encoding](bytes(1000))) == 1000
    assert held_after(encoding, ENCODERS[encoding](bytes(12 << 20))) == most << 20


def test_what_is_unpacked_ahead_is_counted_while_it_waits() -> None:
    holding = Memory().of("u")
    compressor = zstandard.ZstdCompressor().compressobj()
    data = compressor.compress(bytes(20 << 20)) + compressor.flush()
    source = decoded("zstd", Pieces(data, PIECE), holding)
    read_piece(source, 1)
    assert holding.held > 10 << 20
    with pytest.raises(DatabaseError) as refused:
        read_piece(decoded("zstd", Pieces(data, PIECE), Memory(4 << 20).of("u")))
    assert refused.value.number == 241


def test_many_short_frames_take_no_more_than_their_share_of_time() -> None:
    frames = 20_000
    assert read_all("zstd", zstandard.compress(b"x") * frames, step=PIECE) == b"x" * frames
