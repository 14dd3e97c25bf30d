"""What may be done with evidence and results: record a look that worked, record one that did not.

Findings follow from results in the same transaction: one cannot be without the other.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.audit import store as audit
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.responsibility import store
from stronghouse.responsibility.derivation import Derived, check_in_place
from stronghouse.responsibility.events import CheckStateChanged, EvidenceRecorded
from stronghouse.responsibility.evidence import seal
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.findings import actions as findings
from stronghouse.responsibility.findings import store as findings_store
from stronghouse.responsibility.model import CheckMeta, Result
from stronghouse.responsibility.store import Run, StoredEvidence, StoredResult


@dataclass(frozen=True)
class Part:
    """The share of one organization in what a collector saw (None: the installation's), judged by each check."""

    organization_id: str | None
    facts: Facts
    results: Mapping[str, Sequence[Result]]


@dataclass(frozen=True)
class Look:
    """One run of a collector in one place, judged. `errors` says which checks could not judge the facts, and why."""

    place: str
    collected_at: datetime
    checks: Sequence[CheckMeta]
    parts: Sequence[Part]
    errors: Mapping[str, str]


def record_look(uow: UnitOfWork, look: Look, *, now: datetime) -> None:
    """Keep the evidence of a look, put its results in the place of the former ones, and let findings follow."""
    evidence_ids = [_keep(uow, part, look) for part in look.parts]
    for meta in look.checks:
        error = look.errors.get(meta.id)
        if error is not None:
            record_failure(uow, meta, place=look.place, reason=error, now=now)
            continue
        results = [
            StoredResult(
                meta.id,
                look.place,
                result.resource,
                part.organization_id,
                result.state,
                result.reason,
                evidence_id,
                now,
            )
            for part, evidence_id in zip(look.parts, evidence_ids, strict=True)
            for result in part.results[meta.id]
        ]
        run = Run(meta.id, look.place, meta.version, now, look.collected_at, now, None)
        before = _state(uow.connection, meta, look.place, now)
        store.put_run(uow.connection, run)
        store.replace_results(uow.connection, check_id=meta.id, place=look.place, results=results)
        findings.record(uow, meta, results, place=look.place, now=now)
        _note_change(uow, meta, look.place, before, now)


def record_failure(uow: UnitOfWork, meta: CheckMeta, *, place: str, reason: str, now: datetime) -> None:
    """Record that nobody could look. Former results and findings stay as they are: a failed look closes nothing."""
    former = store.run_of(uow.connection, check_id=meta.id, place=place)
    run = Run(
        meta.id,
        place,
        former.check_version if former else meta.version,
        now,
        former.collected_at if former else None,
        former.evaluated_at if former else None,
        reason,
    )
    before = _state(uow.connection, meta, place, now)
    store.put_run(uow.connection, run)
    _note_change(uow, meta, place, before, now)


def note_repeated_failure(connection: Connection, check_id: str, *, place: str, reason: str, now: datetime) -> None:
    """Keep the time of a look that failed like the one before it."""
    former = store.runs(connection)[check_id, place]
    store.put_run(connection, dataclasses.replace(former, attempted_at=now, error=reason))


def _keep(uow: UnitOfWork, part: Part, look: Look) -> str:
    sealed = seal(part.facts, place=look.place)
    # The write lock is ours until the commit, so the leaf that the event will become is known now.
    index = audit.size(uow.connection) + len(uow.events)
    uow.record(
        EvidenceRecorded(
            organization_id=part.organization_id,
            evidence=sealed.id,
            collector=part.facts.collector,
            place=look.place,
            checks=[meta.id for meta in look.checks],
        )
    )
    if store.find_evidence(uow.connection, sealed.id) is not None:
        return sealed.id  # the very same facts of the very same moment are kept already
    store.insert_evidence(
        uow.connection,
        StoredEvidence(
            sealed.id, part.organization_id, part.facts.collector, look.place, look.collected_at, sealed.body, index
        ),
    )
    return sealed.id


def _state(connection: Connection, meta: CheckMeta, place: str, now: datetime) -> Derived:
    """The state of a check in a place over all organizations."""
    run = store.run_of(connection, check_id=meta.id, place=place)
    counted = store.counts_in(connection, check_id=meta.id, place=place)
    covered = findings_store.coverage(connection, now=now, check_id=meta.id).get((meta.id, place))
    return check_in_place(meta, run, counted, place, now, covered)


def _note_change(uow: UnitOfWork, meta: CheckMeta, place: str, before: Derived, now: datetime) -> None:
    after = _state(uow.connection, meta, place, now)
    if before.state is not after.state:
        uow.record(
            CheckStateChanged(
                organization_id=None,
                check=meta.id,
                place=place,
                before=before.state.value,
                after=after.state.value,
                reason=after.reason,
            )
        )
