"""The queries host's listening socket, behind the edge."""

import asyncio
from pathlib import Path

from stronghouse.agent.listening import BACKLOG, ListeningSocket, socket_path
from stronghouse.agent.queries.exchange import READ_BYTES
from stronghouse.agent.queries.host import QueriesHost

NAME = "queries"


def queries_socket(directory: Path) -> Path:
    """Where it is, below the directory of all sockets."""
    return socket_path(directory, service_id=NAME)


async def serve_queries(host: QueriesHost, directory: Path) -> None:
    """Answer on the socket below `directory` until cancelled; raises OSError when it cannot be made."""
    listener = ListeningSocket(directory, service_id=NAME)
    try:
        server = await asyncio.start_unix_server(host.handle, sock=listener.socket, backlog=BACKLOG, limit=READ_BYTES)
        async with server:
            await server.serve_forever()
    finally:
        listener.close()
