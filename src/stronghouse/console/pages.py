"""The pages: sign-in, the matrix as home, the password form."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from stronghouse.access import authentication, people, store
from stronghouse.access.authentication import UserCaller
from stronghouse.access.passwords import hash_password
from stronghouse.access.permissions import Permission
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.throttle import Throttle
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.console.matrix import home_rows
from stronghouse.console.protection import COOKIE
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Conflict, Denied, Invalid, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from stronghouse.organizations import store as organizations
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.matrix import responsibility_matrix
from stronghouse.storage.database import Database

router = APIRouter()
templates = Environment(
    loader=PackageLoader("stronghouse.console"), autoescape=select_autoescape(default=True), undefined=StrictUndefined
)
CLIENT_ADDRESS = "x-sh-client-ip"
Field = Annotated[str, Form(max_length=512)]


@dataclass(frozen=True)
class Console:
    """The parts of the control plane that the console calls."""

    database: Database
    audit: AuditLog
    clock: Clock
    catalogue: Catalogue
    failures: Throttle


@router.get("/")
def home(request: Request) -> Response:
    """The responsibility matrix, or the way to sign in."""
    try:
        return _home(request, _caller(request))
    except Unauthenticated:
        return RedirectResponse("/sign-in", status_code=303)


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
    try:
        with console.audit.unit_of_work(_context(request)) as uow:
            new = people.sign_in_with_link(uow, token=Secret(token), now=console.clock.now())
    except Unauthenticated as error:
        return _refused(request, error, method="link")
    return _signed_in(new)


@router.post("/sign-in")
def sign_in(request: Request, email: Field, password: Field) -> Response:
    """Sign in by address and password."""
    console: Console = request.app.state.console
    try:
        with console.database.read() as connection:
            proven = people.check_password(connection, email=email, password=Secret(password))
        with console.audit.unit_of_work(_context(request)) as uow:
            new = people.sign_in_with_password(uow, proven, now=console.clock.now())
    except Unauthenticated as error:
        return _refused(request, error, method="password")
    return _signed_in(new)


@router.post("/password")
def set_password(request: Request, password: Field) -> Response:
    """Set one's own first password."""
    console: Console = request.app.state.console
    caller = _caller(request)
    try:
        hashed = hash_password(Secret(password))
        with console.audit.unit_of_work(_context(request, caller)) as uow:
            people.set_first_password(uow, caller, password_hash=hashed)
    except (Invalid, Conflict) as error:
        return _home(request, caller, problem=error.public, status=400)
    return RedirectResponse("/", status_code=303)


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End this session."""
    console: Console = request.app.state.console
    caller = _caller(request)
    with console.audit.unit_of_work(_context(request, caller)) as uow:
        people.sign_out(uow, caller)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
    return response


def _caller(request: Request) -> UserCaller:
    console: Console = request.app.state.console
    token = request.cookies.get(COOKIE, "")
    with console.database.read() as connection:
        found = authentication.authenticate_session(connection, token=Secret(token), now=console.clock.now())
    with console.audit.bookkeeping("last use of a session is a fact about it, not a change") as writing:
        store.mark_session_seen(writing, session_id=found.session.id, now=console.clock.now())
    return found


def _home(request: Request, caller: UserCaller, *, problem: str | None = None, status: int = 200) -> HTMLResponse:
    console: Console = request.app.state.console
    with console.database.read() as connection:
        organization_id = _first_organization(connection, caller)
        organization = organizations.find(connection, organization_id)
        document = responsibility_matrix(
            connection,
            catalogue=console.catalogue,
            organization_id=organization_id,
            regions=[region.id for region in find_regions(connection)],
            now=console.clock.now(),
        )
    rows, summary = home_rows(document)
    page = templates.get_template("home.html")
    text = page.render(organization=organization, user=caller.user, rows=rows, summary=summary, problem=problem)
    return HTMLResponse(text, status_code=status)


def _first_organization(connection: Connection, caller: UserCaller) -> str:
    visible = [
        organization_id
        for organization_id in caller.principal.permissions
        if caller.principal.may(Permission.RESPONSIBILITIES_VIEW, organization_id)
    ]
    found = organizations.find_all(connection, visible)
    if not found:
        raise Denied("No role of yours shows the responsibilities of an organization.", code="permission_missing")
    return found[0].id


def _context(request: Request, caller: UserCaller | None = None) -> Context:
    actor = caller.principal.actor if caller else SYSTEM
    agent = (request.headers.get("user-agent") or "")[:256] or None
    return Context(actor, request.headers.get(CLIENT_ADDRESS), agent, new_id())


def _sign_in_page(*, token: str | None = None, problem: str | None = None, status: int = 200) -> HTMLResponse:
    return HTMLResponse(templates.get_template("sign_in.html").render(token=token, problem=problem), status_code=status)


def _refused(request: Request, error: Unauthenticated, *, method: str) -> HTMLResponse:
    console: Console = request.app.state.console
    context = _context(request)
    if console.failures.is_news((method, context.address)):
        with console.audit.unit_of_work(context) as uow:
            people.record_failed_sign_in(uow, method=method)
    return _sign_in_page(problem=error.public, status=401)


def _signed_in(new: people.NewSession) -> RedirectResponse:
    response = RedirectResponse("/", status_code=303)
    lifetime = int(people.SESSION_LIFETIME.total_seconds())
    response.set_cookie(
        COOKIE, new.token.reveal(), max_age=lifetime, secure=True, httponly=True, samesite="lax", path="/"
    )
    return response
