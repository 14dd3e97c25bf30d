"""Change and event commit together or not at all."""

import json

import pytest
from sqlalchemy import Column, String, Table, delete, insert, select
from sqlalchemy.exc import DBAPIError

from stronghouse.audit import store
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog, UnauditedChange
from stronghouse.kernel.errors import Internal
from stronghouse.kernel.secret import Secret
from stronghouse.storage.columns import metadata
from tests.unit.audit.conftest import DoorOpened

CONTEXT = Context(SYSTEM, "192.0.2.1", "test")
door = Table("test_door", metadata, Column("name", String(20)))


def doors(log: AuditLog) -> list[str]:
    with log.database.read() as connection:
        return list(connection.execute(select(door.c.name)).scalars())


def size(log: AuditLog) -> int:
    with log.database.read() as connection:
        return store.size(connection)


def test_a_change_commits_with_its_event_and_a_signed_head(log: AuditLog) -> None:
    with log.unit_of_work(CONTEXT) as uow:
        uow.connection.execute(insert(door).values(name="front"))
        uow.record(DoorOpened(organization_id="o", door="front"))
    assert doors(log) == ["front"]
    with log.database.read() as connection:
        (entry,) = store.entries(connection)
        assert "\n1\n" in (store.latest_checkpoint(connection) or "")
    event = json.loads(entry.body)
    assert event["data"] == {"door": "front"}
    assert event["address"] == "192.0.2.1"
    assert entry.organization_id == event["organization_id"] == "o"


def test_a_change_without_an_event_is_refused_and_undone(log: AuditLog) -> None:
    with pytest.raises(UnauditedChange), log.unit_of_work(CONTEXT) as uow:
        uow.connection.execute(insert(door).values(name="back"))
    assert (doors(log), size(log)) == ([], 0)


def test_an_exception_leaves_neither_change_nor_event(log: AuditLog) -> None:
    with pytest.raises(ZeroDivisionError), log.unit_of_work(CONTEXT) as uow:
        uow.connection.execute(insert(door).values(name="back"))
        uow.record(DoorOpened(organization_id=None, door="back"))
        1 / 0  # noqa: B018
    assert (doors(log), size(log)) == ([], 0)


@pytest.mark.parametrize("value", [Secret("hunter2"), 1.5])
def test_a_field_that_is_secret_or_has_no_canonical_form_is_refused_at_once(
    log: AuditLog, value: Secret | float
) -> None:
    with pytest.raises(TypeError) as refusal, log.unit_of_work(CONTEXT) as uow:
        uow.record(DoorOpened(organization_id=None, door=value))
    assert "hunter2" not in str(refusal.value)
    assert size(log) == 0


def test_two_equal_events_have_different_leaves(log: AuditLog) -> None:
    with log.unit_of_work(CONTEXT) as uow:
        uow.record(DoorOpened(organization_id=None, door="x"))
        uow.record(DoorOpened(organization_id=None, door="x"))
    with log.database.read() as connection:
        first, second = store.entries(connection)
    assert first.leaf_hash != second.leaf_hash


def test_a_read_connection_cannot_write(log: AuditLog) -> None:
    with pytest.raises(DBAPIError, match=r"readonly|read-only"), log.database.read() as connection:
        connection.execute(insert(door).values(name="x"))


def test_nothing_is_signed_over_a_log_that_was_cut(log: AuditLog) -> None:
    for _ in range(3):
        with log.unit_of_work(CONTEXT) as uow:
            uow.record(DoorOpened(organization_id=None, door="x"))
    with log.bookkeeping("an intruder") as connection:
        connection.execute(delete(store.audit_entry).where(store.audit_entry.c.index >= 1))
        connection.execute(delete(store.audit_node).where(store.audit_node.c.index >= 1))
        connection.execute(delete(store.audit_checkpoint).where(store.audit_checkpoint.c.size > 1))
    with pytest.raises(Internal, match="cut"), log.unit_of_work(CONTEXT) as uow:
        uow.record(DoorOpened(organization_id=None, door="x"))
