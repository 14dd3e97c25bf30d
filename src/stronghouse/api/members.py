"""`/v1/organizations/{organization}/members`."""

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.members import Member, member_of, members_of
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.holding import remove_member as remove
from stronghouse.access.roles.holding import set_member_roles
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body, assigned
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane

LEGACY_ROLE = "Organization has migrated to Custom Roles. Use 'assignedRoleIds' instead of 'role'."


class MemberPatch(Body):
    """A change of a member; the list replaces."""

    role: str | None = None
    assignedRoleIds: list[str] | None = Field(default=None, max_length=100)  # noqa: N815 - the wire's name


router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/members")


@router.get("")
@access(Permission.ORGANIZATION_VIEW)
def list_members(request: Request, organization_id: str) -> Response:
    """Everyone in the organization."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = members_of(connection, organization_id, plane.clock.now())
    return success(request, [view(member) for member in found])


@router.get("/{user_id}")
@access(Permission.ORGANIZATION_VIEW)
def get_member(request: Request, organization_id: str, user_id: str) -> Response:
    """One member."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = member_of(
            connection, organization_id=organization_id, user_id=parse_uuid(user_id), now=plane.clock.now()
        )
    return success(request, view(found))


@router.patch("/{user_id}")
@access(Permission.MEMBERS_MANAGE)
def update_member(request: Request, organization_id: str, user_id: str, body: MemberPatch) -> Response:
    """Give a member other roles; they hold from their next request on."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    if body.role is not None and body.assignedRoleIds is None:
        raise Invalid(LEGACY_ROLE, code="legacy_roles")
    wanted = None if body.assignedRoleIds is None else tuple(one.lower() for one in body.assignedRoleIds)
    member_id = parse_uuid(user_id)
    with plane.audit.unit_of_work(caller.context) as uow:
        if wanted is not None:
            set_member_roles(uow, wanted, user_id=member_id, organization_id=organization_id, editor=caller.principal)
        found = member_of(uow.connection, organization_id=organization_id, user_id=member_id, now=plane.clock.now())
    return success(request, view(found))


@router.delete("/{user_id}")
@access(Permission.MEMBERS_MANAGE)
def remove_member(request: Request, organization_id: str, user_id: str) -> Response:
    """Remove a member; what they may do here ends with their next request."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        remove(uow, user_id=parse_uuid(user_id), organization_id=organization_id, editor=caller.principal)
    return success(request)


def view(member: Member) -> dict[str, object]:
    """A member as the API shows it. How and when they sign in is nobody's business who may only view."""
    return {
        "userId": member.user_id,
        "name": member.name,
        "email": member.email,
        "joinedAt": rfc3339(member.joined_at),
        "assignedRoles": assigned(member.roles),
    }
