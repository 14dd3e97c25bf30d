"""Asking a worker: one HTTP request over its socket, whose answer comes in pieces as they are read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httptools

from stronghouse.agent.queries.exchange import READ_BYTES, Header
from stronghouse.kernel.errors import Unavailable

CONNECT_SECONDS = 30.0


@dataclass
class _Reading:
    """What httptools calls back."""

    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    head_complete: bool = False
    complete: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        self.head_complete = True

    def on_body(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        self.complete = True


class WorkerAnswer:
    """What a worker answers: `status`, `headers` by names in lower case, then `pieces`."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._reading = _Reading()
        self._parser = httptools.HttpResponseParser(self._reading)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self._parser.get_status_code())

    @property
    def headers(self) -> dict[str, str]:
        """The headers."""
        return self._reading.headers

    async def read_head(self) -> None:
        """Read up to the body; raises Unavailable."""
        while not self._reading.head_complete:
            await self._more()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body; raises Unavailable when it ends too early, which is how a worker tells of an error in a result."""
        while True:
            waiting, self._reading.pieces = self._reading.pieces, []
            for piece in waiting:
                yield piece
            if self._reading.complete:
                return
            if not waiting:
                await self._more()

    async def text(self, limit: int) -> bytes:
        """The beginning of the body, `limit` bytes at most."""
        body = bytearray()
        async for piece in self.pieces():
            body += piece
            if len(body) >= limit:
                break
        return bytes(body[:limit])

    async def _more(self) -> None:
        try:
            piece = await self._reader.read(READ_BYTES)
            if not piece:
                raise ConnectionResetError
            self._parser.feed_data(piece)
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade):
            raise Unavailable("The service broke off its answer.", code="worker_broke_off") from None


@contextlib.asynccontextmanager
async def ask_worker(
    socket: Path, *, target: str, headers: Sequence[Header], body: bytes
) -> AsyncIterator[WorkerAnswer]:
    """Send a POST; its answer, with the head read. Leaving the block early ends the query.

    Raises:
        Unavailable: nobody answers.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(socket))
    except (OSError, TimeoutError):
        raise Unavailable("The service does not answer.", code="worker_silent") from None
    try:
        lines = [f"POST {target} HTTP/1.1", "host: localhost", f"content-length: {len(body)}", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers]
        head = "\r\n".join([*lines, "", ""])
        writer.write(head.encode("latin-1") + body)
        answer = WorkerAnswer(reader)
        try:
            await writer.drain()
        except OSError:
            raise Unavailable("The service does not answer.", code="worker_silent") from None
        await answer.read_head()
        yield answer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
