"""What an organization asks of its members' sign-ins, and what holds for who is in several."""

from datetime import timedelta

import pytest

from stronghouse.access import store
from stronghouse.access.people import UNBOUND_LIFETIME, forget_ended
from stronghouse.access.permissions import Permission
from stronghouse.access.sign_in_policy import actions
from stronghouse.access.sign_in_policy.model import DEFAULT, SignInPolicy, checked, strictest
from stronghouse.access.sign_in_policy.store import policy_of
from stronghouse.kernel.errors import Invalid, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from tests.unit.access.person import CONTEXT, NOW, ORGANIZATION, SECOND, Ada

OTHER = new_id()
BINDING = Secret("b" * 64)
MINUTE = timedelta(minutes=1)


def change(ada: Ada, organization_id: str = ORGANIZATION, **given: int) -> SignInPolicy:
    with ada.log.unit_of_work(CONTEXT) as uow:
        return actions.change_policy(uow, organization_id=organization_id, **given)  # type: ignore[arg-type]


def test_the_strictest_rule_of_each_kind_holds() -> None:
    assert strictest([]) == DEFAULT
    one, two = SignInPolicy(False, 10, 600), SignInPolicy(True, 30, 20)
    assert strictest([one, two]) == SignInPolicy(True, 10, 20)


@pytest.mark.parametrize("policy", [(5, 15), (12 * 60, 12 * 60), (15, 15), (5, 24 * 60)])
def test_times_within_their_bounds_are_taken(policy: tuple[int, int]) -> None:
    assert checked(SignInPolicy(False, *policy)).idle_minutes == policy[0]


@pytest.mark.parametrize("policy", [(4, 15), (5, 14), (721, 1440), (5, 1441), (16, 15), (0, 60), (-5, 60)])
def test_times_outside_their_bounds_are_refused_and_nothing_changes(ada: Ada, policy: tuple[int, int]) -> None:
    with pytest.raises(Invalid):
        change(ada, idle_minutes=policy[0], absolute_minutes=policy[1])
    with ada.log.database.read() as connection:
        assert policy_of(connection, ORGANIZATION) == DEFAULT


def test_what_is_not_given_stays_and_the_same_again_is_not_recorded(ada: Ada) -> None:
    assert change(ada, idle_minutes=30) == SignInPolicy(False, 30, 720)
    assert change(ada, second_factor_required=True) == SignInPolicy(True, 30, 720)
    assert change(ada, second_factor_required=True, idle_minutes=30) == SignInPolicy(True, 30, 720)
    first, second = ada.events("organization.sign_in_policy_change")
    told = first["data"]
    assert isinstance(told, dict)
    assert (told["idle_minutes_before"], told["idle_minutes_after"]) == (60, 30)
    told = second["data"]
    assert isinstance(told, dict)
    assert (told["second_factor_required_before"], told["second_factor_required_after"]) == (False, True)


def test_a_shorter_time_holds_for_sessions_that_have_begun(ada: Ada) -> None:
    new = ada.sign_in(binding=BINDING)
    assert ada.caller(new.token, NOW + 20 * MINUTE)
    change(ada, idle_minutes=20)
    assert ada.caller(new.token, NOW + 20 * MINUTE)
    with pytest.raises(Unauthenticated):
        ada.caller(new.token, NOW + 20 * MINUTE + SECOND)
    change(ada, idle_minutes=5, absolute_minutes=15)
    with ada.log.bookkeeping("test") as connection:
        store.mark_session_seen(connection, session_id=new.session.id, now=NOW + 15 * MINUTE - SECOND)
    assert ada.caller(new.token, NOW + 15 * MINUTE - SECOND)
    with pytest.raises(Unauthenticated):
        ada.caller(new.token, NOW + 15 * MINUTE)


def test_a_longer_time_holds_for_sessions_that_begin(ada: Ada) -> None:
    old = ada.sign_in(binding=BINDING)
    change(ada, absolute_minutes=1440)
    assert old.session.expires_at == NOW + DEFAULT.absolute
    assert ada.sign_in(binding=BINDING).session.expires_at == NOW + 2 * DEFAULT.absolute
    assert ada.sign_in().session.expires_at == NOW + UNBOUND_LIFETIME


def test_who_is_in_two_organizations_is_held_to_the_strictest_and_a_stranger_to_the_default(ada: Ada) -> None:
    ada.member_of(OTHER)
    change(ada, ORGANIZATION, idle_minutes=240)
    new = ada.sign_in(binding=BINDING)
    with pytest.raises(Unauthenticated):  # the other organization never chose, so its hour holds
        ada.caller(new.token, NOW + 60 * MINUTE + SECOND)
    change(ada, OTHER, idle_minutes=10)
    with pytest.raises(Unauthenticated):
        ada.caller(new.token, NOW + 10 * MINUTE + SECOND)
    assert ada.caller(new.token, NOW + 10 * MINUTE)


@pytest.mark.parametrize(("idle", "absolute"), [(60, 720), (10, 60), (240, 300)])
def test_lists_and_cleaning_judge_as_requests_do(ada: Ada, idle: int, absolute: int) -> None:
    ada.member_of(OTHER, "bob@example.com")
    change(ada, idle_minutes=idle, absolute_minutes=absolute)
    new, others = ada.sign_in(binding=BINDING), ada.sign_in(binding=BINDING, email="bob@example.com")
    for ends in (idle * MINUTE, absolute * MINUTE - SECOND):
        with ada.log.bookkeeping("test") as connection:
            store.mark_session_seen(connection, session_id=new.session.id, now=NOW + ends - idle * MINUTE)
        for moment, lives in ((ends, True), (ends + SECOND, False)):
            with ada.log.database.read() as connection:
                listed = store.sessions_of(connection, new.session.user_id, NOW + moment)
                (member,) = store.every_membership(connection, now=NOW + moment, organization_id=ORGANIZATION)
            assert (len(listed), member.open_sessions) == (int(lives), int(lives))
            if lives:
                assert ada.caller(new.token, NOW + moment)
            else:
                with pytest.raises(Unauthenticated):
                    ada.caller(new.token, NOW + moment)
    forget_ended(ada.log, NOW + min(idle * MINUTE, 60 * MINUTE))
    with ada.log.database.read() as connection:
        kept = [store.session_of(connection, user_id=one.user_id, session_id=one.id) for one in (others.session,)]
    assert kept == [others.session]
    forget_ended(ada.log, NOW + absolute * MINUTE)
    with ada.log.database.read() as connection:
        assert store.session_of(connection, user_id=new.session.user_id, session_id=new.session.id) is None


def test_who_is_asked_for_a_second_factor_and_proved_none_has_no_rights(ada: Ada) -> None:
    ada.member_of(OTHER)
    new = ada.sign_in(binding=BINDING)
    assert ada.caller(new.token).principal.may(Permission.ORGANIZATION_VIEW, ORGANIZATION)
    change(ada, second_factor_required=True)
    caller = ada.caller(new.token)
    assert caller.must_enroll
    assert not [one for one in Permission for place in (ORGANIZATION, OTHER) if caller.principal.may(one, place)]
    with ada.log.bookkeeping("test") as connection:
        store.mark_second_factor(connection, session_id=new.session.id, factor="passkey")
    caller = ada.caller(new.token)
    assert not caller.must_enroll
    assert caller.principal.may(Permission.ORGANIZATION_VIEW, ORGANIZATION)
