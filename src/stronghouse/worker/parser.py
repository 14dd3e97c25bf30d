"""A request's head: where it ends, what it says, and how long the body behind it is.

httptools (llhttp) reads a head by HTTP's grammar. It is given the head alone: the body's length is ours to decide, so
that there is one opinion on where the next request begins.

Invariants:
- A head that two readers could take for different requests is refused, and its connection ends.
- Nothing is read beyond the limits.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote_plus

import httptools

MAX_LINE_BYTES = 1 << 20
"""ClickHouse's `http_max_uri_size`: queries and parameters may be in the URL."""
MAX_HEADERS_BYTES = 128 << 10
MAX_HEADERS = 100
MAX_PARAMETERS = 10_000
EARLY_BYTES = 4 << 10
"""A head that has not ended by here is no longer looked at before it ends: that would take the square of its size."""
_END = b"\r\n\r\n"
_LENGTH = re.compile(r"[0-9]{1,18}")
_ONCE = frozenset({"host", "authorization", "content-length", "content-type", "content-encoding", "expect"})
"""Headers that mean nothing when they come twice; ClickHouse's and ours count too."""
_ONCE_BEGINNINGS = ("x-clickhouse-", "x-sh-")


class BadRequest(Exception):  # noqa: N818 - HTTP's own name for it
    """What came is no request that can be answered; the connection ends after a short answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Arrived(Protocol):
    """What has arrived on a connection and is not used yet: `buffer` from `start` on.

    `scanned` says how much of the buffer is known to hold no end of a head.
    """

    buffer: bytes
    start: int
    scanned: int

    def take(self, size: int) -> bytes:
        """At most `size` bytes out of the buffer."""
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """A request's head.

    Attributes:
        target: as sent, `/?query=…`.
        path: the target without its parameters, not decoded.
        query: the parameters, decoded; what is not UTF-8 becomes surrogates.
        headers: by name in lower case; what came twice is joined with a comma.
        version: `1.0` or `1.1`.
        keep_alive: whether the client wants to keep the connection.
        length: of the body in bytes; None for one in chunks.
        expects_continue: whether the client waits for a word before it sends its body.
    """

    method: str
    target: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    version: str
    keep_alive: bool
    length: int | None
    expects_continue: bool


class _Collector:
    """What httptools tells of a head."""

    __slots__ = ("ended", "headers", "target")

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.ended = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.ended = True


def take_head(arrived: Arrived) -> Head | None:
    """The head that `arrived` begins with, taken off it; None while it has not come whole. Raises BadRequest."""
    while arrived.buffer.startswith(b"\r\n", arrived.start):  # RFC 9112 section 2.2: some end a body with one
        arrived.take(2)
    if not arrived.buffer:
        return None
    end = arrived.buffer.find(_END, max(arrived.start, arrived.scanned - len(_END)))
    if end < 0:
        arrived.scanned = len(arrived.buffer)
        _check_unfinished(arrived.buffer[arrived.start :])
        return None
    arrived.scanned = 0
    return parse_head(arrived.take(end + len(_END) - arrived.start))


def parse_head(data: bytes) -> Head:
    """The head in `data`, which ends with its empty line. Raises BadRequest."""
    _check_size(data)
    collector = _Collector()
    parser = httptools.HttpRequestParser(collector)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass  # another protocol is an offer, which we do not take
    except httptools.HttpParserError:
        raise BadRequest(400, "This is no HTTP request") from None
    version = parser.get_http_version()
    if not collector.ended or version not in {"1.0", "1.1"}:
        raise BadRequest(400, "This is no HTTP/1.1 request")
    headers = _headers(collector.headers)
    if version == "1.1" and "host" not in headers:
        raise BadRequest(400, "There is no Host header")
    length = _length(headers, version)
    target = collector.target.decode("utf-8", "surrogateescape")
    path, _, parameters = _origin(target).partition("?")
    return Head(
        method=parser.get_method().decode(),
        target=target,
        path=path,
        query=_query(parameters) if parameters else [],
        headers=headers,
        version=version,
        keep_alive=_keep_alive(headers.get("connection"), version),
        length=length,
        expects_continue=version == "1.1" and headers.get("expect", "").lower() == "100-continue",
    )


def _check_unfinished(held: bytes) -> None:
    """Refuse what is too long already, and early what cannot become a request."""
    line = held.find(b"\r\n", 0, MAX_LINE_BYTES + 2)
    if line < 0 and len(held) > MAX_LINE_BYTES:
        raise BadRequest(414, "The request's first line is too long")
    if line >= 0 and len(held) - line > MAX_HEADERS_BYTES:
        raise BadRequest(431, "The request's headers are too long")
    if len(held) <= EARLY_BYTES:
        try:
            httptools.HttpRequestParser(_Collector()).feed_data(held)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError:
            raise BadRequest(400, "This is no HTTP request") from None


def _check_size(data: bytes) -> None:
    line = data.find(b"\r\n")
    if line > MAX_LINE_BYTES:
        raise BadRequest(414, "The request's first line is too long")
    if len(data) - line > MAX_HEADERS_BYTES or data.count(b"\r\n", line) > MAX_HEADERS + 2:
        raise BadRequest(431, "The request's headers are too many or too long")


def _headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("ascii").lower()
        value = raw_value.decode("utf-8", "surrogateescape").rstrip(" \t")
        if name in headers:
            if name in _ONCE or name.startswith(_ONCE_BEGINNINGS):
                raise BadRequest(400, "A header that may come once came twice")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


def _length(headers: Mapping[str, str], version: str) -> int | None:
    """How long the body is. One header must say so, in the one way that everybody reads alike."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if length is not None or version != "1.1":
            raise BadRequest(400, "It is not clear how long the request's body is")
        if coding.lower() != "chunked":
            raise BadRequest(501, "The request's Transfer-Encoding is not chunked")
        return None
    if length is None:
        return 0
    if not _LENGTH.fullmatch(length):
        raise BadRequest(400, "The request's Content-Length is no number")
    return int(length)


def _origin(target: str) -> str:
    """The target without the scheme and host that a client may put before it (RFC 9112 section 3.2.2)."""
    if target.startswith("/") or "://" not in target:
        return target
    after = target.partition("://")[2]
    slash, question = after.find("/"), after.find("?")
    if slash >= 0 and (question < 0 or slash < question):
        return after[slash:]
    return "/" + after[question:] if question >= 0 else "/"


def _query(text: str) -> list[tuple[str, str]]:
    if text.count("&") >= MAX_PARAMETERS:
        raise BadRequest(400, "There are too many parameters")
    pairs = []
    for piece in text.split("&"):
        if piece:
            name, _, value = piece.partition("=")
            pairs.append((_unquoted(name), _unquoted(value)))
    return pairs


def _unquoted(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    return unquote_plus(text, errors="surrogateescape")


def _keep_alive(connection: str | None, version: str) -> bool:
    if connection is None:
        return version == "1.1"
    tokens = {token.strip() for token in connection.lower().split(",")}
    return "close" not in tokens if version == "1.1" else "keep-alive" in tokens
