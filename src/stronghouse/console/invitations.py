"""Inviting people, and what may be done about an invitation that waits."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.invitations import actions
from stronghouse.access.invitations.model import Channel, Invitation
from stronghouse.access.permissions import Permission
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.console.form_errors import REFUSALS, problems_of, status_of
from stronghouse.console.invitation_view import Asked, channel_of, form_section, shown
from stronghouse.console.state import Field, Password, Visit, visit
from stronghouse.kernel.ids import parse_uuid
from stronghouse.kernel.secret import Secret
from stronghouse.notifications.invitation_post import invitation_link

router = APIRouter(prefix="/people/invitations")
RoleIds = Annotated[list[str], Form(max_length=100)]


@router.post("")
def invite(request: Request, email: Field, role: RoleIds = [], current_password: Password = "") -> Response:  # noqa: B006 - FastAPI copies it
    """Invite somebody; where no mail server is set, the link is in this answer and nowhere else."""
    visitor = visit(request, Permission.MEMBERS_MANAGE)
    plane = visitor.plane
    try:
        visitor.prove(current_password)
        with plane.audit.unit_of_work(visitor.context) as uow:
            made = actions.invite(
                uow,
                email=email,
                role_ids=role,
                organization_id=visitor.organization_id,
                inviter=visitor.caller.principal,
                channel=channel_of(visitor),
                now=plane.clock.now(),
            )
            token = _shown_token(uow, made)
    except REFUSALS as error:
        return visitor.page(
            "invitation_new.html",
            status=status_of(error),
            **form_section(visitor, Asked(email, tuple(role)), problems_of(error)),
        )
    return _done(visitor, made, token, "invited")


@router.get("/{invitation_id}")
def page(request: Request, invitation_id: str) -> Response:
    """One invitation: how far its link has got, and what may be done about it."""
    visitor = visit(request, Permission.ORGANIZATION_VIEW)
    return _page(visitor, _found(visitor, invitation_id), {})


@router.post("/{invitation_id}/renew")
def renew(request: Request, invitation_id: str, current_password: Password = "") -> Response:
    """Make another link, which is mailed or shown as the first one."""
    visitor = visit(request, Permission.MEMBERS_MANAGE)
    found = _found(visitor, invitation_id)
    plane = visitor.plane
    try:
        visitor.prove(current_password)
        with plane.audit.unit_of_work(visitor.context) as uow:
            made = actions.renew(
                uow,
                invitation_id=found.id,
                organization_id=visitor.organization_id,
                editor=visitor.caller.principal,
                channel=channel_of(visitor),
                now=plane.clock.now(),
            )
            token = _shown_token(uow, made)
    except REFUSALS as error:
        return _page(visitor, found, problems_of(error), status=status_of(error))
    return _done(visitor, made, token, "renewed")


@router.post("/{invitation_id}/revoke")
def revoke(request: Request, invitation_id: str, current_password: Password = "") -> Response:
    """Take an invitation back."""
    visitor = visit(request, Permission.MEMBERS_MANAGE)
    found = _found(visitor, invitation_id)
    try:
        visitor.prove(current_password)
    except REFUSALS as error:
        return _page(visitor, found, problems_of(error), status=status_of(error))
    with visitor.plane.audit.unit_of_work(visitor.context) as uow:
        actions.revoke(
            uow,
            invitation_id=found.id,
            organization_id=visitor.organization_id,
            now=visitor.plane.clock.now(),
        )
    return RedirectResponse("/people?done=revoked", status_code=303)


def _found(visitor: Visit, invitation_id: str) -> Invitation:
    with visitor.plane.database.read() as connection:
        return actions.find_invitation(
            connection,
            organization_id=visitor.organization_id,
            invitation_id=parse_uuid(invitation_id),
            now=visitor.plane.clock.now(),
        )


def _shown_token(uow: UnitOfWork, made: Invitation) -> Secret | None:
    return actions.make_link(uow.connection, made.id) if made.channel is Channel.SHOWN else None


def _done(visitor: Visit, made: Invitation, token: Secret | None, word: str) -> Response:
    if token is None:
        return RedirectResponse(f"/people?done={word}", status_code=303)
    link = invitation_link(visitor.plane.console_url, token)
    return visitor.page("invitation_link.html", line=shown(visitor, made), link=link.reveal())


def _page(visitor: Visit, one: Invitation, problems: Mapping[str, str], *, status: int = 200) -> Response:
    path = f"/invitations/{one.id}"
    return visitor.page(
        "invitation.html",
        status=status,
        line=shown(visitor, one),
        problems=problems,
        by_mail=visitor.plane.sends_mail,
        may_invite=visitor.may(Permission.MEMBERS_MANAGE),
        invite_permission=Permission.MEMBERS_MANAGE,
        renewal=visitor.equivalents.of(
            "invitation", "renew", one.email, method="POST", path=f"/invitationDeliveries/{one.id}", body={}
        ),
        revocation=visitor.equivalents.of("invitation", "delete", one.email, method="DELETE", path=path),
    )
