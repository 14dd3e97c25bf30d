"""Sessions: bound to a browser, renewed every minute, stepped up, and ended in every way."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from stronghouse.access import authentication, people, store
from stronghouse.access.api_keys import hash_text
from stronghouse.access.authentication import STEP_UP_LIFETIME, TOKEN_LIFETIME, StepUpRequired, require_step_up
from stronghouse.access.people import LINK_LIFETIME, PREVIOUS_TOKEN_LIFETIME, TOKEN_YOUNG
from stronghouse.access.sign_in_policy.model import DEFAULT
from stronghouse.kernel.errors import Conflict, Denied, Invalid, NotFound, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from tests.support.databases import delete_past_rules
from tests.unit.access.person import BROWSER, CONTEXT, EMAIL, NOW, ORGANIZATION, SECOND, Ada

BINDING = Secret("a secret of this origin, 32 letters")


def test_a_session_ends_by_idleness_by_age_and_by_signing_out(ada: Ada) -> None:
    new = ada.sign_in()
    assert ada.caller(new.token, NOW + DEFAULT.idle)
    with pytest.raises(Unauthenticated):
        ada.caller(new.token, NOW + DEFAULT.idle + SECOND)
    with ada.log.bookkeeping("test") as connection:
        store.mark_session_seen(connection, session_id=new.session.id, now=NOW + DEFAULT.absolute)
    with pytest.raises(Unauthenticated):
        ada.caller(new.token, NOW + DEFAULT.absolute)
    other = ada.sign_in()
    caller = ada.caller(other.token)
    with ada.log.unit_of_work(CONTEXT) as uow:
        people.sign_out(uow, caller)
    with pytest.raises(Unauthenticated):
        ada.caller(other.token)


@pytest.mark.parametrize("agent", ["Browser/2.0", "", None])
def test_a_token_in_another_browser_is_worth_nothing(ada: Ada, agent: str | None) -> None:
    new = ada.sign_in()
    with pytest.raises(Unauthenticated):
        ada.caller(new.token, user_agent=agent)
    assert ada.caller(new.token, user_agent=BROWSER)


def test_of_a_long_name_of_a_browser_the_beginning_is_kept(ada: Ada) -> None:
    name = "x" * 300
    with ada.log.unit_of_work(replace(CONTEXT, user_agent=name)) as uow:
        new = people.sign_in_with_link(uow, token=people.issue_sign_in_link(uow, email=EMAIL, now=NOW), now=NOW)
    assert ada.caller(new.token, user_agent=name)


def test_a_person_who_is_gone_has_no_session(ada: Ada) -> None:
    new = ada.sign_in()
    delete_past_rules(ada.log.database, "person")
    with pytest.raises(Unauthenticated):
        ada.caller(new.token)


def test_only_the_secret_of_the_origin_lets_a_bound_session_act(ada: Ada) -> None:
    bound = ada.caller(ada.sign_in(binding=BINDING).token)
    authentication.check_binding(bound, BINDING)
    for wrong in (None, Secret(""), Secret("a secret of another origin, 32 letters"), Secret("ä" * 32)):
        with pytest.raises(Denied) as refused:
            authentication.check_binding(bound, wrong)
        assert refused.value.code == "binding_wrong"


@pytest.mark.parametrize("binding", [None, BINDING, Secret("")])
def test_a_session_without_a_secret_only_reads(ada: Ada, binding: Secret | None) -> None:
    unbound = ada.caller(ada.sign_in().token)
    with pytest.raises(Denied, match="JavaScript") as refused:
        authentication.check_binding(unbound, binding)
    assert refused.value.code == "session_unbound"


def test_a_binding_that_could_be_guessed_is_refused(ada: Ada) -> None:
    for short in (Secret(""), Secret("x" * 21)):
        with pytest.raises(Invalid):
            ada.sign_in(binding=short)


def test_the_token_of_a_bound_session_is_fresh_for_a_minute_and_of_another_always(ada: Ada) -> None:
    bound, unbound = ada.sign_in(binding=BINDING).token, ada.sign_in().token
    assert ada.caller(bound, NOW + TOKEN_LIFETIME - SECOND).token_is_fresh
    assert not ada.caller(bound, NOW + TOKEN_LIFETIME).token_is_fresh
    assert ada.caller(unbound, NOW + TOKEN_LIFETIME).token_is_fresh


def test_a_renewed_token_replaces_the_old_one_a_few_seconds_later(ada: Ada) -> None:
    old = ada.sign_in(binding=BINDING).token
    later = NOW + timedelta(minutes=30)
    new = ada.renew(ada.caller(old, later), later)
    assert not new.matches(old.reveal())
    assert ada.caller(new, later).token_is_fresh
    assert not ada.caller(new, later + TOKEN_LIFETIME).token_is_fresh
    assert not ada.caller(old, later + SECOND).token_is_fresh  # renewing makes a stale one no younger
    with pytest.raises(Unauthenticated):
        ada.caller(old, later + PREVIOUS_TOKEN_LIFETIME)


def test_a_request_under_way_with_a_young_token_is_not_hurt_by_its_renewal(ada: Ada) -> None:
    old = ada.sign_in(binding=BINDING).token
    later = NOW + TOKEN_LIFETIME / 2
    ada.renew(ada.caller(old, later), later)
    assert ada.caller(old, later + PREVIOUS_TOKEN_LIFETIME - SECOND).token_is_fresh


def test_a_session_that_no_script_bound_is_short(ada: Ada) -> None:
    new = ada.sign_in()
    assert new.session.expires_at == NOW + people.UNBOUND_LIFETIME
    assert ada.sign_in(binding=BINDING).session.expires_at == NOW + DEFAULT.absolute


def test_tabs_that_renew_at_once_get_the_same_token(ada: Ada) -> None:
    old = ada.sign_in(binding=BINDING).token
    one, two = ada.caller(old), ada.caller(old)
    first = ada.renew(one, NOW)
    assert ada.renew(two, NOW).matches(first.reveal())
    late = ada.caller(old, NOW + SECOND)
    assert ada.renew(late, NOW + SECOND).matches(first.reveal())
    assert ada.caller(first, NOW + SECOND)


def test_a_tab_that_comes_too_late_gets_no_token_that_would_replace_a_newer_one(ada: Ada) -> None:
    late = ada.caller(ada.sign_in(binding=BINDING).token)
    second = ada.renew(late, NOW)
    third = ada.renew(ada.caller(second), NOW)
    with pytest.raises(Conflict) as refused:
        ada.renew(late, NOW)
    assert refused.value.code == "token_renewed"
    assert ada.caller(third)


def test_whoever_knows_the_token_only_cannot_make_the_next_one(ada: Ada) -> None:
    stolen = ada.caller(ada.sign_in(binding=BINDING).token)
    ada.renew(stolen, NOW)
    guess = replace(stolen, session=replace(stolen.session, binding_hash=hash_text("a guess")))
    with pytest.raises(Conflict):
        ada.renew(guess, NOW)


def test_sessions_of_the_same_secret_renew_to_tokens_of_their_own(ada: Ada) -> None:
    sessions = [ada.sign_in(binding=binding) for binding in (BINDING, BINDING, Secret.generate())]
    renewed = {ada.renew(ada.caller(new.token), NOW).reveal() for new in sessions}
    assert len(renewed) == 3
    assert all(token.startswith("sh_session_") and len(token) == len(sessions[0].token.reveal()) for token in renewed)


def test_an_unbound_session_keeps_its_token(ada: Ada) -> None:
    caller = ada.caller(ada.sign_in().token)
    with pytest.raises(Conflict):
        ada.renew(caller, NOW)
    assert ada.caller(caller.token)


def test_a_token_is_young_until_another_is_needed_soon(ada: Ada) -> None:
    old = ada.sign_in(binding=BINDING).token
    assert people.token_is_young(ada.caller(old), now=NOW + TOKEN_YOUNG - SECOND)
    assert not people.token_is_young(ada.caller(old), now=NOW + TOKEN_YOUNG)
    ada.renew(ada.caller(old), NOW)
    assert not people.token_is_young(ada.caller(old), now=NOW)  # a browser that missed the new one gets it now


def test_last_use_is_news_once_a_minute_and_the_person_is_seen_with_it(ada: Ada) -> None:
    new = ada.sign_in()
    caller, later = ada.caller(new.token), NOW + timedelta(minutes=1)
    assert not caller.use_is_news(later - SECOND)
    assert caller.use_is_news(later)
    with ada.log.bookkeeping("test") as connection:
        store.mark_session_seen(connection, session_id=new.session.id, now=later)
    assert not ada.caller(new.token, later).use_is_news(later)
    with ada.log.database.read() as connection:
        (membership,) = store.every_membership(connection, now=later)
    assert membership.last_seen_at == later


def test_a_fresh_proof_lasts_ten_minutes_and_can_be_given_again(ada: Ada) -> None:
    token = ada.sign_in().token
    caller = ada.caller(token)
    ada.set_password(caller)
    require_step_up(caller, now=NOW + STEP_UP_LIFETIME - SECOND)
    late = NOW + STEP_UP_LIFETIME
    with pytest.raises(StepUpRequired) as refused:
        require_step_up(caller, now=late)
    assert (refused.value.code, refused.value.kind) == ("step_up_required", "denied")
    with ada.log.unit_of_work(CONTEXT) as uow:
        people.step_up(uow, caller, ada.prove(), now=late)
    require_step_up(ada.caller(token, late), now=late + STEP_UP_LIFETIME - SECOND)
    assert [event["organization_id"] for event in ada.events("user.step_up")] == [ORGANIZATION]


def test_a_session_that_was_ended_meanwhile_does_nothing_more(ada: Ada) -> None:
    first, second = ada.caller(ada.sign_in().token), ada.caller(ada.sign_in().token)
    ada.set_password(second)  # ends the first
    with ada.log.unit_of_work(CONTEXT) as uow:
        with pytest.raises(Unauthenticated):
            people.step_up(uow, first, ada.prove(), now=NOW)
        with pytest.raises(Unauthenticated):
            people.change_password(uow, first, ada.prove(), password_hash="another", now=NOW)


def test_signing_out_everywhere_ends_every_session_and_link_and_says_how_many(ada: Ada) -> None:
    tokens, unused = [ada.sign_in().token for _ in range(3)], ada.link()
    caller = ada.caller(tokens[0])
    with ada.log.unit_of_work(CONTEXT) as uow:
        assert people.sign_out_everywhere(uow, caller) == 3
    for token in tokens:
        with pytest.raises(Unauthenticated):
            ada.caller(token)
    with pytest.raises(Unauthenticated):
        ada.spend(unused)
    (event,) = ada.events("user.sign_out_everywhere")
    assert event["data"] == {"user_id": caller.user.id, "sessions": 3}


def test_somebody_else_is_signed_out_by_address_and_nobody_beside_them(ada: Ada) -> None:
    ada.member_of(ORGANIZATION, "bob@example.com")
    hers, his = ada.sign_in(), ada.sign_in(email="bob@example.com")
    with ada.log.unit_of_work(CONTEXT) as uow:
        assert people.sign_out_member(uow, email=" BOB@example.com ") == 1
        with pytest.raises(NotFound):
            people.sign_out_member(uow, email="nobody@example.com")
    assert ada.caller(hers.token)
    with pytest.raises(Unauthenticated):
        ada.caller(his.token)


def test_a_person_in_no_organization_can_still_be_signed_out(ada: Ada) -> None:
    ada.sign_in()
    delete_past_rules(ada.log.database, "member")
    with ada.log.unit_of_work(CONTEXT) as uow:
        assert people.sign_out_member(uow, email=EMAIL) == 1
    assert [event["organization_id"] for event in ada.events("user.sign_out_everywhere")] == [None]


def test_one_of_ones_own_sessions_is_ended_and_nobody_elses(ada: Ada) -> None:
    ada.member_of(ORGANIZATION, "bob@example.com")
    caller, other = ada.caller(ada.sign_in().token), ada.sign_in()
    his = ada.sign_in(email="bob@example.com")
    with ada.log.unit_of_work(CONTEXT) as uow:
        people.end_session(uow, caller, session_id=other.session.id)
        for not_hers in (his.session.id, new_id(), other.session.id):
            with pytest.raises(NotFound):
                people.end_session(uow, caller, session_id=not_hers)
    with pytest.raises(Unauthenticated):
        ada.caller(other.token)
    assert ada.caller(his.token)
    (event,) = ada.events("user.sign_out")
    assert event["data"] == {"user_id": caller.user.id, "session_id": other.session.id}


def test_sessions_are_listed_the_newest_first_while_they_live(ada: Ada) -> None:
    times = [NOW + timedelta(minutes=minutes) for minutes in (0, 40, 50)]
    sessions = [ada.sign_in(now).session for now in times]
    opened = [session.id for session in sessions]

    def listed(minutes: int) -> list[str]:
        with ada.log.database.read() as connection:
            found = store.sessions_of(connection, sessions[0].user_id, NOW + timedelta(minutes=minutes))
        return [session.id for session in found]

    assert listed(50) == opened[::-1]
    assert listed(60) == opened[::-1]
    assert listed(61) == opened[:0:-1]  # the first was idle for too long


def test_what_has_ended_by_itself_is_forgotten_and_nothing_else(ada: Ada) -> None:
    ada.sign_in()
    unused, later = ada.link(), NOW + DEFAULT.idle + SECOND
    new = ada.sign_in(later)
    people.forget_ended(ada.log, later)
    assert rows(ada, "session") == 1
    assert ada.caller(new.token, later)
    assert ada.spend(unused, later)
    people.forget_ended(ada.log, NOW + 2 * LINK_LIFETIME)
    assert (rows(ada, "session"), rows(ada, "sign_in_link")) == (0, 0)


def rows(ada: Ada, table: str) -> int:
    with ada.log.database.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
