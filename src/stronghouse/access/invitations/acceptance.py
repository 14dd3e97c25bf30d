"""Accepting an invitation: by somebody new, who gets an account, or by who is signed in to theirs.

The link alone never signs in to an account that there is: whoever has one signs in as always, with all that this takes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from stronghouse.access import people
from stronghouse.access import store as access
from stronghouse.access.api_keys import hash_text
from stronghouse.access.authentication import UserCaller, require_session
from stronghouse.access.events import PasswordSet
from stronghouse.access.factors import store as factor_store
from stronghouse.access.factors.enrolment import reset_factors
from stronghouse.access.invitations import store
from stronghouse.access.invitations.events import InvitationAccepted
from stronghouse.access.invitations.model import Invitation
from stronghouse.access.model import User
from stronghouse.access.people import NewSession
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.holding import standing
from stronghouse.access.roles.policies import NOTHING, Effect, Role
from stronghouse.access.roles.system import rights
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Conflict, Denied, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret

Account = Literal["new", "existing"]
"""Whether the invited person has an account that they can sign in to, or could have."""


@dataclass(frozen=True)
class Offer:
    """What an invitation gives now.

    Attributes:
        roles: what the person gets.
        dropped: why they do not get others that they were offered, a sentence each.
        dropped_ids: the ids of those.
    """

    invitation: Invitation
    account: Account
    roles: tuple[Role, ...]
    dropped: tuple[str, ...]
    dropped_ids: tuple[str, ...]


def offer(connection: Connection, token: Secret, *, now: datetime) -> Offer:
    """What this link offers, without spending it.

    Raises:
        Unauthenticated: it is none, was spent, replaced or revoked, or has expired.
        Conflict: the person is a member already, whoever invited them may not any more, or a role is gone, or cannot
            be given, without which the others would allow more than was offered.
    """
    found = store.by_token_hash(connection, hash_text(token.reveal()), now=now)
    if found is None:
        raise Unauthenticated(
            "This link was used already, was replaced by a newer one, was revoked or has expired. Ask for another.",
            code="invitation_gone",
        )
    user = access.user_by_email(connection, found.email)
    if user is not None and found.organization_id in access.memberships(connection, user.id):
        raise Conflict("You are a member of this organization already; sign in.", code="member_exists")
    return _offer(connection, found, _account(connection, user), now)


def accept_as_new(
    uow: UnitOfWork, *, token: Secret, name: str, password_hash: str, binding: Secret | None, now: datetime
) -> NewSession:
    """Make an account with this password, a member of it, and begin a session.

    Raises:
        Invalid: the name cannot be one.
        Unauthenticated, Conflict: as `offer`; or there is an account by now that has to be signed in to.
    """
    found = offer(uow.connection, token, now=now)
    if found.account != "new":
        raise Conflict("You have an account already; sign in with it to accept.", code="account_exists")
    people.check_name(name)
    user = access.user_by_email(uow.connection, found.invitation.email)
    if user is None:
        user = User(new_id(), found.invitation.email, name.strip(), password_hash, now)
        access.insert_user(uow.connection, user)
    else:
        # Somebody who is in no organization and has no password: nothing of theirs is taken over.
        people.end_everything(uow.connection, user_id=user.id)
        if factor_store.factors_of(uow.connection, user.id).kinds:  # whose they were cannot be said any more
            reset_factors(uow, email=user.email)
        access.set_name(uow.connection, user_id=user.id, name=name.strip())
        access.set_password_hash(uow.connection, user_id=user.id, password_hash=password_hash)
    _join(uow, found, user_id=user.id, is_new_account=True, now=now)
    uow.record(
        PasswordSet(
            organization_id=found.invitation.organization_id,
            user_id=user.id,
            credential=access.credential(password_hash),
        )
    )
    return people.begin_session(uow, user_id=user.id, method="invitation", binding=binding, now=now)


def accept_signed_in(uow: UnitOfWork, caller: UserCaller, *, token: Secret, now: datetime) -> Offer:
    """Make the person who is signed in a member.

    Raises:
        Unauthenticated, Conflict: as `offer`; or their session has ended.
        Denied: the invitation is for another address.
    """
    require_session(uow.connection, caller)
    found = offer(uow.connection, token, now=now)
    _check_owner(found, caller.user)
    _join(uow, found, user_id=caller.user.id, is_new_account=False, now=now)
    return found


def _account(connection: Connection, user: User | None) -> Account:
    if user is None or (user.password_hash is None and not access.memberships(connection, user.id)):
        return "new"
    return "existing"


def _offer(connection: Connection, found: Invitation, account: Account, now: datetime) -> Offer:
    """The roles that the inviter, with what they hold at this moment, can still give."""
    present = standing(connection, found.organization_id)
    giver = present.rights(found.inviter) if _works(connection, found, now) else NOTHING
    if not giver.may(Permission.MEMBERS_MANAGE):
        raise Conflict(
            "Whoever invited you may not invite anybody to this organization any more. Ask for another invitation.",
            code="inviter_lost",
        )
    there = [one for one in found.role_ids if one in present.roles]
    if giver.cover(rights(present.roles, there)):
        kept = there
    else:
        kept = [one for one in there if giver.cover(rights(present.roles, [one]))]
    dropped = [one for one in found.role_ids if one not in kept]
    if any(one not in present.roles or _denies(present.roles[one]) for one in dropped):
        raise Conflict(
            "The roles that you were offered have changed since. Ask for another invitation.", code="offer_changed"
        )
    return Offer(
        invitation=found,
        account=account,
        roles=tuple(present.roles[one] for one in kept),
        dropped=tuple(
            f"You do not get the role {present.roles[one].name}: whoever invited you does not hold all of it any more."
            for one in dropped
        ),
        dropped_ids=tuple(dropped),
    )


def _denies(role: Role) -> bool:
    """Whether somebody with other roles as well could do more without this one."""
    return any(policy.effect is Effect.DENY for policy in role.policies)


def _works(connection: Connection, found: Invitation, now: datetime) -> bool:
    """Whether the inviter can act at all: a key that is disabled or has ended cannot."""
    kind, _, inviter_id = found.inviter.partition("/")
    if kind != "apiKey":
        return True
    key = access.key(connection, organization_id=found.organization_id, key_id=inviter_id)
    return key is not None and key.state == "enabled" and (key.expires_at is None or key.expires_at > now)


def _check_owner(found: Offer, user: User | None) -> None:
    if user is None or user.email != found.invitation.email:
        raise Denied(
            f"This invitation is for {found.invitation.email}; sign in with that address to accept it.",
            code="invitation_of_another",
        )


def _join(uow: UnitOfWork, found: Offer, *, user_id: str, is_new_account: bool, now: datetime) -> None:
    invitation = found.invitation
    store.delete_invitation(uow.connection, invitation.id)
    role_ids = [one.id for one in found.roles]
    access.insert_member(
        uow.connection,
        organization_id=invitation.organization_id,
        user_id=user_id,
        role_ids=role_ids,
        joined_at=now,
    )
    uow.record(
        InvitationAccepted(
            organization_id=invitation.organization_id,
            invitation_id=invitation.id,
            user_id=user_id,
            email=invitation.email,
            role_ids=role_ids,
            dropped_role_ids=list(found.dropped_ids),
            inviter=invitation.inviter,
            channel=invitation.channel.value,
            is_new_account=is_new_account,
        )
    )
