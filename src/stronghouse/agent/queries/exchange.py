"""One HTTP request on a connection from the edge, and its answer; then the connection is closed.

The edge has parsed the request already and sends it on over a socket that nobody else reaches. With one request a
connection there is nothing that a second could be smuggled into.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import httptools

from stronghouse.kernel.errors import Invalid

READ_BYTES = 65_536
MAX_HEAD_BYTES = 160 * 1024
"""Beyond the edge's own limit."""
REQUEST_SECONDS = 60.0
Header = tuple[str, str]


class TooLarge(Invalid):
    """The body is longer than what is taken."""


@dataclass(frozen=True)
class Request:
    """A request that was read to its end; names of headers are in lower case, `target` is path and query as sent."""

    method: str
    target: bytes
    headers: tuple[Header, ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """A header's value; raises Invalid when it is there twice."""
        found = [value for key, value in self.headers if key == name]
        if len(found) > 1:
            raise Invalid(f"The header {name} is there twice.", code="header_twice")
        return found[0] if found else None


@dataclass
class _Reading:
    """What httptools calls back."""

    limit: int
    target: bytes = b""
    headers: list[Header] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1").strip()))

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.complete = True


async def read_request(reader: asyncio.StreamReader, *, limit: int) -> Request:
    """The request; raises Invalid (TooLarge for a body beyond `limit` bytes), ConnectionError and TimeoutError."""
    reading = _Reading(limit)
    parser = httptools.HttpRequestParser(reading)
    received = 0
    async with asyncio.timeout(REQUEST_SECONDS):
        while not reading.complete:
            piece = await reader.read(READ_BYTES)
            if not piece:
                raise ConnectionResetError("the edge went away")
            received += len(piece)
            try:
                parser.feed_data(piece)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade):
                raise Invalid("This is not an HTTP request that is taken here.", code="request_malformed") from None
            if len(reading.body) > limit or received > limit + MAX_HEAD_BYTES:
                raise TooLarge(f"A request to the queries host has at most {limit} bytes.", code="request_too_large")
    return Request(parser.get_method().decode("ascii"), reading.target, tuple(reading.headers), bytes(reading.body))


class Answer:
    """Writes the answer to one request.

    Attributes:
        headers: what every answer carries besides its own.
        begun: whether something was sent.
    """

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.headers: list[Header] = []
        self.begun = False
        self._writer = writer

    async def whole(self, status: int, headers: Sequence[Header], body: bytes) -> None:
        """Send all of it."""
        self._head(status, [*headers, ("content-length", str(len(body)))])
        self._writer.write(body)
        await self._writer.drain()

    async def document(self, status: int, content: object, headers: Sequence[Header] = ()) -> None:
        """Send JSON."""
        body = json.dumps(content).encode()
        await self.whole(status, [("content-type", "application/json; charset=utf-8"), *headers], body)

    async def begin(self, status: int, headers: Sequence[Header]) -> None:
        """Send the head of an answer whose length is not known."""
        self._head(status, [*headers, ("transfer-encoding", "chunked")])
        await self._writer.drain()

    async def piece(self, data: bytes) -> None:
        """Send a part of it; returns when the client takes more."""
        if data:
            self._writer.write(b"%x\r\n" % len(data) + data + b"\r\n")
            await self._writer.drain()

    async def end(self) -> None:
        """Say that it was all; without it the client knows that it was not."""
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def _head(self, status: int, headers: Sequence[Header]) -> None:
        self.begun = True
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in (*headers, *self.headers)]
        lines += ["cache-control: no-store", "connection: close", "", ""]
        text = "\r\n".join(lines)
        self._writer.write(text.encode("latin-1"))
