"""What findings and recent changes add to the matrix document."""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import rfc3339
from stronghouse.responsibility import store
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.findings import store as findings_store
from stronghouse.responsibility.findings.model import CHECK, identity
from stronghouse.responsibility.model import ResultState, RowState
from stronghouse.responsibility.store import StoredResult

ResultKey = tuple[str, str, str]
"""Check, place, resource."""
CHANGED_WITHIN = timedelta(hours=24)
LISTED_CHANGES = 50
WORST_FINDINGS = 3


def of_results(
    connection: Connection, results: Sequence[StoredResult], *, now: datetime
) -> dict[ResultKey, dict[str, Json]]:
    """What each failing result says of its finding: which, until when it is to be mended, and whether it is covered."""
    ids = {
        (one.check_id, one.place, one.resource): identity(
            one.organization_id, CHECK, one.check_id, one.resource, one.place
        )
        for one in results
        if one.state is ResultState.FAIL
    }
    found = findings_store.by_ids(connection, ids.values())
    covering = {
        one.finding_id: one
        for one in findings_store.pending_of(connection, found)
        if one.covers(found[one.finding_id], now)
    }
    told: dict[ResultKey, dict[str, Json]] = {}
    for key, finding_id in ids.items():
        finding, disposition = found.get(finding_id), covering.get(finding_id)
        told[key] = {
            "findingId": None if finding is None else finding.id,
            "dueAt": None if finding is None else rfc3339(finding.due_at),
            "disposition": None
            if disposition is None
            else {"kind": disposition.kind.value, "until": rfc3339(disposition.expires_at)},
        }
    return told


def worst(connection: Connection, *, organization_id: str, now: datetime) -> list[Json]:
    """The worst findings that nobody has accepted, with what to do about them."""
    found = findings_store.worst(connection, organization_id=organization_id, now=now, limit=WORST_FINDINGS)
    return [
        {
            "findingId": one.id,
            "source": one.source,
            "sourceId": one.source_id,
            "resource": one.resource,
            "place": one.place,
            "severity": one.severity.value,
            "title": one.title,
            "reason": one.reason,
            "remediation": one.remediation,
            "dueAt": rfc3339(one.due_at),
        }
        for one in found
    ]


def changed_lately(
    connection: Connection,
    catalogue: Catalogue,
    states: Mapping[tuple[str, str], str],
    *,
    seen: Container[tuple[str, str]],
    organization_id: str,
    now: datetime,
) -> list[Json]:
    """Checks that are in another state than a day ago, newest first, with the rows they belong to.

    The recorded changes are those of the whole installation. An organization is told of one only if it ended in the
    state that it sees itself, and of one from or to a failure only if a finding that it sees changed in that time too:
    nobody learns here what is wrong with another organization's services.

    `states` are those of each check and place as it sees them, `seen` the checks and places of which it sees results.
    """
    since = now - CHANGED_WITHIN
    changes: dict[tuple[str, str], dict[str, Any]] = {}
    for change in store.state_changes(connection, since=since):  # newest first
        later = changes.get((change.check, change.place))
        if later is None:
            changes[change.check, change.place] = {
                "before": change.before,
                "after": change.after,
                "changedAt": rfc3339(change.at),
            }
        else:
            later["before"] = change.before
    own = findings_store.changed_sources(connection, organization_id=organization_id, since=since)
    rows: dict[str, list[Json]] = {}
    for row in catalogue.responsibilities:
        for check in catalogue.checks_of_row(row.id):
            rows.setdefault(check.meta.id, []).append(row.id)
    private = {RowState.FAIL.value, RowState.ACCEPTED.value, RowState.MANUAL.value}
    told: list[Json] = []
    for key, net in changes.items():
        if net["before"] == net["after"] or states.get(key) != net["after"]:
            continue
        if key not in own and (private & {net["before"], net["after"]} or key not in seen):
            continue
        told.append({"check": key[0], "place": key[1], **net, "rows": rows.get(key[0], [])})
    return told[:LISTED_CHANGES]
