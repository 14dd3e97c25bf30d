"""What may be done with findings: report, close, all of one look at once, and the work on one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Conflict, Invalid, NotFound
from stronghouse.organizations.operator import require_operator
from stronghouse.responsibility.findings import store
from stronghouse.responsibility.findings.dispositions import end_all, subject
from stronghouse.responsibility.findings.events import (
    FindingOpened,
    FindingReopened,
    FindingResolved,
    FindingUpdated,
    ManyFindingsChanged,
)
from stronghouse.responsibility.findings.model import (
    CHECK,
    DUE_AFTER,
    LONGEST,
    RANK,
    SILENT_COLLECTORS,
    TWO_PERSONS,
    Finding,
    FindingReport,
    FindingStatus,
    Step,
)
from stronghouse.responsibility.findings.persons import find_member
from stronghouse.responsibility.model import CheckMeta, ResultState
from stronghouse.responsibility.store import StoredResult

EVENTS_PER_LOOK = 50
"""Findings of one check with an event each, in one look; those beyond share events of up to `IDS_PER_EVENT`."""
IDS_PER_EVENT = 1_000
MIN_PREFIX, ID_LENGTH = 12, 64
NO_LONGER = "The last look no longer reports it."


def record(uow: UnitOfWork, meta: CheckMeta, results: Sequence[StoredResult], *, place: str, now: datetime) -> None:
    """Bring the findings of a check in one place in line with a look that worked.

    What fails is opened, reopened or seen again. What passes now, does not apply any more or is gone is resolved; what
    waits for a person to judge stays as it is. The number of statements does not grow with the number of results.
    """
    if meta.collector in SILENT_COLLECTORS:
        return
    held = {(one.organization_id, one.resource): one for one in _of_check(uow.connection, meta, place)}
    failing = [result for result in results if result.state is ResultState.FAIL]
    kept = {
        (one.organization_id, one.resource) for one in results if one.state in {ResultState.FAIL, ResultState.MANUAL}
    }
    gone = [one for key, one in held.items() if key not in kept and one.status is not FindingStatus.RESOLVED]
    new, returned, changed = [], [], []
    for result in failing:
        former = held.get((result.organization_id, result.resource))
        if former is None:
            new.append(_new(_report(meta, result), now))
        elif former.status is FindingStatus.RESOLVED:
            returned.append(_reopened(former, _report(meta, result), now))
        elif (former.reason, former.severity) != (result.reason, meta.severity) or _retold(former, meta):
            changed.append((former, _refreshed(former, _report(meta, result), now)))
    store.insert_all(uow.connection, new)
    store.update_all(uow.connection, [*returned, *(after for _, after in changed)])
    if failing:
        store.touch(uow.connection, source=CHECK, source_id=meta.id, place=place, now=now)
    for what, found in (("open", new), ("reopen", returned)):
        _note(uow, found, what=what, now=now)
    _note_graver(uow, changed, now)
    _resolve(uow, gone, reason=NO_LONGER, now=now)


def report(uow: UnitOfWork, found: FindingReport, *, now: datetime) -> str:
    """Open a finding, reopen it, or note that it was seen again; its id.

    Seeing the same again is no event: the caller's unit of work records one of its own (that it looked).
    """
    former = store.find(uow.connection, found.identity())
    if former is None:
        new = _new(found, now)
        store.insert_all(uow.connection, [new])
        _note(uow, [new], what="open", now=now)
        return new.id
    if former.status is FindingStatus.RESOLVED:
        back = _reopened(former, found, now)
        store.update_all(uow.connection, [back])
        _note(uow, [back], what="reopen", now=now)
    else:
        after = _refreshed(former, found, now)
        store.update_all(uow.connection, [after])
        _note_graver(uow, [(former, after)], now)
    return former.id


def close(uow: UnitOfWork, finding_id: str, *, reason: str, now: datetime) -> None:
    """Resolve a finding because what reported it looked, successfully, and no longer does. Closing again does nothing.

    Raises:
        NotFound: there is no such finding.
    """
    found = store.find(uow.connection, finding_id)
    if found is None:
        raise NotFound("There is no such finding.")
    if found.status is not FindingStatus.RESOLVED:
        _resolve(uow, [found], reason=reason, now=now)


def find_finding(connection: Connection, *, organization_id: str, finding_id: str) -> Finding:
    """A finding that the organization sees, by its id or its first twelve digits or more; raises NotFound."""
    prefix = finding_id.lower()
    hexadecimal = MIN_PREFIX <= len(prefix) <= ID_LENGTH and all(digit in "0123456789abcdef" for digit in prefix)
    matches = store.find_visible(connection, organization_id=organization_id, prefix=prefix) if hexadecimal else []
    if len(matches) != 1:
        raise NotFound("There is no such finding.")
    return matches[0]


def find_own(connection: Connection, *, organization_id: str, finding_id: str) -> Finding:
    """A finding that the organization may change.

    Raises:
        NotFound: it sees no such finding.
        Denied: it is the installation's, and another organization operates that.
    """
    found = find_finding(connection, organization_id=organization_id, finding_id=finding_id)
    if found.organization_id is None:
        require_operator(connection, organization_id)
    return found


def update_finding(
    uow: UnitOfWork,
    *,
    organization_id: str,
    finding_id: str,
    status: FindingStatus | None = None,
    assignee: str | None = None,
    unassign: bool = False,
    due_at: datetime | None = None,
    now: datetime,
) -> Finding:
    """Change the work on a finding; what is None stays. `assignee` is a member's user id or e-mail address.

    Raises:
        NotFound, Denied: as `find_own` says.
        Conflict: it is resolved.
        Invalid: the status is not for people to set, the assignee is no member, or the date is not allowed.
    """
    before = find_own(uow.connection, organization_id=organization_id, finding_id=finding_id)
    if before.status is FindingStatus.RESOLVED:
        raise Conflict("This finding is resolved; it opens again when a look finds it again.", code="finding_resolved")
    after = before
    if status is not None:
        if status not in {FindingStatus.TRIAGED, FindingStatus.IN_PROGRESS}:
            raise Invalid("Set the status triaged or in_progress; looks do the rest.", code="status_invalid")
        after = replace(after, status=status)
    if assignee is not None or unassign:
        member = None if assignee is None else find_member(uow.connection, assignee, organization_id=organization_id)
        after = replace(after, assignee=None if member is None else member.id)
    if due_at is not None:
        _check_due(before, due_at, now)
        after = replace(after, due_at=due_at)
    changes = _changes(before, after)
    if changes:
        store.update_all(uow.connection, [after])
        uow.record(FindingUpdated(**subject(after, uow), changes=changes))
        told = "; ".join(f"{name}: {new}" for name, (_, new) in changes.items())
        store.add_steps(uow.connection, {after.id: step(uow, "update", told, now)})
    return after


def step(uow: UnitOfWork, what: str, note: str, now: datetime) -> Step:
    """What the caller of this unit of work does now, for the history of a finding."""
    actor = uow.context.actor
    return Step(now, what, actor.type.value, actor.id, actor.details, note)


def _check_due(found: Finding, due_at: datetime, now: datetime) -> None:
    """A later date is a way to accept a finding: no further than a disposition reaches, and not where it takes two."""
    limits = DUE_AFTER if found.severity in TWO_PERSONS else LONGEST
    latest = max(found.due_at, found.opened_at + limits[found.severity])
    if not now < due_at <= latest:
        raise Invalid(
            f"A {found.severity.value} finding is due between now and {rfc3339(latest)}; "
            "to leave it longer, ask for a disposition.",
            code="due_date_invalid",
        )


def _changes(before: Finding, after: Finding) -> dict[str, list[str | None]]:
    def told(one: Finding) -> dict[str, str | None]:
        return {
            "status": one.status.value,
            "assignee": one.assignee,
            "due_at": rfc3339(one.due_at),
            "severity": one.severity.value,
        }

    old, new = told(before), told(after)
    return {name: [old[name], new[name]] for name in old if old[name] != new[name]}


def _of_check(connection: Connection, meta: CheckMeta, place: str) -> list[Finding]:
    return store.of_source(connection, source=CHECK, source_id=meta.id, place=place)


def _report(meta: CheckMeta, result: StoredResult) -> FindingReport:
    return FindingReport(
        organization_id=result.organization_id,
        source=CHECK,
        source_id=meta.id,
        resource=result.resource,
        place=result.place,
        severity=meta.severity,
        title=meta.title,
        reason=result.reason,
        remediation=meta.remediation,
    )


def _retold(former: Finding, meta: CheckMeta) -> bool:
    return (former.title, former.remediation) != (meta.title, meta.remediation)


def _new(found: FindingReport, now: datetime) -> Finding:
    return Finding(
        id=found.identity(),
        **found.__dict__,
        status=FindingStatus.OPEN,
        first_seen_at=now,
        opened_at=now,
        last_seen_at=now,
        resolved_at=None,
        reopened=0,
        assignee=None,
        due_at=now + DUE_AFTER[found.severity],
    )


def _reopened(former: Finding, found: FindingReport, now: datetime) -> Finding:
    new = _new(found, now)
    return replace(new, first_seen_at=former.first_seen_at, reopened=former.reopened + 1, assignee=former.assignee)


def _refreshed(former: Finding, found: FindingReport, now: datetime) -> Finding:
    """The finding as it is told now. One that grew worse is due at least as early as if it were new."""
    graver = RANK[found.severity] < RANK[former.severity]
    return replace(
        former,
        severity=found.severity,
        title=found.title,
        reason=found.reason,
        remediation=found.remediation,
        last_seen_at=now,
        due_at=min(former.due_at, now + DUE_AFTER[found.severity]) if graver else former.due_at,
    )


def _note_graver(uow: UnitOfWork, changed: Iterable[tuple[Finding, Finding]], now: datetime) -> None:
    """Record another severity, and end the dispositions of what is worse now. Another reason is no event."""
    other = [(before, after) for before, after in changed if before.severity is not after.severity]
    worse = {after.id: after for before, after in other if RANK[after.severity] < RANK[before.severity]}
    if worse:
        end_all(uow, store.pending_of(uow.connection, worse), worse, because="severity_raised", now=now)
    _note(uow, [after for _, after in other], what="update", now=now, before={a.id: b for b, a in other})


def _resolve(uow: UnitOfWork, gone: Sequence[Finding], *, reason: str, now: datetime) -> None:
    resolved = [replace(one, status=FindingStatus.RESOLVED, resolved_at=now) for one in gone]
    if not resolved:
        return
    store.update_all(uow.connection, resolved)
    _note(uow, resolved, what="resolve", now=now, reason=reason)
    if not store.any_pending(uow.connection):
        return
    ids = {one.id: one for one in resolved}
    end_all(uow, store.pending_of(uow.connection, ids), ids, because="resolved", now=now)
    copies = store.pending_of(uow.connection, ids, as_target=True)
    subjects = store.by_ids(uow.connection, {one.finding_id for one in copies})
    end_all(uow, copies, subjects, because="duplicate_resolved", now=now)


def _note(
    uow: UnitOfWork,
    found: Sequence[Finding],
    *,
    what: str,
    now: datetime,
    reason: str = "",
    before: Mapping[str, Finding] | None = None,
) -> None:
    """Write history and events: one each for the first, shared ones for the rest, so that no look floods the log."""
    notes = {one.id: reason or one.reason for one in found}
    store.add_steps(uow.connection, {one.id: step(uow, what, notes[one.id], now) for one in found})
    for one in found[:EVENTS_PER_LOOK]:
        fields = subject(one)
        if what == "open":
            uow.record(FindingOpened(**fields, reason=one.reason, due_at=one.due_at))
        elif what == "reopen":
            uow.record(FindingReopened(**fields, reason=one.reason, due_at=one.due_at))
        elif what == "resolve":
            uow.record(FindingResolved(**fields, reason=reason))
        else:
            uow.record(FindingUpdated(**fields, changes=_changes((before or {})[one.id], one)))
    rest: dict[str | None, list[Finding]] = {}
    for one in found[EVENTS_PER_LOOK:]:
        rest.setdefault(one.organization_id, []).append(one)
    for organization_id, many in rest.items():
        for start in range(0, len(many), IDS_PER_EVENT):
            some = many[start : start + IDS_PER_EVENT]
            uow.record(
                ManyFindingsChanged(
                    organization_id=organization_id,
                    what=what,
                    source=some[0].source,
                    source_id=some[0].source_id,
                    place=some[0].place,
                    count=len(some),
                    findings=[one.id for one in some],
                )
            )
