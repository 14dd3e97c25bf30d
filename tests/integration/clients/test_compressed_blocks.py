"""`compress=1` and `decompress=1`: ClickHouse's own compressed blocks, which JDBC drivers use, in both directions."""

import struct

import lz4.block
import pytest

from tests.integration.clients.curl import Curl

HEAD = struct.Struct("<16sBII")
"""A block: a checksum, the method, its size without the checksum, the size of what is in it."""
LZ4 = 0x82
SIZES = 9


def blocks(data: bytes) -> list[bytes]:
    """The blocks, each with its checksum."""
    found = []
    while data:
        _, method, size, _ = HEAD.unpack_from(data)
        assert method == LZ4
        found.append(data[: 16 + size])
        data = data[16 + size :]
    return found


def content(data: bytes) -> bytes:
    """What is in the blocks, read without our own code."""
    found = b""
    for block in blocks(data):
        _, _, _, size = HEAD.unpack_from(block)
        found += lz4.block.decompress(block[16 + SIZES :], uncompressed_size=size)
    return found


def test_an_answer_is_in_blocks(curl: Curl) -> None:
    sql = "SELECT number, toString(number) FROM numbers(500000)"
    plain, packed = curl(sql), curl(sql, compress="1")
    assert (packed.status, packed.exit_code) == (200, 0)
    assert len(blocks(packed.body)) > 1
    assert content(packed.body) == plain.body
    assert len(packed.body) < len(plain.body)
    assert content(curl("SELECT 1", compress="1").body) == b"1\n"
    assert curl("SELECT 1", compress="0").text == "1\n"


@pytest.mark.parametrize("kind", ["Native", "TabSeparated", "RowBinary"])
def test_the_bytes_of_an_answer_can_be_inserted(curl: Curl, kind: str) -> None:
    curl.run(f"CREATE TABLE blocks_{kind} (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
    packed = curl("SELECT number AS n, toString(number) AS s FROM numbers(300000)", compress="1", default_format=kind)
    sent = curl(packed.body, decompress="1", query=f"INSERT INTO blocks_{kind} FORMAT {kind}")
    assert sent.status == 200, sent
    assert curl.run(f"SELECT count(), sum(n), uniqExact(s) FROM blocks_{kind}") == "300000\t44999850000\t300000\n"


def test_a_statement_can_come_in_blocks(curl: Curl) -> None:
    statement = curl("SELECT 'SELECT 42'", compress="1", default_format="TSVRaw").body
    assert curl(statement, decompress="1").text == "42\n"
    assert content(curl(statement, decompress="1", compress="1").body) == b"42\n"


def test_damaged_blocks_are_refused_and_nothing_is_stored(curl: Curl) -> None:
    curl.run("CREATE TABLE blocks_damaged (n UInt64) ENGINE = MergeTree ORDER BY n")
    target = "INSERT INTO blocks_damaged FORMAT TSV"
    packed = curl("SELECT number FROM numbers(100)", compress="1").body
    flipped = packed[:-1] + bytes([packed[-1] ^ 1])
    damaged = curl(flipped, decompress="1", query=target)
    assert damaged.code == 40, damaged
    assert "CHECKSUM_DOESNT_MATCH" in damaged.text
    assert curl(packed[:-5], decompress="1", query=target).status != 200
    assert curl(b"INSERT", decompress="1", query=target).status != 200
    boastful = packed[:17] + struct.pack("<II", 0x7FFFFFFF, 0x7FFFFFFF) + packed[25:]
    assert curl(boastful, decompress="1", query=target).status != 200
    assert curl.run("SELECT count() FROM blocks_damaged") == "0\n"


def test_blocks_and_http_compression_do_not_mix_up(curl: Curl) -> None:
    asked = ("--header", "Accept-Encoding: gzip")
    sql = "SELECT number FROM numbers(100000)"
    both = curl(sql, *asked, compress="1", enable_http_compression="1")
    assert both.status == 200
    unpacked = curl(sql, *asked, "--compressed", compress="1", enable_http_compression="1")
    assert content(unpacked.body) == curl(sql).body


def test_an_error_is_readable_text(curl: Curl) -> None:
    reply = curl("SELECT nothing", compress="1")
    assert (reply.status, reply.code) == (404, 47)
    body = reply.body if reply.body.startswith(b"Code:") else content(reply.body)
    assert body.startswith(b"Code: 47. DB::Exception")
