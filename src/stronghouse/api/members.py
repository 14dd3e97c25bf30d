"""`/v1/organizations/{organization}/members`."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.members import Member, member_of, members_of
from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane

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


def view(member: Member) -> dict[str, object]:
    """A member as the API shows it. How and when they sign in is nobody's business who may only view."""
    return {
        "userId": member.user_id,
        "name": member.name,
        "email": member.email,
        "joinedAt": rfc3339(member.joined_at),
        "assignedRoles": [{"roleId": role.id, "roleName": role.name, "roleType": role.type} for role in member.roles],
    }
