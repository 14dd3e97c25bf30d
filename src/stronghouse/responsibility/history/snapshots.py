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
            "reason": reason[: store.MAX_REASON],
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
    for row in document["rows"]:
        yield (store.ROW, row["id"]), (row["state"], row["reason"] or "")
        for control in row["controls"]:
            yield (store.CONTROL, control["id"]), (control["state"], control["reason"] or "")
            for check in control["checks"]:
                for place in check["places"]:
                    yield (store.CHECK, f"{check['id']}@{place['place']}"), (place["state"], place["reason"] or "")
