"""The outermost layer: gives each request its id and refuses a body that is too large before anything reads it."""

import re

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from stronghouse.api.envelope import failure
from stronghouse.api.errors import WORDS
from stronghouse.kernel.ids import new_id
from stronghouse.plane.limits import MAX_DOCUMENT_BYTES, BodyLimits

MAX_BODY_BYTES = 1024 * 1024
MAX_FEED_BYTES = 256 * 1024 * 1024
UPLOADS = (
    (re.compile(r"POST /v1/organizations/[^/]+/documents\Z"), MAX_DOCUMENT_BYTES),
    (re.compile(r"PUT /v1/organizations/[^/]+/advisories\Z"), MAX_FEED_BYTES),
)
"""Routes that take files, which they read piece by piece, and how large those may be."""


class RequestLimits:
    """ASGI middleware: the request's id, and `plane.limits.BodyLimits` with the API's table and answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._bounded = BodyLimits(
            app, limit=MAX_BODY_BYTES, upload_limit=_upload_limit, reads=_has_credentials, refuse=_refuse
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            scope.setdefault("state", {})["request_id"] = new_id()
        await self._bounded(scope, receive, send)


def _upload_limit(request: Request) -> int | None:
    """How large the file may be that this route takes; None for a route that takes none."""
    route = f"{request.method} {request.url.path}"
    return next((limit for pattern, limit in UPLOADS if pattern.match(route)), None)


def _has_credentials(request: Request) -> bool:
    return "authorization" in request.headers  # nobody else's body is read


def _refuse(request: Request, status: int, sentence: str) -> ASGIApp:
    headers = {"connection": "close"} if status == 413 else None  # noqa: PLR2004 - payload too large
    return failure(request, status=status, error=f"{WORDS[status]}: {sentence}", headers=headers)
