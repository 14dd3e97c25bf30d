"""What holds of second factors below the console."""

from datetime import timedelta

import pytest

from stronghouse.access import people
from stronghouse.access.authentication import STEP_UP_LIFETIME, StepUpRequired
from stronghouse.access.factors import enrolment, store
from stronghouse.access.factors.events import FactorEnrolled
from stronghouse.access.factors.model import PendingSignIn
from stronghouse.access.people import PENDING_LIFETIME, forget_ended
from stronghouse.kernel.errors import Denied, Unauthenticated
from stronghouse.kernel.secret import Secret
from tests.support.control_plane import CONSOLE_URL, second_factors
from tests.support.second_factors import Phone
from tests.unit.access.person import CONTEXT, NOW, PASSWORD, Ada

STEP = timedelta(seconds=30)
FACTORS = second_factors(CONSOLE_URL)


def set_up(ada: Ada, token: Secret) -> Phone:
    caller = ada.caller(token)
    offer = FACTORS.apps.offer(caller.user, session_id=caller.session.id)
    phone = Phone(offer.text.reveal())
    with ada.log.unit_of_work(CONTEXT) as uow:
        enrolment.enroll_app(uow, caller, FACTORS, token=offer.token, code=phone.code(NOW), now=NOW)
    return phone


def test_a_password_is_no_fresh_proof_of_who_has_a_second_factor(ada: Ada) -> None:
    new = ada.sign_in()
    ada.set_password(ada.caller(new.token))
    proven = ada.prove()
    caller = ada.caller(new.token)
    with ada.log.unit_of_work(CONTEXT) as uow:
        people.step_up(uow, caller, proven, now=NOW)
    set_up(ada, new.token)
    with pytest.raises(Denied, match="second factor"), ada.log.unit_of_work(CONTEXT) as uow:
        people.step_up(uow, caller, proven, now=NOW)


def test_what_waits_for_a_second_factor_ends_with_a_new_password(ada: Ada) -> None:
    new = ada.sign_in()
    ada.set_password(ada.caller(new.token))
    set_up(ada, new.token)
    with ada.log.unit_of_work(CONTEXT) as uow:
        asked = people.sign_in_with_password(uow, ada.prove(), now=NOW)
    assert isinstance(asked, people.FactorAsked)
    with ada.log.database.read() as connection:
        found, _ = people.pending_sign_in(connection, token=asked.token, now=NOW)
    assert found == PendingSignIn(new.session.user_id, "password", 0, NOW + PENDING_LIFETIME)
    ada.set_password(ada.caller(new.token), Secret("Gravel tunic bishop lantern 3"), ada.prove(PASSWORD))
    with pytest.raises(Unauthenticated), ada.log.database.read() as connection:
        people.pending_sign_in(connection, token=asked.token, now=NOW)


def test_factors_are_not_changed_on_an_old_proof_or_in_a_session_that_was_ended(ada: Ada) -> None:
    new = ada.sign_in(binding=Secret("b" * 64))
    set_up(ada, new.token)
    caller, late = ada.caller(new.token), NOW + STEP_UP_LIFETIME
    for act in (enrolment.remove_app, enrolment.renew_codes):
        with pytest.raises(StepUpRequired), ada.log.unit_of_work(CONTEXT) as uow:
            act(uow, caller, now=late)
    with ada.log.unit_of_work(CONTEXT) as uow:
        people.sign_out(uow, caller)
    for act in (enrolment.remove_app, enrolment.renew_codes):
        with pytest.raises(Unauthenticated), ada.log.unit_of_work(CONTEXT) as uow:
            act(uow, caller, now=NOW)
    assert len(ada.events(FactorEnrolled.code)) == 1


def test_what_has_ended_is_forgotten(ada: Ada) -> None:
    new = ada.sign_in()
    set_up(ada, new.token)
    link = ada.link()
    with ada.log.unit_of_work(CONTEXT) as uow:
        assert isinstance(people.sign_in_with_link(uow, token=link, now=NOW), people.FactorAsked)
    with ada.log.bookkeeping("test") as connection:
        assert store.spend_challenge(connection, challenge_hash="x", expires_at=NOW + PENDING_LIFETIME)

    def rows() -> list[int]:
        with ada.log.database.read() as connection:
            tables = ("pending_sign_in", "spent_challenge", "authenticator_app", "recovery_code")
            return [int(connection.exec_driver_sql(f"SELECT count(*) FROM {one}").scalar_one()) for one in tables]

    forget_ended(ada.log, NOW + PENDING_LIFETIME - STEP)
    assert rows() == [1, 1, 1, 10]
    forget_ended(ada.log, NOW + PENDING_LIFETIME)
    assert rows() == [0, 0, 1, 10]
