"""One's own account: who one is, the password, the sessions."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access import passwords, people, store
from stronghouse.access.people import Proven
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.store import roles_of
from stronghouse.console import state
from stronghouse.console.devices import device
from stronghouse.console.form_errors import PASSWORD, REFUSALS, Unfilled, problems_of, status_of
from stronghouse.console.key_view import role_names
from stronghouse.console.sign_in import signed_out
from stronghouse.console.state import Visit, visit
from stronghouse.kernel.ids import parse_uuid
from stronghouse.kernel.secret import Secret
from stronghouse.organizations import store as organizations

router = APIRouter(prefix="/account")
DONE = {
    "password": "Your password is set. Your other sessions and unused sign-in links have ended.",
    "session": "That session has ended.",
    "joined": "You have accepted the invitation and are a member of that organization.",
}
NewPassword = Annotated[str, Form(max_length=512)]


@router.get("")
def account_page(request: Request, done: Annotated[str, Query(max_length=16)] = "") -> Response:
    """Who one is, and where one is signed in."""
    visitor = visit(request, None)
    caller = visitor.caller
    with visitor.plane.database.read() as connection:
        sessions = store.sessions_of(connection, caller.user.id, visitor.plane.clock.now())
        places = _places(connection, caller.user.id)
    return visitor.page(
        "account.html",
        sessions=[(one, device(one.user_agent), one.ends_at(caller.policy)) for one in sessions],
        policy=caller.policy,
        present=caller.session.id,
        factors=visitor.factors,
        places=places,
        done=DONE.get(done),
        audit=f"/audit?code=user.&actor={caller.user.id}" if visitor.may(Permission.AUDIT_LOG_VIEW) else None,
    )


@router.post("/sessions/{session_id}/end")
def end_session(request: Request, session_id: str) -> Response:
    """End one of one's own sessions."""
    visitor = visit(request, None)
    session_id = parse_uuid(session_id)
    with visitor.plane.audit.unit_of_work(visitor.context) as uow:
        people.end_session(uow, visitor.caller, session_id=session_id)
    if session_id == visitor.caller.session.id:
        return signed_out(RedirectResponse("/sign-in", status_code=303))
    return RedirectResponse("/account?done=session", status_code=303)


@router.post("/sign-out-everywhere")
def sign_out_everywhere(request: Request) -> Response:
    """End all of one's sessions, this one too."""
    visitor = visit(request, None)
    with visitor.plane.audit.unit_of_work(visitor.context) as uow:
        people.sign_out_everywhere(uow, visitor.caller)
    return signed_out(RedirectResponse("/sign-in?ended=everywhere", status_code=303))


@router.get("/password")
def password_page(request: Request) -> Response:
    """The form for a first or another password, with the rules."""
    return _password_page(visit(request, None), {})


@router.post("/password")
def set_password(
    request: Request, password: NewPassword = "", again: NewPassword = "", current_password: NewPassword = ""
) -> Response:
    """Set a password, or change it for who knows the present one."""
    visitor = visit(request, None)
    try:
        _check_new(visitor, password, again, current_password)
        proven = _proven(visitor, current_password)
        password_hash = passwords.hash_password(Secret(password), own_words=_own_words(visitor))
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            people.change_password(
                uow, visitor.caller, proven, password_hash=password_hash, now=visitor.plane.clock.now()
            )
    except REFUSALS as error:
        return _password_page(visitor, problems_of(error), status=status_of(error))
    return RedirectResponse("/account?done=password", status_code=303)


def _check_new(visitor: Visit, password: str, again: str, present: str) -> None:
    """Raise Unfilled with every rule that the new password breaks."""
    wrong: dict[str, str] = {}
    broken = passwords.broken_rules(Secret(password), own_words=_own_words(visitor))
    if broken:
        wrong["password"] = "\n".join(one.public for one in broken)
    elif password == present:
        wrong["password"] = "This is what you gave as your present password; choose another."  # noqa: S105 - a sentence
    if again != password:
        wrong["again"] = "The two are not the same."
    if visitor.caller.user.password_hash and not present:
        wrong[PASSWORD] = "Your present password is needed."
    if wrong:
        raise Unfilled(wrong)


def _proven(visitor: Visit, present: str) -> Proven | None:
    """That the present password is known; None for who has none and proved a moment ago who they are."""
    if visitor.caller.user.password_hash is None:
        visitor.prove("")
        return None
    return state.check_own_password(visitor.console, visitor.caller, visitor.context, Secret(present))


def _own_words(visitor: Visit) -> list[str]:
    user = visitor.caller.user
    with visitor.plane.database.read() as connection:
        return [user.email, user.name, *(name for name, _ in _places(connection, user.id))]


def _places(connection: Connection, user_id: str) -> list[tuple[str, tuple[str, ...]]]:
    """The organizations that a person is in, each with the names of their roles there."""
    held = store.memberships(connection, user_id)
    return [
        (one.name, role_names(held[one.id], roles_of(connection, one.id)))
        for one in organizations.find_all(connection, list(held))
    ]


def _password_page(visitor: Visit, problems: dict[str, str], *, status: int = 200) -> Response:
    return visitor.page(
        "password.html",
        status=status,
        problems=problems,
        first=visitor.caller.user.password_hash is None,
        minimum=passwords.MINIMUM_LENGTH,
        maximum=passwords.MAXIMUM_LENGTH,
    )
