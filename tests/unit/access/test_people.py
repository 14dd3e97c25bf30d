"""People: one-time links, passwords, sessions."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stronghouse.access import authentication, people, store
from stronghouse.access.authentication import SESSION_IDLE, UserCaller
from stronghouse.access.passwords import _turn, hash_password
from stronghouse.access.people import LINK_LIFETIME, SESSION_LIFETIME, NewSession
from stronghouse.access.permissions import Permission
from stronghouse.access.roles import ADMIN
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import Conflict, Invalid, NotFound, TooMany, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from stronghouse.storage.columns import metadata
from stronghouse.storage.database import Database

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ORGANIZATION = new_id()
EMAIL = "ada@example.com"
CONTEXT = Context(SYSTEM, "192.0.2.1")
PASSWORD = Secret("correct horse battery")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    database = Database(tmp_path / "control.db")
    with database.write() as connection:
        metadata.create_all(connection)
    audit = AuditLog(database, Ed25519Signer("test.log", bytes(range(32))), FixedClock(NOW))
    with audit.unit_of_work(CONTEXT) as uow:
        people.create_member(
            uow, organization_id=ORGANIZATION, email="Ada@Example.com", name="Ada", role_ids=(ADMIN.id,), now=NOW
        )
    yield audit
    database.close()


def link(log: AuditLog) -> Secret:
    with log.unit_of_work(CONTEXT) as uow:
        return people.issue_sign_in_link(uow, email=EMAIL, now=NOW)


def spend(log: AuditLog, token: Secret, now: datetime = NOW) -> NewSession:
    with log.unit_of_work(CONTEXT) as uow:
        return people.sign_in_with_link(uow, token=token, now=now)


def caller(log: AuditLog, new: NewSession, now: datetime = NOW) -> UserCaller:
    with log.database.read() as connection:
        return authentication.authenticate_session(connection, token=new.token, now=now)


def test_a_link_signs_in_once(log: AuditLog) -> None:
    token = link(log)
    found = caller(log, spend(log, token))
    assert found.user.email == EMAIL
    assert found.principal.may(Permission.ORGANIZATION_MANAGE, ORGANIZATION)
    with pytest.raises(Unauthenticated):
        spend(log, token)


def test_a_link_expires_and_a_made_up_one_is_worth_nothing(log: AuditLog) -> None:
    with pytest.raises(Unauthenticated):
        spend(log, link(log), NOW + LINK_LIFETIME)
    with pytest.raises(Unauthenticated):
        spend(log, Secret.generate(prefix="sh_link_"))
    with log.unit_of_work(CONTEXT) as uow, pytest.raises(NotFound):
        people.issue_sign_in_link(uow, email="nobody@example.com", now=NOW)


def with_password(log: AuditLog, caller_: UserCaller) -> None:
    with log.unit_of_work(CONTEXT) as uow:
        people.set_first_password(uow, caller_, password_hash=hash_password(PASSWORD))


def check(log: AuditLog, email: str, password: Secret) -> people.Proven:
    with log.database.read() as connection:
        return people.check_password(connection, email=email, password=password)


def test_a_password_signs_in_whatever_the_case_of_the_address(log: AuditLog) -> None:
    with_password(log, caller_of(log))
    proven = check(log, " ADA@example.com", PASSWORD)
    with log.unit_of_work(CONTEXT) as uow:
        assert people.sign_in_with_password(uow, proven, now=NOW).session
    for email, password in (
        (EMAIL, Secret("correct horse batterz")),
        ("bob@example.com", PASSWORD),
        (EMAIL, Secret("")),
    ):
        with pytest.raises(Unauthenticated, match="address or the password"):
            check(log, email, password)


def test_a_proof_of_a_password_that_was_replaced_meanwhile_is_worth_nothing(log: AuditLog) -> None:
    with_password(log, caller_of(log))
    proven = check(log, EMAIL, PASSWORD)
    with log.bookkeeping("test") as connection:
        store.set_password_hash(connection, user_id=proven.user_id, password_hash="another")
    with log.unit_of_work(CONTEXT) as uow, pytest.raises(Unauthenticated):
        people.sign_in_with_password(uow, proven, now=NOW)


def test_setting_the_first_password_ends_other_sessions_and_links_and_works_once(log: AuditLog) -> None:
    stolen, unused = spend(log, link(log)), link(log)
    ada = caller_of(log)
    with_password(log, ada)
    with pytest.raises(Unauthenticated):
        caller(log, stolen)
    with pytest.raises(Unauthenticated):
        spend(log, unused)
    with log.unit_of_work(CONTEXT) as uow, pytest.raises(Conflict):
        people.set_first_password(uow, ada, password_hash="another")


def test_only_a_few_passwords_are_compared_at_a_time(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stronghouse.access.passwords._turns", threading.BoundedSemaphore(1))
    with _turn(), pytest.raises(TooMany):
        check(log, EMAIL, PASSWORD)
    with pytest.raises(Unauthenticated):
        check(log, EMAIL, PASSWORD)


def caller_of(log: AuditLog) -> UserCaller:
    return caller(log, spend(log, link(log)))


def test_without_a_password_set_none_signs_in(log: AuditLog) -> None:
    with pytest.raises(Unauthenticated):
        check(log, EMAIL, Secret(""))


@pytest.mark.parametrize("password", ["short", "x" * 257])
def test_a_password_has_a_length(password: str) -> None:
    with pytest.raises(Invalid):
        hash_password(Secret(password))


def test_a_session_ends_by_idleness_by_age_and_by_signing_out(log: AuditLog) -> None:
    new = spend(log, link(log))
    assert caller(log, new, NOW + SESSION_IDLE)
    with pytest.raises(Unauthenticated):
        caller(log, new, NOW + SESSION_IDLE + timedelta(seconds=1))
    with log.bookkeeping("test") as connection:
        store.mark_session_seen(connection, session_id=new.session.id, now=NOW + SESSION_LIFETIME)
    with pytest.raises(Unauthenticated):
        caller(log, new, NOW + SESSION_LIFETIME)
    other = spend(log, link(log))
    ada = caller(log, other)
    with log.unit_of_work(CONTEXT) as uow:
        people.sign_out(uow, ada)
    with pytest.raises(Unauthenticated):
        caller(log, other)


def test_no_token_and_no_password_is_stored_as_it_is(log: AuditLog, tmp_path: Path) -> None:
    token = link(log)
    new = spend(log, token)
    with_password(log, caller(log, new))
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (token, new.token, PASSWORD):
        assert secret.reveal().encode() not in stored
    assert b"$argon2id$" in stored
