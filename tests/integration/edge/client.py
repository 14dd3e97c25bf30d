"""A TLS and HTTP/1.1 client that does exactly what a test says, from any loopback address, kept alive until closed."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """One answer. Header names are in lower case; `raw` is everything before the body."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: str


class Client:
    """A connection to the edge; requests go over it one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self.reader = reader
        self.writer = writer
        self._host = host

    @classmethod
    async def connect(
        cls,
        port: int,
        *,
        tls: ssl.SSLContext | None,
        source: str,
        address: str,
        server_name: str,
    ) -> "Client":
        """Connect to `address` from `source`; `tls=None` speaks plain HTTP."""
        reader, writer = await asyncio.open_connection(
            address, port, ssl=tls, server_hostname=server_name if tls else None, local_addr=(source, 0), limit=2**20
        )
        return cls(reader, writer, f"localhost:{port}")

    async def request(
        self, path: str = "/", *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Send one request and read its answer whole."""
        await self.send(path, method=method, headers=headers, body=body)
        return await self.answer()

    async def send(
        self, path: str = "/", *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        """Send one request."""
        fields = {"Host": self._host, **(headers or {})}
        if body:
            fields["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str], str]:
        """Read the status line and the headers of the next answer."""
        raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = raw.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        return int(first.split()[1]), headers, raw

    async def chunk(self) -> bytes:
        """Read one chunk of a chunked body; empty at its end."""
        size = int((await self.reader.readuntil(b"\r\n")).strip(), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def answer(self) -> Answer:
        """Read the next answer whole."""
        status, headers, raw = await self.head()
        body = b""
        if headers.get("transfer-encoding") == "chunked":
            while part := await self.chunk():
                body += part
        else:
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(status, headers, body, raw)

    async def close(self) -> None:
        """Cut the connection."""
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
