from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.worker.parser import MAX_HEADERS, MAX_LINE_BYTES, BadRequest, parse_head, take_head


@dataclass
class Bytes:
    """What has arrived, without a connection."""

    buffer: bytes
    start: int = 0
    scanned: int = 0

    def take(self, size: int) -> bytes:
        data = self.buffer[self.start : self.start + size]
        self.buffer, self.start = self.buffer[self.start + size :], 0
        return data


def head(first: bytes = b"GET / HTTP/1.1", *lines: bytes, host: bytes = b"Host: h\r\n") -> bytes:
    return first + b"\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def test_a_head_is_read() -> None:
    read = parse_head(head(b"POST /p?query=SELECT+1&x=%C3%A9&x=&bad=%FF HTTP/1.1", b"X-A:  b ", b"x-a: c"))
    assert (read.method, read.path, read.version, read.length, read.keep_alive) == ("POST", "/p", "1.1", 0, True)
    assert read.query == [("query", "SELECT 1"), ("x", "é"), ("x", ""), ("bad", "\udcff")]
    assert read.headers == {"host": "h", "x-a": "b, c"}


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"http://h/p?a=1", "/p", [("a", "1")]),
        (b"http://h?a=/b", "/", [("a", "/b")]),
        (b"http://h", "/", []),
        (b"/?u=http://h/p", "/", [("u", "http://h/p")]),
        (b"*", "*", []),
        (b"/%70ing", "/%70ing", []),
    ],
)
def test_a_target_is_taken_apart(target: bytes, path: str, query: list[tuple[str, str]]) -> None:
    read = parse_head(head(b"OPTIONS " + target + b" HTTP/1.1"))
    assert (read.path, read.query) == (path, query)


@given(
    pairs=st.lists(st.tuples(st.text(min_size=1, max_size=20), st.text(max_size=20)), max_size=8),
    style=st.sampled_from(["", "/:"]),
)
def test_parameters_are_read_as_the_standard_library_reads_them(pairs: list[tuple[str, str]], style: str) -> None:
    text = "&".join(f"{quote(name, safe=style)}={quote(value, safe=style)}" for name, value in pairs)
    read = parse_head(head(b"GET /?" + text.encode() + b" HTTP/1.1"))
    assert read.query == parse_qsl(text, keep_blank_values=True) == pairs


@pytest.mark.parametrize(
    ("lines", "length", "continues"),
    [
        ((b"Content-Length: 12",), 12, False),
        ((b"Transfer-Encoding: Chunked",), None, False),
        ((b"Content-Length: 5", b"Expect: 100-continue"), 5, True),
        ((), 0, False),
    ],
)
def test_the_body_is_as_long_as_the_head_says(lines: tuple[bytes, ...], length: int | None, continues: bool) -> None:
    read = parse_head(head(b"POST / HTTP/1.1", *lines))
    assert (read.length, read.expects_continue) == (length, continues)


@pytest.mark.parametrize(
    ("first", "lines", "keep"),
    [
        (b"GET / HTTP/1.1", (), True),
        (b"GET / HTTP/1.1", (b"Connection: foo, Close",), False),
        (b"GET / HTTP/1.0", (), False),
        (b"GET / HTTP/1.0", (b"Connection: Keep-Alive",), True),
        (b"GET / HTTP/1.1", (b"Connection: Upgrade", b"Upgrade: h2c"), True),
    ],
)
def test_the_client_says_whether_the_connection_stays(first: bytes, lines: tuple[bytes, ...], keep: bool) -> None:
    assert parse_head(head(first, *lines)).keep_alive is keep


SMUGGLING = [
    head(b"POST / HTTP/1.1", b"Content-Length: 4", b"Transfer-Encoding: chunked"),
    head(b"POST / HTTP/1.1", b"Content-Length: 4", b"Content-Length: 4"),
    head(b"POST / HTTP/1.1", b"Content-Length: 4, 4"),
    head(b"POST / HTTP/1.1", b"Content-Length: +4"),
    head(b"POST / HTTP/1.1", b"Content-Length: 0x4"),
    head(b"POST / HTTP/1.1", b"Content-Length: -1"),
    head(b"POST / HTTP/1.1", b"Content-Length: 99999999999999999999"),
    head(b"POST / HTTP/1.1", b"Content-Length : 4"),
    head(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    head(b"POST / HTTP/1.1", b"Transfer-Encoding: gzip, chunked"),
    head(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked, identity"),
    head(b"POST / HTTP/1.1", b"Transfer-Encoding: \x0bchunked"),
    head(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked"),
    head(b"GET / HTTP/1.1", b"Host: other"),
    head(b"GET / HTTP/1.1", b"Authorization: Basic YTpi", b"authorization: Basic YTpj"),
    head(b"GET / HTTP/1.1", b"X-ClickHouse-User: a", b"X-ClickHouse-User: b"),
    head(b"GET / HTTP/1.1", b"X-SH-Client-IP: 1.1.1.1", b"x-sh-client-ip: 2.2.2.2"),
    head(b"GET / HTTP/1.1", host=b""),
    head(b"GET / HTTP/1.1", b" folded: x"),
    head(b"GET / HTTP/1.1", b"A: b\nContent-Length: 5"),
    head(b"GET / HTTP/1.1", b"A: b\rContent-Length: 5"),
    head(b"GET / HTTP/1.1", b"A: b\0c"),
    head(b"GET / HTTP/1.1", b"no colon"),
    head(b"GET /a b HTTP/1.1"),
    head(b"GET / HTTP/2.0"),
    head(b"GET / HTTP/0.9"),
    head(b"GET /"),
    head(b"get / HTTP/1.1"),
    head(b"PRI * HTTP/2.0"),
    head(b"GET / HTTP/1.1", *[b"A: b"] * MAX_HEADERS),
    head(b"GET / HTTP/1.1", b"A: " + b"x" * (128 << 10)),
    head(b"GET /?" + b"x" * MAX_LINE_BYTES + b" HTTP/1.1"),
    head(b"GET /?" + b"a&" * 10_001 + b" HTTP/1.1"),
]


@pytest.mark.parametrize("data", SMUGGLING, ids=lambda data: repr(data[:60]))
def test_what_can_be_read_in_two_ways_or_is_too_much_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_head(data)


def test_the_limits_themselves_are_allowed() -> None:
    assert len(parse_head(head(b"GET / HTTP/1.1", *[b"A: b"] * (MAX_HEADERS - 1))).headers) == 2
    long = b"GET /?" + b"x" * (MAX_LINE_BYTES - 20) + b" HTTP/1.1"
    assert parse_head(head(long)).query


def test_heads_are_taken_one_after_the_other_and_the_rest_stays() -> None:
    arrived = Bytes(b"\r\n\r\n" + head() + head(b"PUT /2 HTTP/1.1") + b"GET")
    assert [getattr(take_head(arrived), "path", None) for _ in range(3)] == ["/", "/2", None]
    assert arrived.buffer == b"GET"


@given(cut=st.integers(0, 60), step=st.integers(1, 60))
def test_a_head_may_come_in_any_pieces(cut: int, step: int) -> None:
    data = head(b"PUT /2?a=b HTTP/1.1", b"Content-Length: 3") + b"abc"
    arrived = Bytes(data[:cut])
    taken = take_head(arrived)
    for at in range(cut, len(data), step):
        if taken is None:
            arrived.buffer += data[at : at + step]
            taken = take_head(arrived)
    assert taken is not None
    assert (taken.path, taken.length) == ("/2", 3)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"SSH-2.0-x\r\n", 400),
        (b"GET /" + b"x" * MAX_LINE_BYTES, 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 30_000, 431),
    ],
)
def test_an_unfinished_head_that_can_become_nothing_is_refused_at_once(data: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refused:
        take_head(Bytes(data))
    assert refused.value.status == status


@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_or_refused(data: bytes) -> None:
    try:
        read = parse_head(data + b"\r\n\r\n")
    except BadRequest:
        return
    assert read.version in {"1.0", "1.1"}
    assert read.length is None or read.length >= 0
