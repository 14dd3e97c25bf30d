"""Serving the front on the inherited socket, and ending so that nothing accepted is lost."""

import asyncio
import socket

from aiohttp import web

from stronghouse.worker.front import Front

KEEP_ALIVE_SECONDS = 60.0
"""Longer than the edge keeps an idle connection, so that it is the edge that closes."""
MAX_LINE_BYTES = 1 << 20
"""ClickHouse's `http_max_uri_size`: queries and parameters may be in the URL."""
MAX_HEADER_BYTES = 128 << 10
LAST_WORDS_SECONDS = 3.0


class Server:
    """The front on a listening socket. The socket's other copy, the agent's, goes on collecting connections."""

    def __init__(self, front: Front, listener: socket.socket) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", front.handle)
        self._front = front
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handle_signals=False,
            handler_cancellation=True,
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            tcp_keepalive=False,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            shutdown_timeout=LAST_WORDS_SECONDS,
        )
        self._listener = listener
        self._site: web.SockSite | None = None

    async def start(self) -> None:
        """Begin to accept."""
        await self._runner.setup()
        self._site = web.SockSite(self._runner, self._listener, backlog=1024)
        await self._site.start()

    async def stop_accepting(self) -> None:
        """Accept no more; what was accepted is answered, with the last response on each connection."""
        self._front.draining = True
        if self._site is not None:
            await self._site.stop()
            self._site = None

    async def finish(self, grace: float) -> None:
        """After `stop_accepting`: let running queries end for `grace` seconds, end the rest with code 394, close."""
        running = self._front.running
        if not await running.wait_until_idle(grace):
            running.cancel_all()
            await running.wait_until_idle(LAST_WORDS_SECONDS)
        await asyncio.sleep(0)
        await self._runner.cleanup()
        self._front.sessions.revoke()
        running.close()
