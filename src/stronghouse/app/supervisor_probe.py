"""Asking whether a port answers as it should: over TLS that must verify, as a client would."""

import asyncio
import ssl

from stronghouse.app.supervisor_ports import HOST

ADDRESS = "127.0.0.1"
PAUSE_SECONDS = 0.05
ANSWER_SECONDS = 5.0


def trusting(ca_pem: str) -> ssl.SSLContext:
    """A client context that trusts the edge's authority and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca_pem)
    return context


async def status_of(port: int, path: str, context: ssl.SSLContext) -> int | None:
    """The HTTP status that GET `path` gets, or None while nothing answers."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(ADDRESS, port, ssl=context, server_hostname=HOST)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nhost: {HOST}:{port}\r\nconnection: close\r\n\r\n".encode())
                line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return None
    parts = line.split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else None


async def wait_until_answers(
    port: int, path: str, context: ssl.SSLContext, *, accepted: range = range(200, 500)
) -> None:
    """Return once GET `path` gets a status among `accepted`. The caller sets the time limit."""
    while (await status_of(port, path, context)) not in accepted:  # noqa: ASYNC110 - the other side is a process
        await asyncio.sleep(PAUSE_SECONDS)
