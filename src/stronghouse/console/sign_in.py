"""Signing in by link or password, renewing the cookie, signing out."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from stronghouse.access import people
from stronghouse.access import store as access
from stronghouse.access.attempts import neighbourhood
from stronghouse.access.factors.apps import plain_code
from stronghouse.access.factors.store import factors_of
from stronghouse.access.sign_in_policy.model import LONGEST_SESSION
from stronghouse.console import rendering
from stronghouse.console.addresses import local_path
from stronghouse.console.errors import STATUS
from stronghouse.console.protection import COOKIE
from stronghouse.console.state import Console, Field, caller_of, check_binding, context_of, no_content
from stronghouse.kernel.errors import Invalid, TooMany, Unauthenticated
from stronghouse.kernel.secret import Secret

router = APIRouter()
Token = Annotated[str, Query(max_length=128)]


@router.get("/sign-in")
def sign_in_page(request: Request, ended: Annotated[str, Query(max_length=16)] = "") -> Response:
    """The form for address and password."""
    return sign_in_page_of(request, ended=ended == "everywhere")


@router.get("/sign-in/link")
def link_page(request: Request, token: Token) -> Response:
    """A button that spends the link: opening the page does not, so a preview in a mail program spends nothing."""
    return sign_in_page_of(request, token=token)


@router.post("/sign-in/link")
def sign_in_with_link(request: Request, token: Field, without_script: Field = "") -> Response:
    """Spend a link."""
    console: Console = request.app.state.console
    plane = console.plane
    try:
        check_script(request, without_script)
        with plane.audit.unit_of_work(context_of(request)) as uow:
            people.end_replaced(uow, token=cookie_of(request))
            entered = people.sign_in_with_link(
                uow, token=Secret(token), binding=request.state.binding, now=plane.clock.now()
            )
    except Invalid as error:
        return sign_in_page_of(request, token=token, problem=error.public, status=400)
    except Unauthenticated as error:
        return _refused(request, error, method="link")
    return entered_page(request, entered)


@router.post("/sign-in")
def sign_in(request: Request, email: Field, password: Field, without_script: Field = "") -> Response:
    """Sign in by address and password."""
    console: Console = request.app.state.console
    plane = console.plane
    try:
        check_script(request, without_script)
        console.attempts.note(address=context_of(request).address, account=email)
        with plane.database.read() as connection:
            proven = people.check_password(connection, email=email, password=Secret(password))
        with plane.audit.unit_of_work(context_of(request)) as uow:
            people.end_replaced(uow, token=cookie_of(request))
            entered = people.sign_in_with_password(uow, proven, binding=request.state.binding, now=plane.clock.now())
    except (Invalid, TooMany) as error:
        return sign_in_page_of(request, email=email, problem=error.public, status=STATUS[error.kind])
    except Unauthenticated as error:
        return _refused(request, error, method="password", email=email)
    return entered_page(request, entered)


@router.post("/sign-in/second-factor")
def prove_second_factor(request: Request, token: Field, code: Field = "", without_script: Field = "") -> Response:
    """Complete a sign-in with a code of an authenticator app, or a recovery code."""
    console: Console = request.app.state.console
    plane, now = console.plane, console.plane.clock.now()
    pending = Secret(token)
    try:
        with plane.database.read() as connection:
            found, user = people.pending_sign_in(connection, token=pending, now=now)
    except Unauthenticated as error:
        return sign_in_page_of(request, problem=error.public, status=401)
    try:
        check_script(request, without_script)
        console.attempts.note(address=context_of(request).address, account=user.email)
        note_code(console, user.id, code)
        with plane.audit.bookkeeping("tries are counted whether or not they succeed") as connection:
            people.count_factor_try(connection, token=pending)
        with plane.audit.unit_of_work(context_of(request)) as uow:
            factor = plane.factors.spend_code(uow, user_id=found.user_id, code=Secret(code), now=now)
            people.end_replaced(uow, token=cookie_of(request))
            new = people.complete_sign_in(uow, token=pending, factor=factor, binding=request.state.binding, now=now)
    except (Invalid, TooMany) as error:
        return factor_page(request, pending, user.id, problem=error.public, status=STATUS[error.kind])
    except Unauthenticated as error:
        return _factor_refused(request, error, pending, user.id)
    return entered_page(request, new)


def note_code(console: Console, user_id: str, code: str) -> None:
    """Count what may be a code of an app; raises TooMany."""
    if plain_code(code) is not None:
        console.attempts.note_code(user_id)


@router.post("/session/renew")
def renew(request: Request) -> Response:
    """Give a page of this origin a new cookie for the old one; nothing else may have it."""
    console: Console = request.app.state.console
    plane = console.plane
    caller = caller_of(request)
    check_binding(console, caller, context_of(request, caller), request.state.binding)
    if people.token_is_young(caller, now=plane.clock.now()):
        return no_content()
    with plane.audit.bookkeeping("the cookie of a session is renewed every minute") as connection:
        token = people.renew_token(connection, caller, now=plane.clock.now())
    response = no_content()
    _set_cookie(response, token)
    return response


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End this session. It needs no proof of origin: at worst somebody has to sign in again."""
    console: Console = request.app.state.console
    caller = caller_of(request)
    with console.plane.audit.unit_of_work(context_of(request, caller)) as uow:
        people.sign_out(uow, caller)
    return signed_out(RedirectResponse("/sign-in", status_code=303))


def signed_out(response: Response) -> Response:
    """Take the cookie away."""
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
    return response


def check_script(request: Request, without_script: str) -> None:
    """Raise Invalid where a script should have bound the session and did not.

    Whatever answers on another port can fill this browser with cookies until our scripts are refused for the size of
    the request, and a session without a binding is one whose cookie is worth more to them.
    """
    if request.state.binding is None and without_script != "yes":
        raise Invalid(
            "This page's script did not load. Reload the page; if that does not help, remove the cookies of this host.",
            code="script_missing",
        )


def cookie_of(request: Request) -> Secret:
    """The token that the browser sent, empty without one."""
    return Secret(request.cookies.get(COOKIE, ""))


def sign_in_page_of(
    request: Request,
    *,
    token: str | None = None,
    email: str = "",
    problem: str | None = None,
    ended: bool = False,
    status: int = 200,
) -> HTMLResponse:
    """The page that asks who one is, with what went wrong."""
    console: Console = request.app.state.console
    owner = None
    if token is not None:
        with console.plane.database.read() as connection:
            owner = people.link_owner(connection, token=Secret(token), now=console.plane.clock.now())
    return rendering.page(
        request,
        "sign_in.html",
        token=token,
        owner=owner,
        email=email,
        problem=problem,
        ended=ended,
        status=status,
    )


def _refused(request: Request, error: Unauthenticated, *, method: str, email: str = "") -> HTMLResponse:
    console: Console = request.app.state.console
    context = context_of(request)
    if console.failures.is_news((method, neighbourhood(context.address))):
        with console.plane.audit.unit_of_work(context) as uow:
            people.record_failed_sign_in(uow, method=method)
    return sign_in_page_of(request, email=email, problem=error.public, status=401)


def signed_in(new: people.NewSession, address: str) -> RedirectResponse:
    """Lead on with the cookie of a session just begun."""
    response = RedirectResponse(local_path(address), status_code=303)
    _set_cookie(response, new.token)
    return response


def entered_page(request: Request, entered: people.NewSession | people.FactorAsked) -> Response:
    """Where somebody gets to who proved a password or a link: their first page, or the question for another proof."""
    console: Console = request.app.state.console
    if isinstance(entered, people.FactorAsked):
        return factor_page(request, entered.token, entered.user_id)
    with console.plane.database.read() as connection:
        user = access.user(connection, entered.session.user_id)
    with_password = user is not None and user.password_hash is not None
    return signed_in(entered, "/" if with_password else "/account/password")


def factor_page(
    request: Request, token: Secret, user_id: str, *, problem: str | None = None, status: int = 200
) -> HTMLResponse:
    """The question for a second factor. Its token is in the page alone, where no other port is sent it."""
    console: Console = request.app.state.console
    with console.plane.database.read() as connection:
        factors = factors_of(connection, user_id)
    return rendering.page(
        request, "second_factor.html", status=status, token=token.reveal(), factors=factors, problem=problem
    )


def _factor_refused(request: Request, error: Unauthenticated, token: Secret, user_id: str) -> HTMLResponse:
    console: Console = request.app.state.console
    context = context_of(request)
    if console.failures.is_news(("second factor", user_id, neighbourhood(context.address))):
        with console.plane.audit.unit_of_work(context) as uow:
            people.record_failed_factor(uow, user_id=user_id)
    if error.code == "sign_in_over":
        return sign_in_page_of(request, problem=error.public, status=401)
    return factor_page(request, token, user_id, problem=error.public, status=401)


def _set_cookie(response: Response, token: Secret) -> None:
    lifetime = int(LONGEST_SESSION.total_seconds())  # the server knows when it is over
    response.set_cookie(COOKIE, token.reveal(), max_age=lifetime, secure=True, httponly=True, samesite="lax", path="/")
