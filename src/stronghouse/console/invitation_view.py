"""Invitations as pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stronghouse.access.invitations import store
from stronghouse.access.invitations.model import Channel, DeliveryState, Invitation
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import MEMBER
from stronghouse.console.equivalents import Equivalent
from stronghouse.console.key_view import ABOUT_ROLES, grantable, role_names
from stronghouse.console.state import Visit
from stronghouse.kernel.canonical import Json

DONE = {
    "invited": "The invitation is on its way. It works for a week.",
    "renewed": "Another link is on its way; the one before does not work any more.",
    "revoked": "The invitation was revoked; its link does not work any more.",
}
"""What was done, by the word that an act leads back with."""
DELIVERY = {
    DeliveryState.WAITING: "to be mailed",
    DeliveryState.RETRYING: "not taken yet, tried again",
    DeliveryState.SENT: "mailed",
    DeliveryState.FAILED: "refused by the mail server",
    DeliveryState.SHOWN: "shown to who invites",
}


@dataclass(frozen=True)
class Shown:
    """An invitation in a list."""

    invitation: Invitation
    roles: tuple[str, ...]
    delivery: str
    is_in_trouble: bool


@dataclass(frozen=True)
class Asked:
    """What the form holds."""

    email: str = ""
    role: tuple[str, ...] = ()


def shown(visitor: Visit, one: Invitation) -> Shown:
    """An invitation with its roles by name and its delivery in words."""
    trouble = one.state in {DeliveryState.RETRYING, DeliveryState.FAILED}
    delivery = DELIVERY[one.state]
    if one.state is DeliveryState.WAITING and not visitor.plane.sends_mail:
        trouble, delivery = True, "not mailed: no mail server is set"
    return Shown(one, role_names(one.role_ids, visitor.roles), delivery, trouble)


def invitation_section(visitor: Visit) -> dict[str, Any]:
    """What `invitations.html` needs, on the page about people."""
    with visitor.plane.database.read() as connection:
        found = store.pending(connection, visitor.organization_id, now=visitor.plane.clock.now())
    return {
        "invitations": [shown(visitor, one) for one in found],
        "invitation_done": DONE.get(visitor.request.query_params.get("done", "")),
        "may_invite": visitor.may(Permission.MEMBERS_MANAGE),
        "invite_permission": Permission.MEMBERS_MANAGE,
        "invitation_audit": "/audit?code=invitation." if visitor.may(Permission.AUDIT_LOG_VIEW) else None,
        **form_section(visitor, Asked(role=(MEMBER.id,)), {}),
    }


def form_section(visitor: Visit, asked: Asked, problems: Mapping[str, str]) -> dict[str, Any]:
    """What `invitation_form.html` needs."""
    may, may_not = grantable(visitor.caller.principal, visitor.organization_id, visitor.roles)
    return {
        "asked": asked,
        "invite_problems": problems,
        "invite_roles": may,
        "withheld_roles": may_not,
        "about_invited": ABOUT_ROLES,
        "by_mail": visitor.plane.sends_mail,
        "invite_command": command(visitor),
    }


def command(visitor: Visit) -> Equivalent:
    """Inviting somebody, without the console."""
    body: dict[str, Json] = {"email": "grace@example.com", "assignedRoleIds": [MEMBER.id]}
    return visitor.equivalents.of(
        "invitation",
        "create",
        "grace@example.com",
        "--role",
        MEMBER.name,
        method="POST",
        path="/invitationDeliveries",
        body=body,
    )


def channel_of(visitor: Visit) -> Channel:
    """How links go out of this installation."""
    return Channel.MAIL if visitor.plane.sends_mail else Channel.SHOWN
