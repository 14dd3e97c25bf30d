"""Evidence opens with its proof, to its owner only; whoever alters it, or a result by hand, is found out."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from sqlalchemy import Connection, delete, update

from stronghouse.audit import checkpoint, tree
from stronghouse.audit import store as audit
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.canonical import canonical_json
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import NotFound
from stronghouse.responsibility import store
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.collectors.audit_tree import collect_audit_tree
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.evidence import EvidenceAltered, open_evidence
from stronghouse.responsibility.model import Result, ResultState
from stronghouse.responsibility.runner import CheckRunner
from tests.unit.responsibility.cases import CASES
from tests.unit.responsibility.conftest import ACME, OTHER, ScriptedFacts


def _one(log: AuditLog) -> store.StoredEvidence:
    with log.database.read() as connection:
        return next(iter(store.cited_evidence(connection)))


def _open(log: AuditLog, evidence_id: str, organization_id: str = ACME) -> dict[str, Any]:
    with log.database.read() as connection:
        return cast(
            "dict[str, Any]", open_evidence(connection, organization_id=organization_id, evidence_id=evidence_id)
        )


def _audit_checks(log: AuditLog, catalogue: Catalogue, clock: FixedClock) -> dict[str, Result]:
    with log.database.read() as connection:
        seen = collect_audit_tree(
            connection, origin=log.signer.origin, public_key=log.signer.public_key, catalogue=catalogue, clock=clock
        )
    checks = (catalogue.checks["audit_tree_verified"], catalogue.checks["audit_evidence_intact"])
    return {check.meta.id: result for check in checks for result in evaluate(check, seen)}


def test_evidence_opens_with_a_proof_that_anyone_can_follow(runner: CheckRunner, log: AuditLog) -> None:
    runner.run_due()
    kept = _one(log)
    opened = _open(log, kept.id, kept.organization_id or ACME)
    assert hashlib.sha256(canonical_json(opened["document"])).hexdigest() == opened["id"] == kept.id
    proof = opened["audit"]
    head = checkpoint.verify(proof["checkpoint"], origin="test.log", public_key=log.signer.public_key)
    path = [bytes.fromhex(node) for node in proof["inclusionProof"]]
    assert head.size == proof["treeSize"]
    assert tree.verify_inclusion(bytes.fromhex(proof["leafHash"]), proof["index"], head.size, path, head.root)
    assert opened["document"]["method"] == "made up"


def test_evidence_of_another_organization_is_as_if_absent(runner: CheckRunner, log: AuditLog) -> None:
    runner.run(check_id="rest_files_encrypted")
    kept = _one(log)
    for organization_id, evidence_id in ((OTHER, kept.id), (ACME, "0" * 64)):
        with pytest.raises(NotFound, match="There is no such evidence"):
            _open(log, evidence_id, organization_id)


def test_intact_log_and_evidence_pass(
    runner: CheckRunner, log: AuditLog, catalogue: Catalogue, clock: FixedClock
) -> None:
    assert {result.state for result in _audit_checks(log, catalogue, clock).values()} == {ResultState.NOT_APPLICABLE}
    runner.run_due()
    assert {result.state for result in _audit_checks(log, catalogue, clock).values()} == {ResultState.PASS}


def _rehash(connection: Connection) -> None:
    """Change a body and give it its new hash: only the audit log still knows the old one."""
    kept = next(iter(store.cited_evidence(connection)))
    body = kept.body.replace("made up", "made_up")
    fresh = hashlib.sha256(body.encode()).hexdigest()
    store.insert_evidence(connection, store.StoredEvidence(**{**kept.__dict__, "id": fresh, "body": body}))
    connection.execute(update(store.check_result).values(evidence_id=fresh))


LATER = datetime(2026, 11, 30, tzinfo=UTC)
TAMPERING: dict[str, tuple[Callable[[Connection], object], str]] = {
    "body": (
        lambda connection: connection.execute(update(store.evidence).values(body=store.evidence.c.body + " ")),
        "was altered",
    ),
    "body and hash": (_rehash, "does not know"),
    "result painted green": (
        lambda connection: connection.execute(update(store.check_result).values(state="pass", reason="It is fine.")),
        "do not follow",
    ),
    "failing result removed": (
        lambda connection: connection.execute(
            delete(store.check_result).where(store.check_result.c.resource == "service/a2")
        ),
        "do not follow",
    ),
    "age": (
        lambda connection: connection.execute(update(store.check_run).values(collected_at=LATER)),
        "do not follow",
    ),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found(
    how: str, runner: CheckRunner, sources: ScriptedFacts, log: AuditLog, catalogue: Catalogue, clock: FixedClock
) -> None:
    bad = {**CASES["rest_files_encrypted"].failing[0][0], "id": "service/a2"}
    sources.found["disk_encryption"] = [dict(CASES["rest_files_encrypted"].passing), bad]
    runner.run(check_id="rest_files_encrypted")
    change, word = TAMPERING[how]
    with log.bookkeeping("an attacker") as connection:
        change(connection)
    result = _audit_checks(log, catalogue, clock)["audit_evidence_intact"]
    assert result.state is ResultState.FAIL
    assert word in result.reason


def test_altered_evidence_does_not_open(runner: CheckRunner, log: AuditLog) -> None:
    runner.run(check_id="rest_files_encrypted")
    evidence_id = _one(log).id
    with log.bookkeeping("an attacker") as connection:
        connection.execute(update(store.evidence).values(body=store.evidence.c.body + " "))
    with pytest.raises(EvidenceAltered):
        _open(log, evidence_id)


@pytest.mark.parametrize("body", ["{}", "no json"])
def test_altered_audit_entry_fails_the_check_and_does_not_break_it(
    body: str, runner: CheckRunner, log: AuditLog, catalogue: Catalogue, clock: FixedClock
) -> None:
    runner.run_due()
    with log.bookkeeping("an attacker") as connection:
        connection.execute(update(audit.audit_entry).where(audit.audit_entry.c.index == 2).values(body=body))
    assert _audit_checks(log, catalogue, clock)["audit_tree_verified"].state is ResultState.FAIL
