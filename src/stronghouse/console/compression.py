"""Pages travel compressed, except those that could hold a secret.

Compression betrays by its length whether something that somebody else chose is repeated in a secret beside it (BREACH,
2013). Secrets stand only in answers to forms; those and downloads go as they are.
"""

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

MIN_BYTES = 1024
LEVEL = 5
DOWNLOADS = ("/file", "/export")


class Compression:
    """ASGI middleware: gzip for what is only read."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._packed = GZipMiddleware(app, minimum_size=MIN_BYTES, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        read = scope["type"] == "http" and scope["method"] == "GET" and not scope["path"].endswith(DOWNLOADS)
        await (self._packed if read else self._plain)(scope, receive, send)
