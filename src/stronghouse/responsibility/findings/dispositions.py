"""What may be done with dispositions: ask, approve, decline, withdraw; and how they end by themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from stronghouse.audit.event import SYSTEM, ActorType, Context
from stronghouse.audit.unit_of_work import AuditLog, UnitOfWork
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Conflict, Denied, Invalid, NotFound
from stronghouse.kernel.ids import new_id
from stronghouse.organizations import store as organizations
from stronghouse.responsibility.findings import store
from stronghouse.responsibility.findings.events import (
    DispositionApproved,
    DispositionDeclined,
    DispositionEnded,
    DispositionRequested,
)
from stronghouse.responsibility.findings.model import (
    LONGEST,
    RANK,
    TWO_PERSONS,
    Disposition,
    DispositionKind,
    DispositionState,
    Finding,
    FindingStatus,
    Party,
    Step,
)
from stronghouse.responsibility.findings.persons import person_behind

MAX_REASON = 2000


@dataclass(frozen=True, kw_only=True)
class DispositionRequest:
    """What somebody asks for; `duplicate_of` goes with the kind duplicate and names the finding that stays."""

    kind: DispositionKind
    reason: str
    expires_at: datetime
    duplicate_of: Finding | None = None


def ask(
    uow: UnitOfWork, found: Finding, wanted: DispositionRequest, *, organization_id: str, now: datetime
) -> Disposition:
    """Ask for a disposition of a finding that the caller's organization may change (`actions.find_own`).

    Medium and low ones are in force at once; high and critical ones wait for a second person.

    Raises:
        Invalid: no reason, no such expiry, or no such original.
        Conflict: the finding is resolved, or has one that is in force or requested.
        Denied: it takes two persons, and nobody knows which one this is.
    """
    _check(found, wanted, now)
    if found.status is FindingStatus.RESOLVED:
        raise Conflict("This finding is resolved; there is nothing to leave as it is.", code="finding_resolved")
    pending = store.pending_of(uow.connection, [found.id])
    end_all(uow, [one for one in pending if one.expires_at <= now], {found.id: found}, because="expired", now=now)
    if any(one.expires_at > now for one in pending):
        raise Conflict("This finding has a disposition already; withdraw that one first.", code="disposition_exists")
    if wanted.duplicate_of is not None:
        _check_original(uow, found, wanted.duplicate_of)
    author = _party(uow, organization_id)
    two = found.severity in TWO_PERSONS
    if two and author.person is None:
        raise Denied(
            f"A {found.severity.value} finding takes two persons, and nobody knows whose this API key is; "
            "use one that a person made.",
            code="person_unknown",
        )
    new = Disposition(
        id=new_id(),
        finding_id=found.id,
        kind=wanted.kind,
        reason=wanted.reason.strip(),
        author=author,
        state=DispositionState.REQUESTED if two else DispositionState.IN_FORCE,
        severity=found.severity,
        created_at=now,
        expires_at=wanted.expires_at,
        duplicate_of=None if wanted.duplicate_of is None else wanted.duplicate_of.id,
    )
    store.insert_disposition(uow.connection, new)
    uow.record(DispositionRequested(**_about(uow, found, new), reason=new.reason, in_force=not two))
    _step(uow, found.id, "disposition_request" if two else "disposition_begin", new.reason, now)
    return new


def approve(
    uow: UnitOfWork, found: Finding, disposition_id: str, *, organization_id: str, now: datetime
) -> Disposition:
    """Put a disposition in force, as a second person.

    Raises:
        NotFound: the finding has no such disposition.
        Conflict: it does not wait for approval (any more), or the finding has changed since.
        Denied: the caller is the person who asked, or nobody knows which person the caller is.
    """
    asked = _requested(found, disposition_id, uow, now)
    approver = _party(uow, organization_id)
    if approver.person is None:
        raise Denied(
            "Approving takes a second person, and nobody knows whose this API key is; use one that a person made.",
            code="person_unknown",
        )
    if asked.author.person is None or approver.person == asked.author.person:
        raise Denied("Who asked for a disposition cannot approve it; another person has to.", code="second_person")
    if found.status is FindingStatus.RESOLVED or RANK[found.severity] < RANK[asked.severity]:
        raise Conflict("The finding has changed since; ask again.", code="finding_changed")
    decided = replace(asked, state=DispositionState.IN_FORCE, approver=approver, decided_at=now)
    store.update_disposition(uow.connection, decided)
    uow.record(DispositionApproved(**_about(uow, found, decided), reason=decided.reason))
    _step(uow, found.id, "disposition_begin", decided.reason, now)
    return decided


def decline(
    uow: UnitOfWork, found: Finding, disposition_id: str, *, reason: str, organization_id: str, now: datetime
) -> Disposition:
    """Do not approve a disposition. Anyone who may approve may decline; raises as `approve` does for a missing one."""
    asked = _requested(found, disposition_id, uow, now)
    check_reason(reason)
    party = _party(uow, organization_id)
    decided = replace(asked, state=DispositionState.DECLINED, approver=party, decided_at=now)
    store.update_disposition(uow.connection, decided)
    uow.record(DispositionDeclined(**_about(uow, found, decided), reason=reason.strip()))
    _step(uow, found.id, "disposition_decline", reason.strip(), now)
    return decided


def withdraw(uow: UnitOfWork, found: Finding, disposition_id: str, *, now: datetime) -> Disposition:
    """Take a disposition back, requested or in force. To look at a finding again needs no second person.

    Raises:
        NotFound: the finding has no such disposition.
        Conflict: it has ended already.
    """
    held = _find(found, disposition_id, uow)
    if held.state not in store.PENDING:
        raise Conflict("This disposition has ended already.", code="disposition_ended")
    (ended,) = end_all(uow, [held], {found.id: found}, because="withdrawn", now=now)
    return ended


def end_expired(audit: AuditLog, now: datetime) -> int:
    """Mark dispositions as ended whose time is over, with an event each by the system; how many. For a regular job.

    They cover nothing after their expiry whether this runs or not.
    """
    with audit.database.read() as connection:
        if not store.expired(connection, now=now):
            return 0
    with audit.unit_of_work(Context(SYSTEM)) as uow:
        over = store.expired(uow.connection, now=now)
        findings = store.by_ids(uow.connection, {one.finding_id for one in over})
        return len(end_all(uow, over, findings, because="expired", now=now))


def end_all(
    uow: UnitOfWork, pending: Sequence[Disposition], findings: Mapping[str, Finding], *, because: str, now: datetime
) -> list[Disposition]:
    """End dispositions of these findings, with an event each."""
    ended = []
    for one in pending:
        over = replace(one, state=DispositionState.ENDED, ended_at=now, ended_because=because)
        store.update_disposition(uow.connection, over)
        uow.record(DispositionEnded(**_about(uow, findings[one.finding_id], over), reason=because))
        _step(uow, one.finding_id, "disposition_end", because, now)
        ended.append(over)
    return ended


def subject(found: Finding, uow: UnitOfWork | None = None) -> dict[str, Any]:
    """The fields that every event about a finding has.

    What a person does (with `uow`) about a finding of the installation stands in the log of the organization that
    operates it, the only one that may: otherwise nobody could read it there.
    """
    owner = found.organization_id
    if owner is None and uow is not None and uow.context.actor.type is not ActorType.SYSTEM:
        owner = organizations.first_id(uow.connection)
    return {
        "organization_id": owner,
        "finding": found.id,
        "source": found.source,
        "source_id": found.source_id,
        "resource": found.resource,
        "place": found.place,
        "severity": found.severity.value,
    }


def check_reason(reason: str) -> None:
    """Raise Invalid unless `reason` is 1 to 2000 printable characters."""
    if not 1 <= len(reason.strip()) <= MAX_REASON or not reason.strip().isprintable():
        raise Invalid(f"Say why, in 1 to {MAX_REASON} printable characters.", code="reason_invalid")


def _check(found: Finding, wanted: DispositionRequest, now: datetime) -> None:
    check_reason(wanted.reason)
    latest = now + LONGEST[found.severity]
    if not now < wanted.expires_at <= latest:
        raise Invalid(
            f"A disposition of a {found.severity.value} finding ends between now and {rfc3339(latest)}.",
            code="expiry_invalid",
        )
    if (wanted.kind is DispositionKind.DUPLICATE) != (wanted.duplicate_of is not None):
        raise Invalid("A duplicate, and nothing else, names the finding that it repeats.", code="duplicate_invalid")


def _check_original(uow: UnitOfWork, found: Finding, original: Finding) -> None:
    """The original stays to be mended: another one, unresolved, and no duplicate itself (that might make a ring)."""
    of_original = store.pending_of(uow.connection, [original.id])
    if (
        original.id == found.id
        or original.status is FindingStatus.RESOLVED
        or any(one.kind is DispositionKind.DUPLICATE for one in of_original)
    ):
        raise Invalid("A duplicate names another unresolved finding that is no duplicate.", code="duplicate_invalid")


def _find(found: Finding, disposition_id: str, uow: UnitOfWork) -> Disposition:
    for one in store.dispositions_of(uow.connection, found.id):
        if one.id == disposition_id:
            return one
    raise NotFound("There is no such disposition.")


def _requested(found: Finding, disposition_id: str, uow: UnitOfWork, now: datetime) -> Disposition:
    held = _find(found, disposition_id, uow)
    if held.state is not DispositionState.REQUESTED or held.expires_at <= now:
        raise Conflict("This disposition does not wait for a decision.", code="disposition_decided")
    return held


def _party(uow: UnitOfWork, organization_id: str) -> Party:
    actor = uow.context.actor
    person = person_behind(
        uow.connection, actor_type=actor.type.value, actor_id=actor.id, organization_id=organization_id
    )
    return Party(actor.type.value, actor.id, actor.details, person)


def _about(uow: UnitOfWork, found: Finding, one: Disposition) -> dict[str, Any]:
    return {**subject(found, uow), "disposition": one.id, "kind": one.kind.value, "expires_at": one.expires_at}


def _step(uow: UnitOfWork, finding_id: str, what: str, note: str, now: datetime) -> None:
    actor = uow.context.actor
    step = Step(now, what, actor.type.value, actor.id, actor.details, note)
    store.add_steps(uow.connection, {finding_id: step})
