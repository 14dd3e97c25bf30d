"""The console as an ASGI application."""

import re

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stronghouse.console import (
    access,
    account,
    audit_log,
    documents,
    errors,
    evidence,
    factors,
    findings,
    guidance,
    invitation_acceptance,
    invitations,
    key_changes,
    key_creation,
    key_policy,
    key_rotation,
    keys,
    notifications,
    packages,
    passkeys,
    people,
    person,
    policy_reports,
    query_endpoint,
    responsibilities,
    roles,
    runs,
    service_access,
    service_acts,
    service_creation,
    service_limits,
    services,
    sign_in,
    sign_in_policy,
    theme,
    vulnerabilities,
)
from stronghouse.console.assets import PREFIX, Assets
from stronghouse.console.binding import may_hold_files, take_binding
from stronghouse.console.compression import Compression
from stronghouse.console.protection import HEADERS, check_origin, content_security_policy, new_nonce
from stronghouse.console.state import Console
from stronghouse.kernel.errors import Denied, StronghouseError
from stronghouse.kernel.ids import new_id
from stronghouse.plane.limits import MAX_DOCUMENT_BYTES, BodyLimits

MODULES = (
    sign_in,
    invitation_acceptance,
    account,
    factors,
    passkeys,
    theme,
    policy_reports,
    responsibilities,
    runs,
    evidence,
    service_creation,
    services,
    service_acts,
    service_limits,
    service_access,
    query_endpoint,
    key_creation,
    key_policy,
    key_rotation,
    keys,
    key_changes,
    people,
    invitations,
    sign_in_policy,  # before the one that takes any name
    person,
    roles,
    access,
    audit_log,
    findings,
    vulnerabilities,
    documents,
    guidance,
    packages,
    notifications,
)
"""Every module with pages."""
MAX_FORM_BYTES = 128 * 1024
"""A form's longest text has 4000 characters, each of which may take twelve bytes."""
UPLOADS = ((re.compile(r"POST /documents/requests/[^/]+\Z"), MAX_DOCUMENT_BYTES),)
"""Pages that take files, which they read piece by piece, and how large those may be."""


class Protection:
    """ASGI middleware: refuses cross-site requests and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = new_nonce()
        scope.setdefault("state", {}).update(request_id=new_id(), nonce=nonce)
        headers_of_all = {**HEADERS, "content-security-policy": content_security_policy(nonce)}

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in headers_of_all.items():
                    headers.setdefault(name, value)  # a download's own policy is stricter
            await send(message)

        request = Request(scope)
        try:
            check_origin(request)
            _check_kind(request)
        except Denied as error:
            await (await errors.own_error(request, error))(scope, receive, protected)
            return
        await self._app(scope, receive, protected)


def create_console(console: Console) -> FastAPI:
    """The console over these parts."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.console = console
    for module in MODULES:
        app.include_router(module.router, dependencies=[Depends(take_binding)])
    app.mount(PREFIX, Assets())
    app.add_exception_handler(StronghouseError, errors.own_error)
    app.add_exception_handler(HTTPException, errors.http_error)
    app.add_exception_handler(RequestValidationError, errors.validation_error)
    app.add_exception_handler(Exception, errors.unexpected_error)
    app.add_middleware(
        BodyLimits,
        limit=MAX_FORM_BYTES,
        upload_limit=_upload_limit,
        reads=_may_have_a_form,
        refuse=errors.error_page,
    )
    app.add_middleware(Compression)
    app.add_middleware(Protection)  # the outermost: its headers are on refusals too
    return app


def _check_kind(request: Request) -> None:
    """Raise Denied for a form that could hold files, where none are taken: it may name a codec of its own for texts."""
    if request.method == "POST" and may_hold_files(request) and _upload_limit(request) is None:
        raise Denied("No files are taken at this address, nor forms that could hold some.", code="files_refused")


def _upload_limit(request: Request) -> int | None:
    """Only forms that are read piece by piece may be large; `take_binding` reads all others whole."""
    if not may_hold_files(request):
        return None
    route = f"{request.method} {request.url.path}"
    return next((limit for pattern, limit in UPLOADS if pattern.match(route)), None)


def _may_have_a_form(request: Request) -> bool:
    return request.method == "POST"
