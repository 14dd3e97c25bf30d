"""The envelope of every answer: `status`, `requestId` and either `result` or `error`."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

NO_RESULT = object()


def success(request: Request, result: object = NO_RESULT, *, extra: Mapping[str, Any] | None = None) -> JSONResponse:
    """A 200, the only success status that the Cloud API knows; a DELETE has no result."""
    body: dict[str, Any] = {"status": 200, "requestId": request.state.request_id}
    if result is not NO_RESULT:
        body["result"] = result
    return _respond(200, {**body, **(extra or {})}, request)


def failure(request: Request, *, status: int, error: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error; `error` begins with its code word."""
    body = {"status": status, "error": error, "requestId": request.state.request_id}
    return _respond(status, body, request, headers)


def _respond(
    status: int, body: Mapping[str, Any], request: Request, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    own = {"x-request-id": request.state.request_id, "cache-control": "no-store"}
    return JSONResponse(body, status_code=status, headers={**own, **(headers or {})})
