"""The matrix document: `GET /v1/organizations/{org}/responsibilities` and the console's home page read the same one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Connection

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import rfc3339
from stronghouse.responsibility import derivation, store
from stronghouse.responsibility import matrix_additions as additions
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.derivation import Derived
from stronghouse.responsibility.facts import place_of, places_of
from stronghouse.responsibility.findings import store as findings_store
from stronghouse.responsibility.findings.accountable import accountable_views
from stronghouse.responsibility.findings.store import Coverage
from stronghouse.responsibility.model import Check, Control, Responsibility, ResultState, RowState
from stronghouse.responsibility.store import Run, StoredResult

LISTED_RESULTS = 50
"""Results shown for each check and place, failures first; `resultCounts` counts all of them."""


@dataclass(frozen=True)
class _Snapshot:
    """Everything the document is derived from, read at once."""

    now: datetime
    regions: Sequence[str]
    runs: dict[tuple[str, str], Run]
    counts: dict[tuple[str, str], dict[ResultState, int]]
    listed: dict[tuple[str, str], list[StoredResult]]
    covered: dict[tuple[str, str], Coverage]
    findings: dict[additions.ResultKey, dict[str, Json]]


def responsibility_matrix(
    connection: Connection, *, catalogue: Catalogue, organization_id: str, regions: Sequence[str], now: datetime
) -> dict[str, Json]:
    """What an organization sees of all responsibilities, derived at the time `now`. Names follow the Cloud API's style.

    Args:
        connection: a snapshot to read from.
        catalogue: rows, controls, checks.
        organization_id: whose services to include; results about the installation are in it for everyone.
        regions: the regions that ought to be looked at: one that never answered is not evidenced, not absent.
        now: the time that ages are measured from.
    """
    listed: dict[tuple[str, str], list[StoredResult]] = {}
    worst = store.worst(connection, organization_id=organization_id, limit=LISTED_RESULTS)
    for result in worst:
        listed.setdefault((result.check_id, result.place), []).append(result)
    counts = store.counts(connection, organization_id=organization_id)
    covered = findings_store.coverage(connection, now=now, organization_id=organization_id)
    findings = additions.of_results(connection, worst, now=now)
    snapshot = _Snapshot(now, regions, store.runs(connection), counts, listed, covered, findings)
    checks = {check.meta.id: _check(check, snapshot) for check in catalogue.checks.values()}
    accountable = accountable_views(connection, organization_id)
    rows = [_row(row, catalogue, checks, accountable.get(row.id)) for row in catalogue.responsibilities]
    states = {
        (check_id, place["place"]): str(place["state"])
        for check_id, part in checks.items()
        for place in cast("list[dict[str, str]]", part.document["places"])
    }
    return {
        "organizationId": organization_id,
        "generatedAt": rfc3339(now),
        "summary": _summary(rows),
        "changedSince": additions.changed_lately(
            connection, catalogue, states, seen=counts, organization_id=organization_id, now=now
        ),
        "worst": additions.worst(connection, organization_id=organization_id, now=now),
        "rows": [row.document for row in rows],
    }


@dataclass(frozen=True)
class _Part:
    """A piece of the document with what the level above derives from."""

    derived: Derived
    newest: datetime | None
    document: dict[str, Json]


def _row(
    row: Responsibility, catalogue: Catalogue, checks: dict[str, _Part], accountable: dict[str, str] | None
) -> _Part:
    controls = [(control, _control(control, catalogue, checks)) for control in row.controls]
    derived = derivation.row([(control.title, part.derived) for control, part in controls])
    newest = _newest([part for _, part in controls])
    document: dict[str, Json] = {
        "id": row.id,
        "group": row.group,
        "title": row.title,
        "owner": row.owner.value,
        "accountable": None if accountable is None else {**accountable},
        "state": derived.state.value,
        "reason": derived.reason,
        "controlsProven": sum(part.derived.state is RowState.PASS for _, part in controls),
        "controlsTotal": len(controls),
        "newestEvidenceAt": None if newest is None else rfc3339(newest),
        "frameworks": {name: list(ids) for name, ids in row.frameworks.items()},
        "controls": [part.document for _, part in controls],
    }
    return _Part(derived, newest, document)


def _control(control: Control, catalogue: Catalogue, checks: dict[str, _Part]) -> _Part:
    parts = [checks[check.meta.id] for check in catalogue.checks_of(control.id)]
    derived = derivation.control([part.derived for part in parts])
    document: dict[str, Json] = {
        "id": control.id,
        "title": control.title,
        "state": derived.state.value,
        "reason": derived.reason,
        "checks": [part.document for part in parts],
    }
    return _Part(derived, _newest(parts), document)


def _check(check: Check, snapshot: _Snapshot) -> _Part:
    meta = check.meta
    places = [place_of(region) for region in places_of(meta.collector, snapshot.regions)]
    parts = [_place(check, place, snapshot) for place in places]
    derived = derivation.check_overall([part.derived for part in parts])
    newest = _newest(parts)
    document: dict[str, Json] = {
        "id": meta.id,
        "title": meta.title,
        "severity": meta.severity.value,
        "risk": meta.risk,
        "remediation": meta.remediation,
        "collector": meta.collector,
        "maxAgeSeconds": int(meta.max_age.total_seconds()),
        "frameworks": list(meta.frameworks),
        "state": derived.state.value,
        "reason": derived.reason,
        "newestEvidenceAt": None if newest is None else rfc3339(newest),
        "places": [part.document for part in parts],
    }
    return _Part(derived, newest, document)


def _place(check: Check, place: str, snapshot: _Snapshot) -> _Part:
    key = (check.meta.id, place)
    run, counted = snapshot.runs.get(key), snapshot.counts.get(key, {})
    covered = snapshot.covered.get(key)
    derived = derivation.check_in_place(check.meta, run, counted, place, snapshot.now, covered)
    collected_at = run.collected_at if run else None
    age = None if collected_at is None else max(0, int((snapshot.now - collected_at).total_seconds()))
    document: dict[str, Json] = {
        "place": place,
        "state": derived.state.value,
        "reason": derived.reason,
        "collectedAt": None if collected_at is None else rfc3339(collected_at),
        "evaluatedAt": None if run is None or run.evaluated_at is None else rfc3339(run.evaluated_at),
        "attemptedAt": None if run is None else rfc3339(run.attempted_at),
        "evidenceAgeSeconds": age,
        "resultCounts": {state.value: count for state, count in counted.items()},
        "acceptedCount": 0 if covered is None else covered.count,
        "results": [_result(result, derived.state, snapshot) for result in snapshot.listed.get(key, [])],
    }
    return _Part(derived, collected_at, document)


def _result(result: StoredResult, place_state: RowState, snapshot: _Snapshot) -> dict[str, Json]:
    """A result as it may be shown: one of a place where nobody could look lately is not shown as it once was."""
    overtaken = place_state if place_state in {RowState.ERROR, RowState.STALE} else None
    return {
        "resource": result.resource,
        "state": overtaken.value if overtaken else result.state.value,
        "lastState": result.state.value,
        "reason": result.reason,
        "evidenceId": result.evidence_id,
        **snapshot.findings.get((result.check_id, result.place, result.resource), {}),
    }


def _newest(parts: Sequence[_Part]) -> datetime | None:
    return max((part.newest for part in parts if part.newest is not None), default=None)


def _summary(rows: Sequence[_Part]) -> dict[str, Json]:
    counted = Counter(row.derived.state for row in rows)
    return {state.value: counted[state] for state in RowState}
