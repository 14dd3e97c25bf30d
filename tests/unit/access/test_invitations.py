"""Accepting invitations: who becomes whom, with which roles, and what a link alone is worth."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stronghouse.access import people, store
from stronghouse.access.api_keys import KeyRequest, create_key
from stronghouse.access.authentication import UserCaller
from stronghouse.access.invitations import acceptance, actions
from stronghouse.access.invitations import store as invitations
from stronghouse.access.invitations.acceptance import Offer
from stronghouse.access.invitations.model import Channel
from stronghouse.access.model import Principal
from stronghouse.access.passwords import hash_password
from stronghouse.access.people import NewSession
from stronghouse.access.permissions import Permission
from stronghouse.access.roles import store as role_store
from stronghouse.access.roles.actions import delete_role
from stronghouse.access.roles.policies import Effect, Policy, Role, rights_of
from stronghouse.access.roles.system import ADMIN, BILLING, DEVELOPER, MEMBER
from stronghouse.audit.event import Actor, ActorType
from stronghouse.kernel.errors import Conflict, Denied, Invalid, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from tests.unit.access.person import CONTEXT, EMAIL, NOW, ORGANIZATION, PASSWORD, SECOND, Ada

GRACE = "grace@example.com"
EVERYTHING = rights_of([ADMIN])


def principal(actor_id: str, kind: ActorType = ActorType.USER, *roles: Role) -> Principal:
    held = rights_of(roles) if roles else EVERYTHING
    return Principal(Actor(kind, actor_id, "somebody"), {ORGANIZATION: held})


def inviter(ada: Ada) -> str:
    """The id of Ada, who invites."""
    with ada.log.database.read() as connection:
        user = store.user_by_email(connection, EMAIL)
    assert user is not None
    return user.id


def invited(
    ada: Ada,
    *role_ids: str,
    email: str = GRACE,
    organization_id: str = ORGANIZATION,
    by: Principal | None = None,
    channel: Channel = Channel.MAIL,
) -> Secret:
    """The link of a new invitation by Ada."""
    giver = by or Principal(Actor(ActorType.USER, inviter(ada), EMAIL), {organization_id: EVERYTHING})
    with ada.log.unit_of_work(CONTEXT) as uow:
        made = actions.invite(
            uow,
            email=email,
            role_ids=role_ids,
            organization_id=organization_id,
            inviter=giver,
            channel=channel,
            now=NOW,
        )
        token = actions.make_link(uow.connection, made.id)
    assert token is not None
    return token


def accept(ada: Ada, token: Secret, *, name: str = "Grace", after: timedelta = SECOND) -> NewSession:
    hashed = hash_password(PASSWORD)
    with ada.log.unit_of_work(CONTEXT) as uow:
        return acceptance.accept_as_new(
            uow, token=token, name=name, password_hash=hashed, binding=None, now=NOW + after
        )


def offered(ada: Ada, token: Secret, after: timedelta = SECOND) -> Offer:
    with ada.log.database.read() as connection:
        return acceptance.offer(connection, token, now=NOW + after)


def told(ada: Ada, code: str) -> list[Any]:
    """What the events of a kind hold."""
    return [one["data"] for one in ada.events(code)]


def role_ids_of(ada: Ada, user_id: str, organization_id: str = ORGANIZATION) -> tuple[str, ...] | None:
    with ada.log.database.read() as connection:
        return store.memberships(connection, user_id).get(organization_id)


def custom_role(ada: Ada, name: str, *permissions: Permission, effect: Effect = Effect.ALLOW) -> str:
    role_id = new_id()
    policy = Policy(new_id(), effect, permissions, (f"organization/{ORGANIZATION}",))
    with ada.log.bookkeeping("test") as connection:
        role_store.insert_role(connection, Role(role_id, name, (policy,), ORGANIZATION), now=NOW)
    return role_id


def test_somebody_new_gets_an_account_and_the_roles_and_is_signed_in(ada: Ada) -> None:
    token = invited(ada, DEVELOPER.id, BILLING.id)
    assert (offered(ada, token).account, offered(ada, token).roles) == ("new", (DEVELOPER, BILLING))
    new = accept(ada, token, name=" Grace Hopper ")
    caller = ada.caller(new.token, NOW + SECOND)
    assert (caller.user.email, caller.user.name) == (GRACE, "Grace Hopper")
    assert role_ids_of(ada, caller.user.id) == (DEVELOPER.id, BILLING.id)
    assert ada.prove(email=GRACE).user_id == caller.user.id
    (event,) = told(ada, "invitation.accept")
    assert event == {
        "invitation_id": event["invitation_id"],
        "user_id": caller.user.id,
        "email": GRACE,
        "role_ids": [DEVELOPER.id, BILLING.id],
        "dropped_role_ids": [],
        "inviter": f"user/{inviter(ada)}",
        "channel": "mail",
        "is_new_account": True,
    }
    assert [one["method"] for one in told(ada, "user.sign_in")] == ["invitation"]
    assert len(ada.events("user.password_set")) == 1


def test_a_link_works_once_until_its_end_and_only_the_newest(ada: Ada) -> None:
    token = invited(ada)
    with ada.log.bookkeeping("test") as connection:
        (one,) = invitations.pending(connection, ORGANIZATION, now=NOW)
        newest = actions.make_link(connection, one.id)
    assert newest is not None
    for gone, after in (
        (token, SECOND),
        (newest, actions.LIFETIME),
        (Secret("sh_invite_x"), SECOND),
        (Secret(""), SECOND),
    ):
        with pytest.raises(Unauthenticated):
            offered(ada, gone, after)
        with pytest.raises(Unauthenticated):
            accept(ada, gone, after=after)
    accept(ada, newest)
    with pytest.raises(Unauthenticated):
        accept(ada, newest)
    assert len(ada.events("invitation.accept")) == 1


def test_a_link_of_a_revoked_invitation_is_worth_nothing(ada: Ada) -> None:
    token = invited(ada)
    with ada.log.unit_of_work(CONTEXT) as uow:
        (one,) = invitations.pending(uow.connection, ORGANIZATION, now=NOW)
        actions.revoke(uow, invitation_id=one.id, organization_id=ORGANIZATION, now=NOW)
    with pytest.raises(Unauthenticated):
        accept(ada, token)


def test_a_link_that_is_made_anew_ends_the_one_before_at_once(ada: Ada) -> None:
    token = invited(ada)
    with ada.log.unit_of_work(CONTEXT) as uow:
        (one,) = invitations.pending(uow.connection, ORGANIZATION, now=NOW)
        actions.renew(
            uow,
            invitation_id=one.id,
            organization_id=ORGANIZATION,
            editor=principal(inviter(ada)),
            channel=Channel.MAIL,
            now=NOW,
        )
    with pytest.raises(Unauthenticated):
        accept(ada, token)


def test_a_link_never_takes_over_an_account_that_can_be_signed_in_to(ada: Ada) -> None:
    other = new_id()
    ada.set_password(ada.caller(ada.sign_in().token))
    token = invited(ada, MEMBER.id, email=EMAIL, organization_id=other, by=_administrator_of(ada, other))
    assert offered(ada, token).account == "existing"
    with pytest.raises(Conflict):
        accept(ada, token)
    linked = ada.member_of(ORGANIZATION, "linked@example.com")
    of_linked = invited(ada, email="linked@example.com", organization_id=other, by=_administrator_of(ada, other))
    assert offered(ada, of_linked).account == "existing"
    with pytest.raises(Conflict):
        accept(ada, of_linked)
    with ada.log.database.read() as connection:
        user = store.user(connection, linked)
    assert user is not None
    assert user.password_hash is None


def test_who_is_signed_in_joins_as_themselves_only(ada: Ada) -> None:
    other = new_id()
    caller = ada.caller(ada.sign_in().token)
    for_grace = invited(ada, organization_id=other, by=_administrator_of(ada, other))
    with ada.log.unit_of_work(CONTEXT) as uow, pytest.raises(Denied, match=GRACE):
        acceptance.accept_signed_in(uow, caller, token=for_grace, now=NOW)
    for_ada = invited(ada, MEMBER.id, email=EMAIL, organization_id=other, by=_administrator_of(ada, other))
    joined(ada, caller, for_ada)
    assert role_ids_of(ada, caller.user.id, other) == (MEMBER.id,)
    assert set(ada.caller(caller.token).principal.rights) == {ORGANIZATION, other}
    assert [one["is_new_account"] for one in told(ada, "invitation.accept")] == [False]
    with ada.log.unit_of_work(CONTEXT) as uow:
        people.sign_out(uow, caller)
    with pytest.raises(Unauthenticated):
        joined(ada, caller, for_grace)


def joined(ada: Ada, caller: UserCaller, token: Secret) -> None:
    with ada.log.unit_of_work(CONTEXT) as uow:
        acceptance.accept_signed_in(uow, caller, token=token, now=NOW)


def test_the_link_of_who_became_a_member_meanwhile_is_worth_nothing(ada: Ada) -> None:
    token = invited(ada)
    ada.member_of(ORGANIZATION, GRACE)
    for use in (offered, accept):
        with pytest.raises(Unauthenticated, match="was revoked"):
            use(ada, token)


def test_who_was_removed_everywhere_and_had_no_password_begins_anew(ada: Ada) -> None:
    grace = ada.member_of(ORGANIZATION, GRACE)
    old = ada.sign_in(email=GRACE)
    unused = ada.link(GRACE)
    with ada.log.bookkeeping("test") as connection:
        store.delete_member(connection, organization_id=ORGANIZATION, user_id=grace)
    token = invited(ada, MEMBER.id)
    assert offered(ada, token).account == "new"
    accept(ada, token, name="Grace")
    for ended in (lambda: ada.caller(old.token, NOW + SECOND), lambda: ada.spend(unused, NOW + SECOND)):
        with pytest.raises(Unauthenticated):
            ended()
    assert ada.prove(email=GRACE).user_id == grace


def test_a_role_that_has_gone_takes_the_invitation_with_it(ada: Ada) -> None:
    """It may have denied something that the others allow."""
    role_id = custom_role(ada, "Passing", Permission.ORGANIZATION_VIEW)
    token = invited(ada, role_id, MEMBER.id)
    with ada.log.unit_of_work(CONTEXT) as uow:
        delete_role(uow, role_id=role_id, organization_id=ORGANIZATION, editor=principal(inviter(ada)))
    with pytest.raises(Conflict, match="have changed since"):
        offered(ada, token)
    with pytest.raises(Conflict, match="have changed since"):
        accept(ada, token)


def test_a_role_that_denies_is_not_dropped_alone(ada: Ada) -> None:
    host = custom_role(ada, "Host", Permission.MEMBERS_MANAGE, Permission.ORGANIZATION_VIEW)
    denial = Policy(new_id(), Effect.DENY, (Permission.ORGANIZATION_VIEW,), (f"organization/{ORGANIZATION}",))
    allowing = Policy(new_id(), Effect.ALLOW, (Permission.AUDIT_LOG_VIEW,), (f"organization/{ORGANIZATION}",))
    mixed = Role(new_id(), "Mixed", (denial, allowing), ORGANIZATION)
    with ada.log.bookkeeping("test") as connection:
        role_store.insert_role(connection, mixed, now=NOW)
    token = invited(ada, MEMBER.id, mixed.id)
    _set_roles(ada, inviter(ada), host)
    with pytest.raises(Conflict, match="have changed since"):
        accept(ada, token)


def test_a_link_does_not_bring_back_who_was_removed(ada: Ada) -> None:
    token = invited(ada, ADMIN.id)
    grace = ada.member_of(ORGANIZATION, GRACE)
    assert told(ada, "invitation.revoke")[0]["email"] == GRACE
    with ada.log.bookkeeping("test") as connection:
        store.delete_member(connection, organization_id=ORGANIZATION, user_id=grace)
    with pytest.raises(Unauthenticated):
        offered(ada, token)


def test_what_the_inviter_does_not_hold_any_more_is_not_given(ada: Ada) -> None:
    host = custom_role(ada, "Host", Permission.MEMBERS_MANAGE, Permission.ORGANIZATION_VIEW)
    token = invited(ada, ADMIN.id, MEMBER.id)
    _set_roles(ada, inviter(ada), host)
    found = offered(ada, token)
    assert found.roles == (MEMBER,)
    assert "the role Admin: whoever invited you does not hold all of it any more" in found.dropped[0]
    caller = ada.caller(accept(ada, token).token, NOW + SECOND)
    assert role_ids_of(ada, caller.user.id) == (MEMBER.id,)


def test_who_may_not_invite_any_more_has_invited_nobody(ada: Ada) -> None:
    token = invited(ada, MEMBER.id)
    _set_roles(ada, inviter(ada), MEMBER.id)
    with pytest.raises(Conflict, match="may not invite"):
        accept(ada, token)
    _set_roles(ada, inviter(ada), ADMIN.id)
    assert offered(ada, token).roles == (MEMBER,)  # nothing was spent by the attempt
    with ada.log.bookkeeping("test") as connection:
        store.delete_member(connection, organization_id=ORGANIZATION, user_id=inviter(ada))
    with pytest.raises(Conflict, match="may not invite"):
        accept(ada, token)


@pytest.mark.parametrize("end", ["disabled", "expired", "deleted"])
def test_an_invitation_by_a_key_is_worth_as_much_as_the_key(ada: Ada, end: str) -> None:
    expiry = NOW + timedelta(hours=1)
    with ada.log.unit_of_work(CONTEXT) as uow:
        key = create_key(
            uow, KeyRequest("ci", (ADMIN.id,), expires_at=expiry), organization_id=ORGANIZATION, creator=None, now=NOW
        ).key
    token = invited(ada, MEMBER.id, by=principal(key.id, ActorType.API_KEY))
    assert offered(ada, token).roles == (MEMBER,)
    with ada.log.bookkeeping("test") as connection:
        if end == "disabled":
            store.update_key(connection, replace(key, state="disabled"))
        elif end == "deleted":
            store.delete_key(connection, key.id)
    with pytest.raises(Conflict, match="may not invite"):
        offered(ada, token, timedelta(hours=1) if end == "expired" else SECOND)


def test_a_role_that_denies_is_kept_beside_the_one_that_it_narrows(ada: Ada) -> None:
    """Together they are within what the inviter holds, and neither is given alone where it would be more."""
    wide = custom_role(ada, "Wide", Permission.ORGANIZATION_VIEW, Permission.API_KEYS_VIEW)
    narrow = custom_role(ada, "Narrow", Permission.API_KEYS_VIEW, effect=Effect.DENY)
    host = custom_role(ada, "Host", Permission.MEMBERS_MANAGE, Permission.ORGANIZATION_VIEW)
    token = invited(ada, wide, narrow)
    _set_roles(ada, inviter(ada), host)
    assert [one.name for one in offered(ada, token).roles] == ["Wide", "Narrow"]
    with ada.log.bookkeeping("test") as connection:
        role_store.delete_role(connection, narrow)
    with pytest.raises(Conflict, match="have changed since"):
        offered(ada, token)


@pytest.mark.parametrize("name", ["x" * 257, "a\nb", "a\u202eb", "a\x00"])
def test_a_name_that_is_none_spends_nothing(ada: Ada, name: str) -> None:
    token = invited(ada)
    with pytest.raises(Invalid):
        accept(ada, token, name=name)
    accept(ada, token)


def _administrator_of(ada: Ada, organization_id: str) -> Principal:
    """Somebody who runs another organization."""
    email = f"boss-{organization_id}@example.com"
    with ada.log.database.read() as connection:
        known = store.user_by_email(connection, email)
    user_id = known.id if known else ada.member_of(organization_id, email)
    return Principal(Actor(ActorType.USER, user_id, email), {organization_id: EVERYTHING})


def _set_roles(ada: Ada, user_id: str, *role_ids: str) -> None:
    with ada.log.bookkeeping("test") as connection:
        store.delete_member(connection, organization_id=ORGANIZATION, user_id=user_id)
        store.insert_member(connection, organization_id=ORGANIZATION, user_id=user_id, role_ids=role_ids, joined_at=NOW)
