"""The outermost layer: gives each request its id and refuses a body that is too large before anything reads it."""

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stronghouse.api.envelope import failure
from stronghouse.kernel.ids import new_id

MAX_BODY_BYTES = 1024 * 1024
BODY_SECONDS = 30.0


class RequestLimits:
    """ASGI middleware. A body over the limit gets a 413, whether its length is announced or found out while reading."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = new_id()
        request = Request(scope)
        if _announced(request) > MAX_BODY_BYTES:
            await _too_large(request)(scope, receive, send)
            return
        await self._bounded(scope, receive, send, request)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send, request: Request) -> None:
        """Read the whole body first, up to the limit: handlers are short and bodies small."""
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                more = "authorization" in request.headers  # nobody else's body is read
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > MAX_BODY_BYTES:
                        await _too_large(request)(scope, receive, send)
                        return
        except TimeoutError:
            await failure(request, status=408, error="REQUEST_TIMEOUT: The body did not arrive in time.")(
                scope, receive, send
            )
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self.app(scope, replay, send)


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _too_large(request: Request) -> ASGIApp:
    return failure(
        request,
        status=413,
        error=f"PAYLOAD_TOO_LARGE: A request body has at most {MAX_BODY_BYTES} bytes.",
        headers={"connection": "close"},
    )
