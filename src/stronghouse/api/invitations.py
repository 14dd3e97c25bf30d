"""`/v1/organizations/{organization}/invitations` as in the Cloud, and `…/invitationDeliveries`, which is ours."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.invitations import actions, store
from stronghouse.access.invitations.model import Channel, Invitation
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.store import roles_of
from stronghouse.access.roles.system import Roles, held
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body, assigned
from stronghouse.api.members import LEGACY_ROLE
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.kernel.ids import parse_uuid
from stronghouse.notifications.invitation_post import invitation_link
from stronghouse.plane.parts import ControlPlane

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}")
MAX_EMAIL = 320


class InvitationPost(Body):
    """A new invitation."""

    email: str = Field(max_length=MAX_EMAIL)
    role: str | None = None
    assignedRoleIds: list[str] = Field(default_factory=list, max_length=100)  # noqa: N815 - the wire's name


@router.get("/invitations")
@access(Permission.ORGANIZATION_VIEW)
def list_invitations(request: Request, organization_id: str) -> Response:
    """Invitations that can be accepted."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = store.pending(connection, organization_id, now=plane.clock.now())
        roles = roles_of(connection, organization_id)
    return success(request, [view(one, roles) for one in found])


@router.post("/invitations")
@access(Permission.MEMBERS_MANAGE)
def create_invitation(request: Request, organization_id: str, body: InvitationPost) -> Response:
    """Invite somebody by mail."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    actions.require_mail(sends_mail=plane.sends_mail)
    with plane.audit.unit_of_work(caller.context) as uow:
        made = _invite(uow, plane, caller, body, organization_id)
        roles = roles_of(uow.connection, organization_id)
    return success(request, view(made, roles))


@router.get("/invitations/{invitation_id}")
@access(Permission.ORGANIZATION_VIEW)
def get_invitation(request: Request, organization_id: str, invitation_id: str) -> Response:
    """One invitation."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = actions.find_invitation(
            connection,
            organization_id=organization_id,
            invitation_id=parse_uuid(invitation_id),
            now=plane.clock.now(),
        )
        roles = roles_of(connection, organization_id)
    return success(request, view(found, roles))


@router.delete("/invitations/{invitation_id}")
@access(Permission.MEMBERS_MANAGE)
def delete_invitation(request: Request, organization_id: str, invitation_id: str) -> Response:
    """Revoke an invitation; its link is worth nothing any more."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        actions.revoke(
            uow,
            invitation_id=parse_uuid(invitation_id),
            organization_id=organization_id,
            now=plane.clock.now(),
        )
    return success(request)


@router.get("/invitationDeliveries")
@access(Permission.ORGANIZATION_VIEW)
def list_deliveries(request: Request, organization_id: str) -> Response:
    """Invitations with how far their links have got."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = store.pending(connection, organization_id, now=plane.clock.now())
        roles = roles_of(connection, organization_id)
    return success(request, [delivery_view(one, roles) for one in found])


@router.post("/invitationDeliveries")
@access(Permission.MEMBERS_MANAGE)
def invite(request: Request, organization_id: str, body: InvitationPost) -> Response:
    """Invite somebody: by mail or, where no mail server is set, by a link that stands in this answer only."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        made = _invite(uow, plane, caller, body, organization_id)
        answer = _with_link(uow, plane, made)
    return success(request, answer)


@router.post("/invitationDeliveries/{invitation_id}")
@access(Permission.MEMBERS_MANAGE)
def renew(request: Request, organization_id: str, invitation_id: str, body: Body) -> Response:  # noqa: ARG001
    """Make another link, which goes the way of the first; the one before is worth nothing any more."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        made = actions.renew(
            uow,
            invitation_id=parse_uuid(invitation_id),
            organization_id=organization_id,
            editor=caller.principal,
            channel=channel_of(plane),
            now=plane.clock.now(),
        )
        answer = _with_link(uow, plane, made)
    return success(request, answer)


def channel_of(plane: ControlPlane) -> Channel:
    """How links go out of this installation."""
    return Channel.MAIL if plane.sends_mail else Channel.SHOWN


def _invite(
    uow: UnitOfWork, plane: ControlPlane, caller: Caller, body: InvitationPost, organization_id: str
) -> Invitation:
    if body.role is not None and not body.assignedRoleIds:
        raise Invalid(LEGACY_ROLE, code="legacy_roles")
    return actions.invite(
        uow,
        email=body.email,
        role_ids=body.assignedRoleIds,
        organization_id=organization_id,
        inviter=caller.principal,
        channel=channel_of(plane),
        now=plane.clock.now(),
    )


def _with_link(uow: UnitOfWork, plane: ControlPlane, made: Invitation) -> dict[str, Any]:
    roles = roles_of(uow.connection, made.organization_id)
    answer = delivery_view(made, roles)
    if made.channel is Channel.SHOWN:
        token = actions.make_link(uow.connection, made.id)
        if token is None:
            raise NotFound("There is no such invitation.")
        answer["link"] = invitation_link(plane.console_url, token).reveal()
    return answer


def view(one: Invitation, roles: Roles) -> dict[str, object]:
    """An invitation as the Cloud API shows it."""
    return {
        "id": one.id,
        "email": one.email,
        "createdAt": rfc3339(one.created_at),
        "expireAt": rfc3339(one.expires_at),
        "assignedRoles": assigned(held(roles, one.role_ids)),
    }


def delivery_view(one: Invitation, roles: Roles) -> dict[str, Any]:
    """An invitation with how far its link has got."""
    times = {"attemptedAt": one.attempted_at, "deliveredAt": one.delivered_at, "nextAttemptAt": one.next_attempt_at}
    return {
        "invitation": view(one, roles),
        "invitedBy": one.inviter,
        "channel": one.channel.value,
        "state": one.state.value,
        "attempts": one.attempts,
        "error": one.error,
        **{name: None if moment is None else rfc3339(moment) for name, moment in times.items()},
    }
