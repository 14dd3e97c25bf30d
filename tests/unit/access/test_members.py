"""Who belongs to an organization, and how they are told."""

from datetime import timedelta

import pytest

from stronghouse.access import people, store
from stronghouse.access.members import Member, member_of, members_of
from stronghouse.access.roles.system import BILLING, DEVELOPER
from stronghouse.access.sign_in_policy.model import DEFAULT
from stronghouse.kernel.errors import NotFound
from stronghouse.kernel.ids import new_id
from tests.unit.access.person import CONTEXT, EMAIL, NOW, ORGANIZATION, SECOND, Ada


def listed(ada: Ada, organization_id: str = ORGANIZATION, after: timedelta = timedelta()) -> list[Member]:
    with ada.log.database.read() as connection:
        return members_of(connection, organization_id, NOW + after)


def test_members_are_told_with_their_roles_by_address_for_one_organization(ada: Ada) -> None:
    other = new_id()
    ada.member_of(other)
    with ada.log.unit_of_work(CONTEXT) as uow:
        later, roles = NOW + SECOND, (DEVELOPER.id, BILLING.id, new_id())  # the last one names no role
        people.create_member(
            uow, organization_id=ORGANIZATION, email="Aaron@x.example", name="Aaron", role_ids=roles, now=later
        )
    aaron, her = listed(ada)
    assert (aaron.email, aaron.name, aaron.role_names) == ("aaron@x.example", "Aaron", ("Developer", "Billing"))
    assert (aaron.joined_at, aaron.last_seen_at, aaron.open_sessions, aaron.has_password) == (later, None, 0, False)
    assert her.email == EMAIL
    assert [member.email for member in listed(ada, other)] == [EMAIL]
    assert listed(ada, new_id()) == []


def test_sessions_count_while_they_live_and_what_was_seen_last_stays_known(ada: Ada) -> None:
    token = ada.sign_in().token
    ada.set_password(ada.caller(token))
    (her,) = listed(ada, after=DEFAULT.idle)
    assert (her.open_sessions, her.last_seen_at, her.has_password) == (1, NOW, True)
    (her,) = listed(ada, after=DEFAULT.idle + SECOND)
    assert (her.open_sessions, her.last_seen_at) == (0, NOW)
    with ada.log.unit_of_work(CONTEXT) as uow:
        people.sign_out(uow, ada.caller(token))
    (her,) = listed(ada)
    assert (her.open_sessions, her.last_seen_at) == (0, NOW)


def test_a_member_is_found_in_their_organization_only(ada: Ada) -> None:
    other = new_id()
    bob = ada.member_of(other, "bob@example.com")
    with ada.log.database.read() as connection:
        assert member_of(connection, organization_id=other, user_id=bob, now=NOW).email == "bob@example.com"
        for organization_id, user_id in ((ORGANIZATION, bob), (other, new_id())):
            with pytest.raises(NotFound):
                member_of(connection, organization_id=organization_id, user_id=user_id, now=NOW)
        assert len(store.every_membership(connection, now=NOW)) == 2
