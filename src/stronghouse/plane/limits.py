"""How much of a request's body is read: small ones whole and in time, files piece by piece up to their own limit."""

import asyncio
import time
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_SECONDS = 30.0
UPLOAD_SECONDS = 600.0
MAX_DOCUMENT_BYTES = 25 * 1024 * 1024 + 512 * 1024  # a document of 25 MiB and the form around it


class BodyLimits:
    """ASGI middleware. A body over the limit gets a 413, whether its length is announced or found out while reading.

    Args:
        limit: bytes of a body that is read whole before the handler starts.
        upload_limit: bytes that a route which takes a file may have; None for every other route.
        reads: whether this request's body is read at all.
        refuse: the answer with a status and a sentence.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit: int,
        upload_limit: Callable[[Request], int | None],
        reads: Callable[[Request], bool],
        refuse: Callable[[Request, int, str], ASGIApp],
    ) -> None:
        self._app = app
        self._limit = limit
        self._upload_limit = upload_limit
        self._reads = reads
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        upload_limit = self._upload_limit(request)
        limit = self._limit if upload_limit is None else upload_limit
        if _announced(request) > limit:
            await self._too_large(request, limit)(scope, receive, send)
        elif upload_limit is not None:
            await self._app(scope, _counted(receive, upload_limit), send)
        else:
            await self._bounded(scope, receive, send, request)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send, request: Request) -> None:
        """Read the whole body first, up to the limit: handlers are short and bodies small."""
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                more = self._reads(request)
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > self._limit:
                        await self._too_large(request, self._limit)(scope, receive, send)
                        return
        except TimeoutError:
            await self._refuse(request, 408, "The body did not arrive in time.")(scope, receive, send)
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, replay, send)

    def _too_large(self, request: Request, limit: int) -> ASGIApp:
        return self._refuse(request, 413, f"A request body has at most {limit} bytes.")


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _counted(receive: Receive, limit: int) -> Receive:
    """Hand an upload on as it comes: the route looks at the caller before any of it is read."""
    taken, deadline = 0, time.monotonic() + UPLOAD_SECONDS

    async def counted() -> Message:
        nonlocal taken
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "The body did not arrive in time.", {"connection": "close"}) from None
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, f"This upload has at most {limit} bytes.", {"connection": "close"})
        return message

    return counted
