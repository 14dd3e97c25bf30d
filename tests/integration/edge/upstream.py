"""A small worker behind the edge: an HTTP/1.1 server on a Unix socket that shows what reached it."""

import asyncio
import contextlib
import json
import socket
from pathlib import Path


class Upstream:
    """Serves one socket. `requests` and `connections` count what arrived, `received` the bytes of bodies."""

    def __init__(self, name: str, socket: Path) -> None:
        self.name = name
        self.socket = socket
        self.requests = 0
        self.connections = 0
        self.received = 0
        self.reading = asyncio.Event()
        self.reading.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, listening: socket.socket | None = None) -> None:
        """Listen, at a path of any length; or take over a socket that listens already, as real workers do."""
        if listening is not None:
            self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=2**16)
            return
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.chdir(self.socket.parent):
            self._server = await asyncio.start_unix_server(self._serve, self.socket.name, limit=2**16)

    async def stop(self) -> None:
        """Close the socket and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
            for writer in self._writers:
                writer.transport.abort()
            self._writers.clear()
            with contextlib.chdir(self.socket.parent):
                Path(self.socket.name).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while True:
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        self.requests += 1
        target = first.split()[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        if headers.get("upgrade") == "websocket":
            await self._echo(reader, writer)
        await self._read_body(reader, headers)
        if target.startswith("/stream"):
            await self._stream(writer)
            return
        body = json.dumps({"name": self.name, "target": target, "headers": headers, "received": self.received}).encode()
        cookies = "Set-Cookie: worker=1\r\nSet-Cookie: other=2\r\nReferrer-Policy: no-referrer\r\n"
        writer.write(f"HTTP/1.1 200 OK\r\n{cookies}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    async def _read_body(self, reader: asyncio.StreamReader, headers: dict[str, str]) -> None:
        left = int(headers.get("content-length", "0"))
        chunked = headers.get("transfer-encoding") == "chunked"
        while left > 0 or chunked:
            await self.reading.wait()
            if chunked:
                size = int((await reader.readuntil(b"\r\n")).strip(), 16)
                await reader.readexactly(size + 2)
                self.received += size
                chunked = size > 0
            else:
                part = await reader.read(min(left, 2**16))
                if not part:
                    raise asyncio.IncompleteReadError(b"", left)
                left -= len(part)
                self.received += len(part)

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        """Three seconds of one chunk every 50 ms, the first at once."""
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(60):
            writer.write(b"4\r\n%04d\r\n" % number)
            await writer.drain()
            await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        while part := await reader.read(4096):
            writer.write(part)
            await writer.drain()
        raise asyncio.IncompleteReadError(b"", None)
