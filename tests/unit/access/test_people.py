"""People: one-time links, and passwords that are set, proved and changed."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from stronghouse.access import people, store
from stronghouse.access.authentication import STEP_UP_LIFETIME, StepUpRequired
from stronghouse.access.passwords import _turn
from stronghouse.access.people import LINK_LIFETIME
from stronghouse.access.permissions import Permission
from stronghouse.kernel.errors import Conflict, Invalid, NotFound, TooMany, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from tests.support.databases import everything_stored
from tests.unit.access.person import CONTEXT, EMAIL, NEW_PASSWORD, NOW, ORGANIZATION, PASSWORD, SECOND, Ada


def test_a_link_signs_in_once(ada: Ada) -> None:
    token = ada.link()
    found = ada.caller(ada.spend(token).token)
    assert found.user.email == EMAIL
    assert found.principal.may(Permission.ORGANIZATION_MANAGE, ORGANIZATION)
    with pytest.raises(Unauthenticated):
        ada.spend(token)


def test_a_link_expires_and_a_made_up_one_is_worth_nothing(ada: Ada) -> None:
    with pytest.raises(Unauthenticated):
        ada.spend(ada.link(), NOW + LINK_LIFETIME)
    with pytest.raises(Unauthenticated):
        ada.spend(Secret.generate(prefix="sh_link_"))
    with pytest.raises(NotFound):
        ada.link("nobody@example.com")


def test_a_password_signs_in_whatever_the_case_of_the_address(ada: Ada) -> None:
    ada.set_password(ada.caller(ada.sign_in().token))
    proven = ada.prove(PASSWORD, " ADA@example.com")
    with ada.log.unit_of_work(CONTEXT) as uow:
        assert isinstance(people.sign_in_with_password(uow, proven, now=NOW), people.NewSession)
    for email, password in ((EMAIL, NEW_PASSWORD), ("bob@example.com", PASSWORD), (EMAIL, Secret(""))):
        with pytest.raises(Unauthenticated, match="address or the password"):
            ada.prove(password, email)


def test_a_proof_of_a_password_that_was_replaced_meanwhile_is_worth_nothing(ada: Ada) -> None:
    caller = ada.caller(ada.sign_in().token)
    ada.set_password(caller)
    proven = ada.prove()
    with ada.log.bookkeeping("test") as connection:
        store.set_password_hash(connection, user_id=proven.user_id, password_hash="another")
    with ada.log.unit_of_work(CONTEXT) as uow:
        with pytest.raises(Unauthenticated):
            people.sign_in_with_password(uow, proven, now=NOW)
        with pytest.raises(Unauthenticated):
            people.step_up(uow, caller, proven, now=NOW)
        with pytest.raises(Unauthenticated):
            people.change_password(uow, caller, proven, password_hash="third", now=NOW)


def test_first_password_ends_other_sessions_and_links_and_needs_no_proof_but_once(ada: Ada) -> None:
    stolen, unused = ada.sign_in(), ada.link()
    caller = ada.caller(ada.sign_in().token)
    ada.set_password(caller)
    with pytest.raises(Unauthenticated):
        ada.caller(stolen.token)
    with pytest.raises(Unauthenticated):
        ada.spend(unused)
    with pytest.raises(Conflict):
        ada.set_password(caller, NEW_PASSWORD)
    assert ada.prove()


def test_first_password_is_set_only_shortly_after_signing_in(ada: Ada) -> None:
    token = ada.sign_in().token
    late = NOW + STEP_UP_LIFETIME
    with pytest.raises(StepUpRequired):
        ada.set_password(ada.caller(token, late), now=late)
    ada.set_password(ada.caller(token, late), now=late - SECOND)


def test_changing_a_password_needs_the_old_one_and_ends_other_sessions_and_links(ada: Ada) -> None:
    caller = ada.caller(ada.sign_in().token)
    ada.set_password(caller)
    stolen, unused = ada.sign_in(), ada.link()
    late = NOW + timedelta(minutes=59)  # a proof of the old password is one of the person, too
    ada.set_password(caller, NEW_PASSWORD, ada.prove(), now=late)
    with pytest.raises(Unauthenticated):
        ada.caller(stolen.token)
    with pytest.raises(Unauthenticated):
        ada.spend(unused)
    assert ada.caller(caller.token)
    with pytest.raises(Unauthenticated):
        ada.prove(PASSWORD)
    assert ada.prove(NEW_PASSWORD)
    credentials = [event["data"]["credential"] for event in ada.events("user.password_set")]  # type: ignore[index,call-overload]
    assert len(set(credentials)) == 2


def test_nobody_changes_a_password_or_steps_up_with_the_proof_of_somebody_else(ada: Ada) -> None:
    ada.member_of(ORGANIZATION, "bob@example.com")
    bob = ada.caller(ada.sign_in(email="bob@example.com").token)
    ada.set_password(ada.caller(ada.sign_in().token))
    ada.set_password(bob, NEW_PASSWORD)
    with ada.log.unit_of_work(CONTEXT) as uow:
        with pytest.raises(Unauthenticated):
            people.change_password(uow, bob, ada.prove(), password_hash="another", now=NOW)
        with pytest.raises(Unauthenticated):
            people.step_up(uow, bob, ada.prove(), now=NOW)
        with pytest.raises(Unauthenticated):
            mixed = replace(ada.prove(), password_hash=ada.prove(NEW_PASSWORD, "bob@example.com").password_hash)
            people.step_up(uow, bob, mixed, now=NOW)


def test_only_a_few_passwords_are_compared_at_a_time(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr("stronghouse.access.passwords._turns", turns)
    with _turn(turns):
        with pytest.raises(TooMany):
            ada.prove()
        with ada.log.database.read() as connection, pytest.raises(Unauthenticated):  # who is signed in goes on
            people.check_password(connection, email="ada@example.com", password=Secret("x"), is_known=True)
    with pytest.raises(Unauthenticated):
        ada.prove()


def test_without_a_password_set_none_signs_in(ada: Ada) -> None:
    with pytest.raises(Unauthenticated):
        ada.prove(Secret(""))


def test_acts_of_a_person_are_told_in_each_of_their_organizations(ada: Ada) -> None:
    other = new_id()
    ada.member_of(other)
    caller = ada.caller(ada.sign_in().token)
    with ada.log.unit_of_work(CONTEXT) as uow:
        people.record_failed_step_up(uow, caller)
        people.record_binding_refused(uow, caller)
    for code, outcome in (("user.step_up_fail", "failure"), ("user.session_refuse", "denied")):
        told = ada.events(code)
        assert {event["organization_id"] for event in told} == {ORGANIZATION, other}
        assert {event["outcome"] for event in told} == {outcome}
        assert {event["data"]["session_id"] for event in told} == {caller.session.id}  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("email", "name"), [("nobody", "N"), ("@x.example", "N"), ("a b@x.example", "N"), ("a@x.example", "x" * 257)]
)
def test_a_malformed_person_is_refused(ada: Ada, email: str, name: str) -> None:
    with pytest.raises(Invalid), ada.log.unit_of_work(CONTEXT) as uow:
        people.create_member(uow, organization_id=ORGANIZATION, email=email, name=name, role_ids=(), now=NOW)


def test_nobody_is_a_member_twice(ada: Ada) -> None:
    with pytest.raises(Conflict):
        ada.member_of(ORGANIZATION, EMAIL.upper())


def test_failed_sign_in_is_no_success(ada: Ada) -> None:
    with ada.log.unit_of_work(CONTEXT) as uow:
        people.record_failed_sign_in(uow, method="password")
    (failed,) = ada.events("user.sign_in_fail")
    assert (failed["outcome"], failed["organization_id"]) == ("failure", None)


def test_no_token_no_password_and_no_binding_is_stored_as_it_is(ada: Ada) -> None:
    link, binding = ada.link(), Secret.generate()
    new = ada.spend(link, binding=binding)
    caller = ada.caller(new.token)
    ada.set_password(caller)
    renewed = ada.renew(caller, NOW)
    stored = everything_stored(ada.log.database)
    for secret in (link, new.token, renewed, binding, PASSWORD):
        assert secret.reveal().encode() not in stored
        assert secret.reveal() not in repr(caller)
    assert b"$argon2id$" in stored
