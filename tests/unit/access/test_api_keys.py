"""API keys: what proves one, what it may be given, and when it stops working."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stronghouse.access import api_keys, authentication, people, store
from stronghouse.access.api_keys import KeyChange, KeyHashes, KeyRequest, NewKey, hash_text
from stronghouse.access.model import Principal, Source
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import NOTHING, Role
from stronghouse.access.roles.system import ADMIN, DEVELOPER, MEMBER
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import SYSTEM, Actor, ActorType, Context
from stronghouse.audit.unit_of_work import AuditLog, UnitOfWork
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import Conflict, Denied, Invalid, NotFound, StronghouseError, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from tests.support.databases import new_database
from tests.support.roles import rights

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ORGANIZATION = new_id()
HERE = "192.0.2.7"
OPEN = (Source("192.0.2.0/24"),)
CONTEXT = Context(SYSTEM)


@pytest.fixture
def log(back_end: str, tmp_path: Path) -> Iterator[AuditLog]:
    database = new_database(tmp_path / "control.db")
    yield AuditLog(database, Ed25519Signer("test.log", bytes(range(32))), FixedClock(NOW))
    database.close()


def create(log: AuditLog, creator: Principal | None = None, **request: object) -> NewKey:
    wanted = replace(KeyRequest(name="ci", ip_access=OPEN), **request)  # type: ignore[arg-type]
    with log.unit_of_work(CONTEXT) as uow:
        return api_keys.create_key(uow, wanted, organization_id=ORGANIZATION, creator=creator, now=NOW)


def present(
    log: AuditLog, new: NewKey, *, secret: str | None = None, address: str | None = HERE, now: datetime = NOW
) -> authentication.KeyCaller:
    assert new.key_id is not None
    assert new.key_secret is not None
    with log.database.read() as connection:
        return authentication.authenticate_key(
            connection,
            key_id=new.key_id.reveal(),
            key_secret=Secret(secret if secret is not None else new.key_secret.reveal()),
            address=address,
            now=now,
        )


def holder(*permissions: Permission) -> Principal:
    return Principal(Actor(ActorType.API_KEY, new_id()), {ORGANIZATION: rights(permissions)})


def test_a_key_proves_its_organization_and_permissions(log: AuditLog) -> None:
    caller = present(log, create(log, role_ids=(DEVELOPER.id,)))
    assert caller.principal.may(Permission.SERVICE_MANAGE, ORGANIZATION)
    assert not caller.principal.may(Permission.API_KEYS_CREATE, ORGANIZATION)
    assert not caller.principal.may(Permission.SERVICE_MANAGE, new_id())


def test_neither_id_nor_secret_is_stored(log: AuditLog, tmp_path: Path) -> None:
    new = create(log)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert new.key_id is not None
    assert new.key_secret is not None
    assert new.key_id.reveal().encode() not in stored
    assert new.key_secret.reveal().encode() not in stored
    assert new.key.key_suffix == new.key_id.reveal()[-4:]


@pytest.mark.parametrize(
    ("state", "expires_in", "secret", "address", "refusal"),
    [
        ("enabled", 60, "sh_wrong", HERE, Unauthenticated),
        ("enabled", 60, "", HERE, Unauthenticated),
        ("disabled", 60, None, HERE, Unauthenticated),
        ("enabled", 1, None, HERE, Unauthenticated),
        ("enabled", 60, None, "198.51.100.1", Denied),
        ("enabled", 60, None, None, Denied),
    ],
)
def test_a_key_that_does_not_hold_is_refused(
    log: AuditLog, state: str, expires_in: int, secret: str | None, address: str | None, refusal: type[StronghouseError]
) -> None:
    new = create(log, state=state, expires_at=NOW + timedelta(minutes=expires_in))
    with pytest.raises(refusal):
        present(log, new, secret=secret, address=address, now=NOW + timedelta(minutes=1))


def test_an_empty_access_list_lets_in_nobody(log: AuditLog) -> None:
    with pytest.raises(Denied):
        present(log, create(log, ip_access=()))


def test_wrong_address_is_told_only_to_those_who_know_the_secret(log: AuditLog) -> None:
    with pytest.raises(Unauthenticated):
        present(log, create(log), secret="sh_wrong", address="198.51.100.1")


def test_nobody_gives_more_than_they_hold(log: AuditLog) -> None:
    weak = holder(Permission.API_KEYS_CREATE, *MEMBER.permissions)
    assert create(log, weak, role_ids=(MEMBER.id,)).key.role_ids == (MEMBER.id,)
    with pytest.raises(Denied, match="cannot give"):
        create(log, weak, role_ids=(ADMIN.id,))


def test_nobody_takes_over_a_stronger_key_by_changing_it(log: AuditLog) -> None:
    strong = create(log, role_ids=(ADMIN.id,))
    weak = holder(Permission.API_KEYS_UPDATE, Permission.API_KEYS_DELETE)
    with log.unit_of_work(CONTEXT) as uow:
        for change in (KeyChange(name="mine"), KeyChange(role_ids=()), KeyChange(ip_access=OPEN)):
            with pytest.raises(Denied):
                api_keys.update_key(
                    uow, change, organization_id=ORGANIZATION, key_id=strong.key.id, editor=weak, now=NOW
                )
        with pytest.raises(Denied):
            api_keys.delete_key(uow, organization_id=ORGANIZATION, key_id=strong.key.id, editor=weak)


def test_people_make_change_and_delete_keys_within_what_they_hold(log: AuditLog) -> None:
    with log.unit_of_work(CONTEXT) as uow:
        weak = person(uow, "weak@example.com", DEVELOPER)
        admin = person(uow, "admin@example.com", ADMIN)
    strong = create(log, admin, role_ids=(ADMIN.id,))
    scope: dict[str, Any] = {"organization_id": ORGANIZATION, "key_id": strong.key.id}
    with log.unit_of_work(Context(admin.actor)) as uow:
        with pytest.raises(Denied):
            api_keys.update_key(uow, KeyChange(state="disabled"), **scope, editor=weak, now=NOW)
        with pytest.raises(Denied):
            api_keys.delete_key(uow, **scope, editor=weak)
        api_keys.update_key(uow, KeyChange(name="renamed"), **scope, editor=admin, now=NOW)
        api_keys.delete_key(uow, **scope, editor=admin)
        assert [event.code for event in uow.events] == ["api_key.update", "api_key.delete"]
    with pytest.raises(Denied):
        create(log, weak, role_ids=(ADMIN.id,))
    assert create(log, weak, role_ids=(DEVELOPER.id,)).key_secret is not None


def person(uow: UnitOfWork, email: str, role: Role) -> Principal:
    """A member, signed in."""
    people.create_member(uow, organization_id=ORGANIZATION, email=email, name=email, role_ids=(role.id,), now=NOW)
    new = people.sign_in_with_link(uow, token=people.issue_sign_in_link(uow, email=email, now=NOW), now=NOW)
    found = authentication.authenticate_session(uow.connection, token=new.token, user_agent=None, now=NOW)
    return found.principal


def test_each_changed_aspect_is_one_event_and_no_change_is_none(log: AuditLog) -> None:
    new = create(log)
    change = KeyChange(name="other", state="disabled", expires_at=NOW + timedelta(days=1), ip_access=())
    for expected in (["name-changed", "state-changed", "date-changed", "ip-access-list-changed"], []):
        with log.unit_of_work(CONTEXT) as uow:
            api_keys.update_key(uow, change, organization_id=ORGANIZATION, key_id=new.key.id, editor=holder(), now=NOW)
            assert [event.data()["change"] for event in uow.events] == expected


def test_an_expiry_can_be_cleared_and_not_set_in_the_past(log: AuditLog) -> None:
    new = create(log, expires_at=NOW + timedelta(days=1))
    with log.unit_of_work(CONTEXT) as uow:
        scope = {"organization_id": ORGANIZATION, "key_id": new.key.id, "editor": holder(), "now": NOW}
        assert api_keys.update_key(uow, KeyChange(clear_expiry=True), **scope).expires_at is None  # type: ignore[arg-type]
        with pytest.raises(Invalid, match="passed"):
            api_keys.update_key(uow, KeyChange(expires_at=NOW), **scope)  # type: ignore[arg-type]


def test_hashes_made_by_the_caller_work_and_their_secret_is_never_seen(log: AuditLog) -> None:
    hashes = KeyHashes(hash_text("theirkeyid0000000001"), "0001", hash_text("their secret"))
    new = create(log, hashes=hashes)
    assert new.key_id is None
    assert new.key_secret is None
    with log.database.read() as connection:
        caller = authentication.authenticate_key(
            connection, key_id="theirkeyid0000000001", key_secret=Secret("their secret"), address=HERE, now=NOW
        )
    assert caller.key.id == new.key.id
    with pytest.raises(Conflict):
        create(log, hashes=hashes)


@pytest.mark.parametrize(
    "hashes",
    [
        KeyHashes("", "0001", hash_text("x")),
        KeyHashes(hash_text("x"), "0001", "abc"),
        KeyHashes(hash_text("x"), "001", hash_text("y")),
    ],
)
def test_malformed_hashes_are_refused(log: AuditLog, hashes: KeyHashes) -> None:
    with pytest.raises(Invalid):
        create(log, hashes=hashes)


@pytest.mark.parametrize(
    "request_", [{"name": ""}, {"name": "a\nb"}, {"role_ids": (new_id(),)}, {"ip_access": (Source("everywhere"),)}]
)
def test_malformed_requests_are_refused(log: AuditLog, request_: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        create(log, **request_)


def test_a_deleted_key_stops_at_once_and_cannot_be_found_by_others(log: AuditLog) -> None:
    new = create(log)
    with log.unit_of_work(CONTEXT) as uow:
        with pytest.raises(NotFound):
            api_keys.delete_key(uow, organization_id=new_id(), key_id=new.key.id, editor=holder())
        api_keys.delete_key(uow, organization_id=ORGANIZATION, key_id=new.key.id, editor=holder())
    with pytest.raises(Unauthenticated):
        present(log, new)


def test_a_key_cannot_delete_itself(log: AuditLog) -> None:
    new = create(log)
    itself = Principal(Actor(ActorType.API_KEY, new.key.id), {ORGANIZATION: NOTHING})
    with log.unit_of_work(CONTEXT) as uow, pytest.raises(Conflict):
        api_keys.delete_key(uow, organization_id=ORGANIZATION, key_id=new.key.id, editor=itself)


def test_the_number_of_keys_is_limited(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "KEYS_PER_ORGANIZATION", 2)
    create(log)
    create(log)
    with pytest.raises(Conflict, match="at most 2"):
        create(log)


def test_last_use_is_news_once_a_minute(log: AuditLog) -> None:
    new = create(log)
    assert present(log, new).use_is_news(NOW)
    with log.bookkeeping("test") as connection:
        store.mark_key_used(connection, key_id=new.key.id, used_at=NOW)
    assert not present(log, new).use_is_news(NOW + timedelta(seconds=59))
    assert present(log, new).use_is_news(NOW + timedelta(minutes=1))
