"""Errors as pages: what failed, why, and a way on; never a trace."""

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from stronghouse.console import rendering
from stronghouse.console.binding import TokenStale
from stronghouse.console.protection import HEADERS, content_security_policy
from stronghouse.console.state import ENROLMENT, FactorRequired, Visit, is_polling
from stronghouse.kernel.errors import StronghouseError

STATUS = {
    "invalid": 400,
    "unauthenticated": 401,
    "denied": 403,
    "not_found": 404,
    "conflict": 409,
    "too_many": 429,
    "unavailable": 503,
    "internal": 500,
}
"""The HTTP status of each kind of error."""
SENTENCES = {
    404: "There is nothing at this address. It may have been deleted, or belong to somebody else.",
    405: "This address takes no such request.",
}
_TITLES = {
    400: "This did not work",
    403: "Not allowed",
    404: "Not found",
    408: "Too slow",
    409: "Not possible now",
    413: "Too large",
    429: "Too many attempts",
    503: "Out of reach",
}
log = structlog.get_logger(__name__)


def error_page(request: Request, status: int, sentence: str) -> HTMLResponse:
    """A page that says what went wrong and leads on; with the navigation, if it is known who looks."""
    visitor: Visit | None = getattr(request.state, "visit", None)
    return rendering.page(
        request,
        "error.html",
        status=status,
        title=_TITLES.get(status, "Something went wrong"),
        sentence=sentence,
        code=status,
        at_home=request.url.path == "/",
        request_id=request.state.request_id,
        visit=visitor,
        organization=visitor.organization if visitor else None,
        user=visitor.caller.user if visitor else None,
    )


async def own_error(request: Request, error: Exception) -> Response:
    """An error raised on purpose; without a session, the way to sign in."""
    assert isinstance(error, StronghouseError)  # noqa: S101 - registered for this type only
    if isinstance(error, TokenStale):
        return _renewal(request)
    if error.kind == "unauthenticated" and error.code == "session_over":
        return Response(status_code=401) if is_polling(request) else RedirectResponse("/sign-in", status_code=303)
    if isinstance(error, FactorRequired):
        return Response(status_code=403) if is_polling(request) else RedirectResponse(ENROLMENT, status_code=303)
    status = STATUS[error.kind]
    if error.detail or status >= STATUS["internal"]:
        log.warning("page_failed", code=error.code, detail=error.detail, request_id=request.state.request_id)
    return error_page(request, status, error.public)


async def http_error(request: Request, error: Exception) -> Response:
    """An error of the framework."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    response = error_page(request, error.status_code, SENTENCES.get(error.status_code, error.detail))
    response.headers.update(error.headers or {})
    return response


async def validation_error(request: Request, _error: Exception) -> Response:
    """A form or an address of the wrong shape."""
    return error_page(request, STATUS["invalid"], "The form was not filled in as this page needs it.")


async def unexpected_error(request: Request, error: Exception) -> Response:
    """A bug of ours: the trace goes to the log. This runs outside of all middleware, so it sets the headers itself."""
    request_id = request.state.request_id
    log.error("page_crashed", request_id=request_id, exc_info=error)
    sentence = f"Something went wrong on our side; the log names this request {request_id}."
    response = error_page(request, STATUS["internal"], sentence)
    response.headers.update(HEADERS)
    response.headers["content-security-policy"] = content_security_policy(request.state.nonce)
    return response


def _renewal(request: Request) -> Response:
    """The page whose script proves its origin and loads the address again; a part of a page only learns of it."""
    if is_polling(request):
        return Response(status_code=401)
    return rendering.page(request, "renewal.html", status=401)
