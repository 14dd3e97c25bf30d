"""What may be done about invitations by those who manage members: invite, make another link, revoke."""

import dataclasses
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from stronghouse.access import store as access
from stronghouse.access.api_keys import hash_text
from stronghouse.access.invitations import store
from stronghouse.access.invitations.events import (
    InvitationCreated,
    InvitationExpired,
    InvitationRenewed,
    InvitationRevoked,
)
from stronghouse.access.invitations.model import Channel, Invitation
from stronghouse.access.mail_addresses import mail_address
from stronghouse.access.model import Principal
from stronghouse.access.roles import store as role_store
from stronghouse.access.roles.changes import actor_of, check_given
from stronghouse.access.roles.system import find_role, rights
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog, UnitOfWork
from stronghouse.kernel.errors import Conflict, NotFound, TooMany
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret

LIFETIME = timedelta(days=7)
MOST_PENDING = 100
"""Invitations of an organization that wait at a time."""
RENEWED_AFTER = timedelta(minutes=1)
"""A link is mailed anew no sooner than this after it was mailed."""
TOKEN_PREFIX = "sh_invite_"  # noqa: S105 - what a token begins with


def require_mail(*, sends_mail: bool) -> None:
    """Raise Conflict where nobody could be told of an invitation that shows no link."""
    if not sends_mail:
        raise Conflict(
            "No mail server is set, so nobody could be told of this invitation: set STRONGHOUSE__MAIL__HOST, or use "
            "`stronghouse invitation create` or the console, which show you the link to hand over.",
            code="mail_unset",
        )


def invite(
    uow: UnitOfWork,
    *,
    email: str,
    role_ids: Iterable[str],
    organization_id: str,
    inviter: Principal,
    channel: Channel,
    now: datetime,
) -> Invitation:
    """Invite a person; by mail the link is made when it is sent, else `make_link` makes it.

    Raises:
        Invalid: the address is none that mail can be sent to, or there is no such role.
        Denied: the roles allow what the inviter does not hold.
        Conflict: the person is a member or was invited already.
        TooMany: 100 invitations wait.
    """
    address = mail_address(email)
    given = _checked(uow.connection, role_ids, organization_id=organization_id, giver=inviter)
    _check_free(uow, address, organization_id=organization_id, now=now)
    _check_room(uow.connection, organization_id=organization_id, now=now)
    by_mail = channel is Channel.MAIL
    new = Invitation(
        id=new_id(),
        organization_id=organization_id,
        email=address,
        role_ids=given,
        inviter=actor_of(inviter),
        created_at=now,
        expires_at=now + LIFETIME,
        channel=channel,
        next_attempt_at=now if by_mail else None,
        delivered_at=None if by_mail else now,
    )
    store.insert_invitation(uow.connection, new)
    uow.record(
        InvitationCreated(
            organization_id=organization_id,
            invitation_id=new.id,
            email=address,
            role_ids=list(given),
            expires_at=new.expires_at,
            channel=channel.value,
        )
    )
    return new


def make_link(connection: Connection, invitation_id: str) -> Secret | None:
    """A link's new token, which replaces the one before; None when the invitation is gone."""
    token = Secret.generate(prefix=TOKEN_PREFIX)
    kept = store.update_invitation(connection, invitation_id, token_hash=hash_text(token.reveal()))
    return token if kept else None


def renew(
    uow: UnitOfWork, *, invitation_id: str, organization_id: str, editor: Principal, channel: Channel, now: datetime
) -> Invitation:
    """Have the link delivered anew; the one before is worth nothing from now on.

    Raises:
        NotFound: there is no such invitation.
        Denied: it offers what the editor does not hold, so they must not see its link.
        TooMany: it was mailed within the last minute.
    """
    found = find_invitation(uow.connection, organization_id=organization_id, invitation_id=invitation_id, now=now)
    # Roles that have gone meanwhile are given to nobody; of the others the editor has to hold all.
    roles = role_store.roles_of(uow.connection, organization_id)
    check_given(rights(roles, found.role_ids), organization_id=organization_id, giver=editor)
    by_mail = channel is Channel.MAIL
    if by_mail and found.attempted_at is not None and now - found.attempted_at < RENEWED_AFTER:
        raise TooMany("This invitation was mailed just now; try again in a minute.", code="mailed_lately")
    changed = dataclasses.replace(
        found,
        channel=channel,
        attempts=0,
        next_attempt_at=now if by_mail else None,
        delivered_at=None if by_mail else now,
        error=None,
    )
    store.update_invitation(
        uow.connection,
        found.id,
        channel=channel.value,
        attempts=0,
        next_attempt_at=changed.next_attempt_at,
        delivered_at=changed.delivered_at,
        error=None,
        token_hash=None,
    )
    uow.record(
        InvitationRenewed(
            organization_id=organization_id, invitation_id=found.id, email=found.email, channel=channel.value
        )
    )
    return changed


def revoke(uow: UnitOfWork, *, invitation_id: str, organization_id: str, now: datetime) -> Invitation:
    """Take an invitation back; raises NotFound."""
    found = find_invitation(uow.connection, organization_id=organization_id, invitation_id=invitation_id, now=now)
    store.delete_invitation(uow.connection, found.id)
    uow.record(InvitationRevoked(organization_id=organization_id, invitation_id=found.id, email=found.email))
    return found


def find_invitation(connection: Connection, *, organization_id: str, invitation_id: str, now: datetime) -> Invitation:
    """One that can be accepted; raises NotFound."""
    found = store.find(connection, organization_id=organization_id, invitation_id=invitation_id, now=now)
    if found is None:
        raise NotFound("There is no such invitation.")
    return found


def end_expired(log: AuditLog, now: datetime) -> None:
    """Remove invitations past their end: a job of maintenance."""
    with log.database.read() as connection:
        if not store.expired(connection, now=now):
            return
    with log.unit_of_work(Context(SYSTEM)) as uow:
        for one in store.expired(uow.connection, now=now):
            _expire(uow, one)


def _expire(uow: UnitOfWork, one: Invitation) -> None:
    store.delete_invitation(uow.connection, one.id)
    uow.record(InvitationExpired(organization_id=one.organization_id, invitation_id=one.id, email=one.email))


def _checked(
    connection: Connection, role_ids: Iterable[str], *, organization_id: str, giver: Principal
) -> tuple[str, ...]:
    """The ids of these roles, each once; raises Invalid for one that is not there, Denied for too much."""
    roles = role_store.roles_of(connection, organization_id)
    found = tuple(dict.fromkeys(find_role(roles, one).id for one in role_ids))
    check_given(rights(roles, found), organization_id=organization_id, giver=giver)
    return found


def _check_free(uow: UnitOfWork, email: str, *, organization_id: str, now: datetime) -> None:
    """Raise Conflict for the address of a member, or of somebody who waits to become one."""
    user = access.user_by_email(uow.connection, email)
    if user is not None and organization_id in access.memberships(uow.connection, user.id):
        raise Conflict(f"{email} is a member already.", code="member_exists")
    waiting = store.by_email(uow.connection, organization_id=organization_id, email=email)
    if waiting is None:
        return
    if waiting.expires_at > now:
        raise Conflict(
            f"{email} was invited already; revoke that invitation first, or have its link made anew.",
            code="invitation_exists",
        )
    _expire(uow, waiting)


def _check_room(connection: Connection, *, organization_id: str, now: datetime) -> None:
    if len(store.pending(connection, organization_id, now=now)) >= MOST_PENDING:
        raise TooMany(
            f"{MOST_PENDING} invitations wait already; revoke some, or wait until they are accepted.",
            code="invitations_exhausted",
        )
