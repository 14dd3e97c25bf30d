"""What may be done with evidence and results: record a look that worked, record one that did not."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.audit import store as audit
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.responsibility import store
from stronghouse.responsibility.derivation import check_in_place
from stronghouse.responsibility.events import CheckStateChanged, EvidenceRecorded
from stronghouse.responsibility.evidence import seal
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState
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
    """Keep the evidence of a look and put its results in the place of the former ones."""
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
        _note_change(uow, meta, run, results, now)
        store.put_run(uow.connection, run)
        store.replace_results(uow.connection, check_id=meta.id, place=look.place, results=results)


def record_failure(uow: UnitOfWork, meta: CheckMeta, *, place: str, reason: str, now: datetime) -> None:
    """Record that nobody could look. The former results stay as they are: a failed look closes nothing."""
    former = store.runs(uow.connection).get((meta.id, place))
    run = Run(
        meta.id,
        place,
        former.check_version if former else meta.version,
        now,
        former.collected_at if former else None,
        former.evaluated_at if former else None,
        reason,
    )
    results = store.results_of(uow.connection, check_id=meta.id, place=place)
    _note_change(uow, meta, run, results, now)
    store.put_run(uow.connection, run)


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


def _note_change(uow: UnitOfWork, meta: CheckMeta, run: Run, results: Sequence[StoredResult], now: datetime) -> None:
    former = store.runs(uow.connection).get((meta.id, run.place))
    held = store.results_of(uow.connection, check_id=meta.id, place=run.place)
    before = check_in_place(meta, former, _counted(held), run.place, now)
    after = check_in_place(meta, run, _counted(results), run.place, now)
    if before.state is not after.state:
        uow.record(
            CheckStateChanged(
                organization_id=None,
                check=meta.id,
                place=run.place,
                before=before.state.value,
                after=after.state.value,
                reason=after.reason,
            )
        )


def _counted(results: Sequence[StoredResult]) -> dict[ResultState, int]:
    counted: dict[ResultState, int] = {}
    for result in results:
        counted[result.state] = counted.get(result.state, 0) + 1
    return counted
