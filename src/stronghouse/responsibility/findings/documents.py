"""Findings as JSON documents, for the API and for pages."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from stronghouse.kernel.clock import rfc3339
from stronghouse.organizations.operator import is_operator
from stronghouse.responsibility.findings import store
from stronghouse.responsibility.findings.model import Disposition, DispositionState, Finding, Party, Step
from stronghouse.responsibility.findings.persons import member_view

_ASSIGNEE = re.compile(r"(?<=\bassignee: )[0-9a-f-]{36}\b")
MAX_STEPS = 200
"""Steps of its history that a finding is shown with, the newest."""


def finding_list(
    connection: Connection, query: store.Query, *, organization_id: str, now: datetime
) -> tuple[list[dict[str, Any]], bool]:
    """A page of findings that the organization sees, and whether there are more."""
    more = store.Query(**{**query.__dict__, "limit": query.limit + 1})
    found = store.listed(connection, more, organization_id=organization_id, now=now)
    shown = found[: query.limit]
    return _views(connection, shown, organization_id=organization_id, now=now), len(found) > query.limit


def finding_document(connection: Connection, found: Finding, *, organization_id: str, now: datetime) -> dict[str, Any]:
    """One finding with its dispositions and its history, each newest first.

    Every organization sees the installation's findings: to others than its operator they name people by id only.
    """
    (view,) = _views(connection, [found], organization_id=organization_id, now=now)
    dispositions = store.dispositions_of(connection, found.id)
    named = found.organization_id is not None or is_operator(connection, organization_id)
    steps = store.steps_of(connection, found.id, limit=MAX_STEPS)
    members = _assigned(connection, [one.note for one in steps], organization_id=organization_id) if named else {}
    return {
        **view,
        "dispositions": [disposition_view(one, now=now, named=named) for one in dispositions],
        "history": [_step(one, named=named, members=members) for one in steps],
    }


def disposition_view(one: Disposition, *, now: datetime, named: bool = True) -> dict[str, Any]:
    """A disposition; one whose time is over is shown as ended although no job has marked it yet.

    Args:
        one: the disposition.
        now: the time.
        named: whether people and keys are shown by name and address, or by id only.
    """
    over = one.state in store.PENDING and one.expires_at <= now
    return {
        "id": one.id,
        "findingId": one.finding_id,
        "kind": one.kind.value,
        "reason": one.reason,
        "state": DispositionState.ENDED.value if over else one.state.value,
        "severity": one.severity.value,
        "author": _party(one.author, named=named),
        "approver": None if one.approver is None else _party(one.approver, named=named),
        "createdAt": rfc3339(one.created_at),
        "decidedAt": _time(one.decided_at),
        "expiresAt": rfc3339(one.expires_at),
        "endedAt": rfc3339(one.expires_at) if over else _time(one.ended_at),
        "endedBecause": "expired" if over else one.ended_because,
        "duplicateOf": one.duplicate_of,
    }


def _views(
    connection: Connection, found: list[Finding], *, organization_id: str, now: datetime
) -> list[dict[str, Any]]:
    pending = store.pending_of(connection, [one.id for one in found])
    current = {one.finding_id: one for one in pending if one.expires_at > now}
    members = {
        user_id: member_view(connection, user_id, organization_id=organization_id)
        for user_id in {one.assignee for one in found if one.assignee is not None}
    }
    return [
        {
            "id": one.id,
            "scope": "installation" if one.organization_id is None else "organization",
            "source": one.source,
            "sourceId": one.source_id,
            "resource": one.resource,
            "place": one.place,
            "severity": one.severity.value,
            "title": one.title,
            "reason": one.reason,
            "remediation": one.remediation,
            "status": one.status.value,
            "firstSeenAt": rfc3339(one.first_seen_at),
            "openedAt": rfc3339(one.opened_at),
            "lastSeenAt": rfc3339(one.last_seen_at),
            "resolvedAt": _time(one.resolved_at),
            "reopened": one.reopened,
            "assignee": None if one.assignee is None else members[one.assignee],
            "dueAt": rfc3339(one.due_at),
            "disposition": _short(current.get(one.id), one, now),
        }
        for one in found
    ]


def _short(one: Disposition | None, found: Finding, now: datetime) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "id": one.id,
        "kind": one.kind.value,
        "state": one.state.value,
        "until": rfc3339(one.expires_at),
        "covers": one.covers(found, now),
    }


def _assigned(connection: Connection, notes: list[str], *, organization_id: str) -> dict[str, str]:
    """The e-mail addresses of the members whom steps assigned a finding to, by user id; of nobody else."""
    ids = {found for note in notes for found in _ASSIGNEE.findall(note)}
    members = {one: member_view(connection, one, organization_id=organization_id) for one in ids}
    return {user_id: member["email"] for user_id, member in members.items() if member is not None}


def _step(one: Step, *, named: bool, members: Mapping[str, str]) -> dict[str, Any]:
    actor = {"type": one.actor_type, "id": one.actor_id, "details": one.actor_details if named else ""}
    note = _ASSIGNEE.sub(lambda found: members.get(found[0], found[0]), one.note)
    return {"at": rfc3339(one.at), "what": one.what, "actor": actor, "note": note}


def _party(party: Party, *, named: bool) -> dict[str, Any]:
    details = party.details if named else ""
    return {"type": party.type, "id": party.id, "details": details, "userId": party.person}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
