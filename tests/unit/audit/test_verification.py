"""Whatever is altered in the database, verification names it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, insert, update

from stronghouse.audit import store
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.audit.verification import AuditLogBroken, verify_log
from tests.unit.audit.conftest import DoorOpened

entry, node, head = store.audit_entry, store.audit_node, store.audit_checkpoint


def fill(log: AuditLog, transactions: int = 5) -> None:
    for number in range(transactions):
        with log.unit_of_work(Context(SYSTEM)) as uow:
            uow.record(DoorOpened(organization_id="o", door=f"{number}a"))
            uow.record(DoorOpened(organization_id="o", door=f"{number}b"))


def verify(log: AuditLog) -> int:
    with log.database.read() as connection:
        return verify_log(connection, origin=log.signer.origin, public_key=log.signer.public_key).size


def test_an_untouched_log_verifies(log: AuditLog) -> None:
    assert verify(log) == 0
    fill(log)
    assert verify(log) == 10


@pytest.mark.parametrize(
    ("tampering", "code"),
    [
        (update(entry).where(entry.c.index == 4).values(body=entry.c.body + " "), "audit_entry_altered"),
        (update(entry).where(entry.c.index == 4).values(code="door.close"), "audit_entry_altered"),
        (update(entry).where(entry.c.index == 4).values(organization_id="p"), "audit_entry_altered"),
        (update(entry).where(entry.c.index == 4).values(leaf_hash=bytes(32)), "audit_entry_altered"),
        (update(entry).where(entry.c.index == 4).values(actor_id="somebody"), "audit_entry_altered"),
        (update(entry).where(entry.c.index == 4).values(outcome="denied"), "audit_entry_altered"),
        (update(entry).where(entry.c.index == 4).values(address="192.0.2.1"), "audit_entry_altered"),
        (insert(store.audit_clock_step).values(index=4), "audit_clock_step_altered"),
        (
            update(entry).where(entry.c.index == 4).values(created_at=datetime(2020, 1, 1, tzinfo=UTC)),
            "audit_entry_altered",
        ),
        (delete(entry).where(entry.c.index == 4), "audit_entry_missing"),
        (delete(entry).where(entry.c.index == 9), "audit_tail_missing"),
        (delete(entry).where(entry.c.index >= 8), "audit_tail_missing"),
        (delete(head).where(head.c.size == 10), "audit_head_missing"),
        (update(head).where(head.c.size == 10).values(note=head.c.note + "x"), None),
        (update(node).where(node.c.level == 1, node.c.index == 2).values(hash=bytes(32)), "audit_node_altered"),
        (delete(node).where(node.c.level == 3), "audit_node_missing"),
    ],
)
def test_tampering_is_found(log: AuditLog, tampering, code: str | None) -> None:  # type: ignore[no-untyped-def]
    fill(log)
    with log.database.write() as connection:
        connection.execute(tampering)
    if code is None:  # an unsigned line after the signature changes nothing that was signed
        assert verify(log) == 10
        return
    with pytest.raises(AuditLogBroken) as found:
        verify(log)
    assert found.value.code == code


def test_a_log_signed_by_another_key_is_refused(log: AuditLog) -> None:
    fill(log, 1)
    with pytest.raises(AuditLogBroken), log.database.read() as connection:
        verify_log(connection, origin=log.signer.origin, public_key=bytes(32))
