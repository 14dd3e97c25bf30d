"""Where an invitation's link leads: somebody new sets a password, whoever has an account signs in and accepts."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from stronghouse.access import passwords, people
from stronghouse.access.authentication import UserCaller
from stronghouse.access.invitations import acceptance
from stronghouse.access.invitations.acceptance import Offer
from stronghouse.console import rendering
from stronghouse.console.binding import check_reading
from stronghouse.console.form_errors import STATUS, Unfilled
from stronghouse.console.sign_in import check_script, cookie_of, signed_in
from stronghouse.console.state import Console, Field, Password, caller_of, check_binding, context_of
from stronghouse.kernel.errors import Conflict, Denied, Invalid, StronghouseError, TooMany, Unauthenticated
from stronghouse.kernel.secret import Secret
from stronghouse.organizations import store as organizations

router = APIRouter(prefix="/sign-in/invitation")
Token = Annotated[str, Query(max_length=128)]
GONE = 404
FIELDS = {"name_invalid": "name"}


@router.get("")
def page(request: Request, token: Token = "") -> Response:
    """What is offered. Opening the page spends nothing, so neither does a preview in a mail program."""
    return _page(request, Secret(token))


@router.post("")
def accept_as_new(
    request: Request,
    token: Field,
    name: Field = "",
    password: Password = "",
    again: Password = "",
    without_script: Field = "",
) -> Response:
    """Make an account with this password, and sign in."""
    console: Console = request.app.state.console
    plane = console.plane
    secret = Secret(token)
    try:
        with plane.database.read() as connection:
            offer = acceptance.offer(connection, secret, now=plane.clock.now())
        check_script(request, without_script)
        hashed = _hashed(console, offer, name=name, password=password, again=again)
        with plane.audit.unit_of_work(context_of(request)) as uow:
            people.end_replaced(uow, token=cookie_of(request))
            new = acceptance.accept_as_new(
                uow,
                token=secret,
                name=name,
                password_hash=hashed,
                binding=request.state.binding,
                now=plane.clock.now(),
            )
    except (Invalid, Conflict, TooMany, Unauthenticated) as error:
        return _page(request, secret, error, name=name)
    return signed_in(new, "/")


@router.post("/join")
def join(request: Request, token: Field) -> Response:
    """Accept as who is signed in."""
    console: Console = request.app.state.console
    plane = console.plane
    caller = caller_of(request)
    context = context_of(request, caller)
    check_binding(console, caller, context, request.state.binding)
    secret = Secret(token)
    try:
        with plane.audit.unit_of_work(context) as uow:
            acceptance.accept_signed_in(uow, caller, token=secret, now=plane.clock.now())
    except Unauthenticated as error:
        if error.code == "session_over":
            raise
        return _page(request, secret, error)
    except (Conflict, Denied) as error:
        return _page(request, secret, error)
    return RedirectResponse("/account?done=joined", status_code=303)


def _hashed(console: Console, offer: Offer, *, name: str, password: str, again: str) -> str:
    """The hash of a new password; raises Unfilled with all that is wrong with the form."""
    words = (offer.invitation.email, name, _organization(console, offer))
    wrong: dict[str, str] = {}
    broken = passwords.broken_rules(Secret(password), own_words=words)
    if broken:
        wrong["password"] = "\n".join(one.public for one in broken)
    elif password != again:
        wrong["again"] = "This is not what you typed above."
    try:
        people.check_name(name)
    except Invalid as error:
        wrong["name"] = error.public
    if wrong:
        raise Unfilled(wrong)
    return passwords.hash_password(Secret(password), own_words=words)


def _organization(console: Console, offer: Offer) -> str:
    with console.plane.database.read() as connection:
        found = organizations.find(connection, offer.invitation.organization_id)
    return "" if found is None else found.name


def _page(request: Request, token: Secret, error: StronghouseError | None = None, *, name: str = "") -> HTMLResponse:
    """The page with the form that fits, or with the reason why there is none."""
    console: Console = request.app.state.console
    status = 200 if error is None else STATUS[error.kind]
    problems = _problems(error)
    offer: Offer | None = None
    try:
        with console.plane.database.read() as connection:
            offer = acceptance.offer(connection, token, now=console.plane.clock.now())
    except (Unauthenticated, Conflict) as reason:
        status, problems = (GONE if reason.kind == "unauthenticated" else STATUS[reason.kind]), {"": reason.public}
    caller = _caller(request)
    return rendering.page(
        request,
        "invitation_accept.html",
        status=status,
        offer=offer,
        organization_name=None if offer is None else _organization(console, offer),
        token=token.reveal(),
        caller=caller,
        problems=problems,
        name=name,
        minimum=passwords.MINIMUM_LENGTH,
        maximum=passwords.MAXIMUM_LENGTH,
    )


def _caller(request: Request) -> UserCaller | None:
    """Who is signed in; raises TokenStale where a page of ours has to prove that it is theirs first."""
    try:
        caller = caller_of(request)
    except Unauthenticated:
        return None
    if request.method == "GET":
        check_reading(caller)
    return caller


def _problems(error: StronghouseError | None) -> dict[str, str]:
    if error is None:
        return {}
    return error.fields if isinstance(error, Unfilled) else {FIELDS.get(error.code, ""): error.public}
