"""Signing in by link or password, the account page with the first password, signing out."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from stronghouse.access import people
from stronghouse.access.passwords import hash_password
from stronghouse.console.protection import COOKIE
from stronghouse.console.state import Console, Field, caller_of, context_of, templates, visit
from stronghouse.kernel.errors import Conflict, Invalid, Unauthenticated
from stronghouse.kernel.secret import Secret

router = APIRouter()


@router.get("/sign-in")
def sign_in_page() -> Response:
    """The form for address and password."""
    return _sign_in_page()


@router.get("/sign-in/link")
def link_page(token: Annotated[str, Query(max_length=128)]) -> Response:
    """A button that spends the link: opening the page does not, so a preview in a mail program spends nothing."""
    return _sign_in_page(token=token)


@router.post("/sign-in/link")
def sign_in_with_link(request: Request, token: Field) -> Response:
    """Spend a link."""
    console: Console = request.app.state.console
    plane = console.plane
    try:
        with plane.audit.unit_of_work(context_of(request)) as uow:
            new = people.sign_in_with_link(uow, token=Secret(token), now=plane.clock.now())
    except Unauthenticated as error:
        return _refused(request, error, method="link")
    return _signed_in(new)


@router.post("/sign-in")
def sign_in(request: Request, email: Field, password: Field) -> Response:
    """Sign in by address and password."""
    console: Console = request.app.state.console
    plane = console.plane
    try:
        with plane.database.read() as connection:
            proven = people.check_password(connection, email=email, password=Secret(password))
        with plane.audit.unit_of_work(context_of(request)) as uow:
            new = people.sign_in_with_password(uow, proven, now=plane.clock.now())
    except Unauthenticated as error:
        return _refused(request, error, method="password")
    return _signed_in(new)


@router.get("/account")
def account_page(request: Request) -> Response:
    """One's own account."""
    return visit(request, None).page("account.html", problem=None)


@router.post("/password")
def set_password(request: Request, password: Field) -> Response:
    """Set one's own first password."""
    visitor = visit(request, None)
    try:
        hashed = hash_password(Secret(password))
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            people.set_first_password(uow, visitor.caller, password_hash=hashed)
    except (Invalid, Conflict) as error:
        return visitor.page("account.html", problem=error.public, status=400)
    return RedirectResponse("/", status_code=303)


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End this session."""
    console: Console = request.app.state.console
    caller = caller_of(request)
    with console.plane.audit.unit_of_work(context_of(request, caller)) as uow:
        people.sign_out(uow, caller)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
    return response


def _sign_in_page(*, token: str | None = None, problem: str | None = None, status: int = 200) -> HTMLResponse:
    return HTMLResponse(templates.get_template("sign_in.html").render(token=token, problem=problem), status_code=status)


def _refused(request: Request, error: Unauthenticated, *, method: str) -> HTMLResponse:
    console: Console = request.app.state.console
    context = context_of(request)
    if console.failures.is_news((method, context.address)):
        with console.plane.audit.unit_of_work(context) as uow:
            people.record_failed_sign_in(uow, method=method)
    return _sign_in_page(problem=error.public, status=401)


def _signed_in(new: people.NewSession) -> RedirectResponse:
    response = RedirectResponse("/", status_code=303)
    lifetime = int(people.SESSION_LIFETIME.total_seconds())
    response.set_cookie(
        COOKIE, new.token.reveal(), max_age=lifetime, secure=True, httponly=True, samesite="lax", path="/"
    )
    return response
