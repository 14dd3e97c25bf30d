"""The one map from a kind of error to an HTTP status and a code word."""

from http import HTTPStatus

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from stronghouse.api.envelope import failure
from stronghouse.api.validation import sentence
from stronghouse.kernel.errors import StronghouseError

KINDS = {
    "invalid": (400, "BAD_REQUEST"),
    "unauthenticated": (401, "UNAUTHORIZED"),
    "denied": (403, "FORBIDDEN"),
    "not_found": (404, "NOT_FOUND"),
    "conflict": (409, "CONFLICT"),
    "too_many": (429, "TOO_MANY_REQUESTS"),
    "unavailable": (503, "SERVICE_UNAVAILABLE"),
    "internal": (500, "INTERNAL_ERROR"),
}
WORDS = {
    400: "BAD_REQUEST",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    413: "PAYLOAD_TOO_LARGE",
}

log = structlog.get_logger(__name__)


async def own_error(request: Request, error: Exception) -> JSONResponse:
    """An error raised on purpose."""
    assert isinstance(error, StronghouseError)  # noqa: S101 - registered for this type only
    status, word = KINDS[error.kind]
    if error.detail or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request_failed", code=error.code, detail=error.detail, request_id=request.state.request_id)
    headers = {"www-authenticate": 'Basic realm="stronghouse"'} if status == HTTPStatus.UNAUTHORIZED else None
    return failure(request, status=status, error=f"{word}: {error.public}", headers=headers)


async def http_error(request: Request, error: Exception) -> JSONResponse:
    """An error of the framework: no such path, method not allowed."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    word = WORDS.get(error.status_code, "BAD_REQUEST")
    text = {404: "There is nothing at this path.", 405: "This path does not take this method."}.get(
        error.status_code, error.detail
    )
    return failure(request, status=error.status_code, error=f"{word}: {text}", headers=error.headers)


async def validation_error(request: Request, error: Exception) -> JSONResponse:
    """A body or parameter of the wrong shape: names the first field and what is wrong, never the value."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return failure(request, status=400, error="BAD_REQUEST: The body is not valid JSON.")
    return failure(request, status=400, error=f"BAD_REQUEST: {sentence(first)}")


async def unexpected_error(request: Request, error: Exception) -> JSONResponse:
    """A bug of ours: the trace goes to the log, the caller gets the request id."""
    log.error("request_crashed", request_id=request.state.request_id, exc_info=error)
    return failure(
        request, status=500, error="INTERNAL_ERROR: Something went wrong on our side; the log names this requestId."
    )
