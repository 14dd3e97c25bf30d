"""Old evidence goes, its hash stays, and nothing that a current result stands on is touched."""

from datetime import timedelta

import pytest

from stronghouse.audit import store as audit
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.audit.verification import verify_log
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import NotFound
from stronghouse.responsibility import store
from stronghouse.responsibility.evidence import open_evidence
from stronghouse.responsibility.retention import run_retention
from stronghouse.responsibility.runner import CheckRunner
from tests.unit.responsibility.conftest import ACME, NOW

CHECK = "rest_files_encrypted"


def _cited(log: AuditLog) -> str:
    with log.database.read() as connection:
        (kept,) = store.cited_evidence(connection)
    return kept.id


def _expiries(log: AuditLog) -> list[dict[str, object]]:
    with log.database.read() as connection:
        return [
            entry.event()["data"]  # type: ignore[misc]
            for entry in audit.entries(connection)
            if entry.code == "evidence.expire"
        ]


def test_evidence_expires_after_400_days_unless_a_result_stands_on_it(
    runner: CheckRunner, log: AuditLog, clock: FixedClock
) -> None:
    runner.run(check_id=CHECK)
    old = _cited(log)
    clock.advance(timedelta(days=1))
    runner.run(check_id=CHECK)
    current = _cited(log)
    assert run_retention(log, NOW + timedelta(days=400)) == 0
    assert _expiries(log) == []
    assert run_retention(log, NOW + timedelta(days=402)) == 1
    assert run_retention(log, NOW + timedelta(days=500)) == 0
    (data,) = _expiries(log)
    assert data == {"count": 1, "oldest": "2026-11-23T12:00:00.000Z", "newest": "2026-11-23T12:00:00.000Z"}
    with log.database.read() as connection:
        with pytest.raises(NotFound, match="expired on 2027-12-30"):
            open_evidence(connection, organization_id=ACME, evidence_id=old)
        assert open_evidence(connection, organization_id=ACME, evidence_id=current)["id"] == current
        kept = store.find_evidence(connection, old)
        assert kept is not None
        assert kept.body == ""
        verify_log(connection, origin=log.signer.origin, public_key=log.signer.public_key)


def test_expired_evidence_of_another_organization_is_as_if_absent(
    runner: CheckRunner, log: AuditLog, clock: FixedClock
) -> None:
    runner.run(check_id=CHECK)
    old = _cited(log)
    clock.advance(timedelta(days=1))
    runner.run(check_id=CHECK)
    run_retention(log, NOW + timedelta(days=402))
    with log.database.read() as connection, pytest.raises(NotFound, match="There is no such evidence"):
        open_evidence(connection, organization_id="somebody else", evidence_id=old)
