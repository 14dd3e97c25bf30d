"""The people of the organization: who they are, what they may do, and who is invited."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.members import Member, members_of
from stronghouse.access.permissions import Permission
from stronghouse.console.invitation_view import invitation_section
from stronghouse.console.key_view import ABOUT_ROLES
from stronghouse.console.state import visit

router = APIRouter(prefix="/people")
SHOWN = 50


@router.get("")
def list_page(
    request: Request,
    q: Annotated[str, Query(max_length=320)] = "",
    role: Annotated[str, Query(max_length=64)] = "",
    after: Annotated[str, Query(max_length=320)] = "",
    done: Annotated[str, Query(max_length=16)] = "",
) -> Response:
    """Members by address, a page at a time."""
    visitor = visit(request, Permission.ORGANIZATION_VIEW)
    with visitor.plane.database.read() as connection:
        everyone = members_of(connection, visitor.organization_id, visitor.plane.clock.now())
    matching = sorted((one for one in everyone if _matches(one, q, role)), key=lambda one: one.email)
    rest = [one for one in matching if one.email > after]
    filters = {name: value for name, value in (("q", q), ("role", role)) if value}
    more = len(rest) > SHOWN
    return visitor.page(
        "people.html",
        members=rest[:SHOWN],
        found=len(matching),
        total=len(everyone),
        q=q,
        role=role,
        roles=[one.name for one in visitor.roles.values()],
        about_roles=ABOUT_ROLES,
        first=f"/people?{urlencode(filters)}" if after else None,
        further=f"/people?{urlencode({**filters, 'after': rest[SHOWN - 1].email})}" if more else None,
        done="They are not a member any more." if done == "removed" else None,
        manages=visitor.may(Permission.MEMBERS_MANAGE),
        manage_permission=Permission.MEMBERS_MANAGE,
        sees_sessions=visitor.may(Permission.ORGANIZATION_MANAGE),
        sessions_permission=Permission.ORGANIZATION_MANAGE,
        **invitation_section(visitor),
    )


def _matches(member: Member, text: str, role: str) -> bool:
    wanted = text.strip().casefold()
    return wanted in f"{member.name} {member.email}".casefold() and (not role or role in member.role_names)
