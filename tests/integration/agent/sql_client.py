"""A client of a service's HTTPS port: one statement a connection, as the owner."""

import asyncio
import base64
import hashlib
import ssl

PASSWORD = "correct horse"


def password_hash(password: str) -> str:
    """The form in which desired states carry a password."""
    return base64.b64encode(hashlib.sha256(password.encode()).digest()).decode()


async def sql(port: int, tls: ssl.SSLContext, statement: str) -> str:
    """What a service answers to a statement; raises OSError or ValueError when it does not answer, or not well."""
    user = base64.b64encode(f"default:{PASSWORD}".encode()).decode()
    body = statement.encode()
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname="localhost")
        head = (
            f"POST / HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Basic {user}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        try:
            said = await _answer(reader)
        except asyncio.IncompleteReadError as error:
            raise OSError("the connection was cut") from error
        finally:
            writer.close()
    return said


async def _answer(reader: asyncio.StreamReader) -> str:
    """The body of an answer, read to its own end: the edge keeps a connection open for a second afterwards."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if "content-length: " in head:
        body = await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
    else:
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
    if not head.startswith("http/1.1 200"):
        raise ValueError(head + body.decode(errors="replace"))
    return body.decode().strip()
