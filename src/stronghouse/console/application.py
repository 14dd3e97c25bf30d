"""The console as an ASGI application."""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from stronghouse.console import pages
from stronghouse.console.pages import Console
from stronghouse.console.protection import HEADERS, check_origin
from stronghouse.kernel.errors import StronghouseError

STATUS = {"invalid": 400, "unauthenticated": 401, "denied": 403, "not_found": 404, "conflict": 409, "too_many": 429}


class Protection(BaseHTTPMiddleware):
    """Refuses cross-site requests and puts the security headers on every answer."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Serve one request."""
        try:
            check_origin(request)
            response = await call_next(request)
        except StronghouseError as error:
            response = await own_error(request, error)
        response.headers.update(HEADERS)
        return response


async def own_error(_request: Request, error: Exception) -> Response:
    """An error raised on purpose, as a sentence; without a session, the way to sign in."""
    assert isinstance(error, StronghouseError)  # noqa: S101 - registered for this type only
    if error.kind == "unauthenticated":
        return RedirectResponse("/sign-in", status_code=303)
    return PlainTextResponse(error.public, status_code=STATUS.get(error.kind, 500))


async def http_error(_request: Request, error: Exception) -> Response:
    """An error of the framework."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    return PlainTextResponse("There is nothing at this address.", status_code=error.status_code)


async def validation_error(_request: Request, _error: Exception) -> Response:
    """A form of the wrong shape."""
    return PlainTextResponse("The form was not filled in as this page needs it.", status_code=400)


def create_console(console: Console) -> FastAPI:
    """The console over these parts."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.console = console
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(packages=[("stronghouse.console", "static")]))
    app.add_exception_handler(StronghouseError, own_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_middleware(Protection)
    return app
