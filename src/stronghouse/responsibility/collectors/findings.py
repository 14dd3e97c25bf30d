"""Looks at the findings themselves: which wait for someone to look at them, and which are past their due date."""

from collections.abc import Sequence

from sqlalchemy import Connection

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, rfc3339
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.findings import store
from stronghouse.responsibility.findings.model import Finding, FindingStatus
from stronghouse.responsibility.model import Severity

VERSION = 1
METHOD = (
    "Every unresolved finding without a disposition in force is read: those of critical and high severity that are "
    "still open, by when they were opened; and those whose due date has passed."
)
LISTED = 50
"""Findings named for each organization and list, the oldest first; the counts are of all."""


def collect_findings(connection: Connection, *, clock: Clock) -> Facts:
    """Facts about the findings in `connection`'s snapshot: one resource for each organization that has had any."""
    now = clock.now()
    totals = {None: 0, **store.per_organization(connection)}  # the installation is looked at even without findings
    waiting: dict[str | None, list[Finding]] = {organization_id: [] for organization_id in totals}
    for finding in store.waiting(connection, now=now):
        waiting[finding.organization_id].append(finding)
    resources = []
    for organization_id, found in waiting.items():
        untriaged = [one for one in found if one.status is FindingStatus.OPEN]
        overdue = [one for one in found if one.due_at < now]
        fields: dict[str, Json] = {
            "id": f"findings/{organization_id or 'installation'}",
            "kind": "findings",
            "ever": totals[organization_id],
            "unresolved": len(found),
            "untriaged": {
                severity.value: _oldest(untriaged, severity) for severity in (Severity.CRITICAL, Severity.HIGH)
            },
            "overdue": len(overdue),
            "overdue_list": [{**_named(one), "due_at": rfc3339(one.due_at)} for one in overdue[:LISTED]],
        }
        if organization_id is not None:
            fields["organization_id"] = organization_id
        resources.append(Resource(fields))
    return Facts(
        collector="findings",
        version=VERSION,
        method=METHOD,
        target="findings of the control plane",
        collected_at=now,
        resources=tuple(resources),
    )


def _oldest(untriaged: Sequence[Finding], severity: Severity) -> dict[str, Json]:
    found = sorted((one for one in untriaged if one.severity is severity), key=lambda one: (one.opened_at, one.id))
    return {
        "count": len(found),
        "oldest": [{**_named(one), "opened_at": rfc3339(one.opened_at)} for one in found[:LISTED]],
    }


def _named(one: Finding) -> dict[str, Json]:
    return {"finding": one.id, "severity": one.severity.value, "title": one.title, "resource": one.resource}
