"""One member of the organization: their roles, and taking them out of it."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.member_sessions import end_member_session, end_member_sessions
from stronghouse.access.members import Member, member_of
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.holding import remove_member, set_member_roles, standing
from stronghouse.access.roles.policies import rights_of
from stronghouse.access.store import sessions_of, strictest_policy
from stronghouse.console import role_commands
from stronghouse.console.devices import device
from stronghouse.console.form_errors import REFUSALS, Unfilled, problems_of, status_of
from stronghouse.console.key_view import ABOUT_ROLES, grantable
from stronghouse.console.state import Field, Password, Visit, visit
from stronghouse.kernel.errors import StronghouseError
from stronghouse.kernel.ids import parse_uuid

router = APIRouter(prefix="/people")
DONE = {
    "changed": "Their roles are changed; they hold from the next request on.",
    "session": "That session has ended.",
    "sessions": "They are signed out everywhere, and unused sign-in links of theirs do not work any more.",
}
Chosen = Annotated[list[str] | None, Form(max_length=200)]


@router.get("/{user_id}")
def person_page(request: Request, user_id: str, done: Annotated[str, Query(max_length=16)] = "") -> Response:
    """One member."""
    visitor = visit(request, Permission.MEMBERS_MANAGE)
    return _page(visitor, _find(visitor, user_id), done=DONE.get(done))


@router.post("/{user_id}/roles")
def change_roles(
    request: Request, user_id: str, role: Chosen = None, held: Chosen = None, current_password: Password = ""
) -> Response:
    """Give a member the roles that were ticked and take those that no longer are: `held` were theirs when shown."""
    visitor = visit(request, Permission.MEMBERS_MANAGE)
    found, wanted, shown = _find(visitor, user_id), role or [], held or []
    try:
        visitor.prove(current_password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            now = standing(uow.connection, visitor.organization_id).holders.get(f"user/{found.user_id}")
            had = () if now is None else now.role_ids
            kept = [one for one in had if one in wanted or one not in shown]
            set_member_roles(
                uow,
                tuple(dict.fromkeys([*kept, *(one for one in wanted if one not in shown)])),
                user_id=found.user_id,
                organization_id=visitor.organization_id,
                editor=visitor.caller.principal,
            )
    except REFUSALS as error:
        return _page(visitor, found, chosen=wanted, refusal=error)
    return RedirectResponse(f"/people/{found.user_id}?done=changed", status_code=303)


@router.post("/{user_id}/remove")
def remove(request: Request, user_id: str, typed: Field = "", current_password: Password = "") -> Response:
    """Take a member whose address was typed out of the organization."""
    visitor = visit(request, Permission.MEMBERS_MANAGE)
    found = _find(visitor, user_id)
    try:
        if typed.strip().lower() != found.email:
            raise Unfilled({"typed": "What was typed is not their address, so nobody was removed."})
        visitor.prove(current_password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            remove_member(
                uow,
                user_id=found.user_id,
                organization_id=visitor.organization_id,
                editor=visitor.caller.principal,
            )
    except REFUSALS as error:
        return _page(visitor, found, refusal=error)
    return RedirectResponse("/people?done=removed", status_code=303)


@router.post("/{user_id}/sessions/{session_id}/end")
def end_session(request: Request, user_id: str, session_id: str) -> Response:
    """End one session of a member. It asks for no fresh proof: it may be urgent, and can be made good by signing in."""
    visitor = visit(request, Permission.MEMBERS_MANAGE)
    found, session_id = _find(visitor, user_id), parse_uuid(session_id)
    try:
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            end_member_session(
                uow,
                organization_id=visitor.organization_id,
                user_id=found.user_id,
                session_id=session_id,
                editor=visitor.caller.principal,
            )
    except REFUSALS as error:
        return _page(visitor, found, refusal=error)
    return RedirectResponse(f"/people/{found.user_id}?done=session", status_code=303)


@router.post("/{user_id}/sessions/end")
def end_sessions(request: Request, user_id: str) -> Response:
    """End all sessions of a member."""
    visitor = visit(request, Permission.MEMBERS_MANAGE)
    found = _find(visitor, user_id)
    try:
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            end_member_sessions(
                uow,
                organization_id=visitor.organization_id,
                user_id=found.user_id,
                editor=visitor.caller.principal,
            )
    except REFUSALS as error:
        return _page(visitor, found, refusal=error)
    return RedirectResponse(f"/people/{found.user_id}?done=sessions", status_code=303)


def _find(visitor: Visit, user_id: str) -> Member:
    with visitor.plane.database.read() as connection:
        return member_of(
            connection,
            organization_id=visitor.organization_id,
            user_id=parse_uuid(user_id),
            now=visitor.plane.clock.now(),
        )


def _page(
    visitor: Visit,
    found: Member,
    *,
    chosen: list[str] | None = None,
    done: str | None = None,
    refusal: StronghouseError | None = None,
) -> Response:
    held = [role.id for role in found.roles]
    own = visitor.caller.principal.rights_in(visitor.organization_id)
    with visitor.plane.database.read() as connection:
        policy = strictest_policy(connection, found.user_id)
        sessions = sessions_of(connection, found.user_id, visitor.plane.clock.now())
    offered, missing = grantable(visitor.caller.principal, visitor.organization_id, visitor.roles)
    return visitor.page(
        "person.html",
        status=200 if refusal is None else status_of(refusal),
        member=found,
        sessions=[(one, device(one.user_agent), one.ends_at(policy)) for one in sessions],
        present=visitor.caller.session.id,
        beyond=None if found.user_id == visitor.caller.user.id else own.lacking(rights_of(found.roles)),
        chosen=held if chosen is None else chosen,
        kept=[role for role in missing if role.id in held],
        roles=offered,
        missing_roles=[role for role in missing if role.id not in held],
        about_roles=ABOUT_ROLES,
        done=done,
        problems={} if refusal is None else problems_of(refusal),
        audit=Permission.AUDIT_LOG_VIEW,
        explains=visitor.may(Permission.ROLES_MANAGE),
        sees_sessions=visitor.may(Permission.ORGANIZATION_MANAGE),
        roles_command=role_commands.member_roles(visitor.equivalents, found.user_id, found.roles),
        removal=role_commands.removal(visitor.equivalents, found.user_id),
    )
