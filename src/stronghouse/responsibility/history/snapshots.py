"""Looks at the derived states every minute and keeps what changed: this also notices `stale`, which no event tells."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.organizations import store as organizations
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.history import store
from stronghouse.responsibility.matrix import responsibility_matrix

SNAPSHOT_EVERY = timedelta(seconds=60)
KEEP = timedelta(days=400)
NAMED = 3
"""Failing results that the reason of a check names; of a control or a row it names the first."""
MAX_NAMED = 130
"""Characters of each."""


def take_snapshots(audit: AuditLog, *, catalogue: Catalogue, regions: Sequence[str], now: datetime) -> int:
    """Compare every organization's derived states with those seen last and keep the changes; how many there were."""
    with audit.database.read() as connection:
        ids = [organization.id for organization in organizations.every_organization(connection)]
    return sum(_snapshot(audit, one, catalogue, regions, now) for one in ids)


def forget_old(audit: AuditLog, *, now: datetime) -> int:
    """Remove history older than 400 days; how many changes were removed."""
    with audit.bookkeeping("old history ends by its retention; the log keeps its own record") as connection:
        return store.forget(connection, before=now - KEEP)


def _snapshot(
    audit: AuditLog, organization_id: str, catalogue: Catalogue, regions: Sequence[str], now: datetime
) -> int:
    with audit.database.read() as connection:
        document = responsibility_matrix(
            connection, catalogue=catalogue, organization_id=organization_id, regions=regions, now=now
        )
        before = store.latest(connection, organization_id)
    changes: list[dict[str, object]] = [
        {
            "organization_id": organization_id,
            "kind": kind,
            "subject": subject,
            "state": state,
            "previous": before.get((kind, subject)),
            "reason": _cut(reason, store.MAX_REASON),
            "since": now,
        }
        for (kind, subject), (state, reason) in dict(_states(cast("dict[str, Any]", document))).items()
        if before.get((kind, subject)) != state
    ]
    if changes:
        with audit.bookkeeping("history repeats what evidence and log say already") as connection:
            store.add(connection, changes)
    return len(changes)


def _states(document: dict[str, Any]) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Every state with its reason. The document holds what the organization may see, so only that is named."""
    for row in document["rows"]:
        failing: list[str] = []
        for control in row["controls"]:
            places = [(check["id"], place) for check in control["checks"] for place in check["places"]]
            for check_id, place in places:
                yield (store.CHECK, f"{check_id}@{place['place']}"), (place["state"], _with(place, _failing(place)))
            of_control = [one for _, place in places for one in _failing(place)]
            failing += of_control
            yield (store.CONTROL, control["id"]), (control["state"], _with(control, of_control[:1]))
        yield (store.ROW, row["id"]), (row["state"], _with(row, failing[:1]))


def _failing(place: dict[str, Any]) -> list[str]:
    """What fails in a place and is not accepted, at most `NAMED` of it, then how many more."""
    if place["state"] != "fail":
        return []
    named = [
        _cut(f"{result['resource']}: {result['reason']}", MAX_NAMED)
        for result in place["results"]
        if result["state"] == "fail" and result.get("disposition") is None
    ][:NAMED]
    more = place["resultCounts"].get("fail", 0) - place["acceptedCount"] - len(named)
    return [*named, f"and {more} more"] if named and more > 0 else named


def _with(part: dict[str, Any], failing: list[str]) -> str:
    """The reason, ended by what fails where that is the state."""
    reason = part["reason"] or ""
    if part["state"] != "fail" or not failing:
        return reason
    told = " · ".join(failing)
    return f"{_cut(reason, store.MAX_REASON - len(told) - 1)} {told}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(0, most - 1)] + "…"
