"""Findings: the list, one of them with its history, and what may be done with it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.console.equivalents import Equivalent
from stronghouse.console.form_errors import REFUSALS, status_of
from stronghouse.console.state import Field, Text, Visit, visit
from stronghouse.kernel.clock import parse_rfc3339, rfc3339
from stronghouse.kernel.errors import Invalid, StronghouseError
from stronghouse.kernel.ids import parse_uuid
from stronghouse.organizations.operator import is_operator
from stronghouse.responsibility.findings import actions, dispositions, documents, store
from stronghouse.responsibility.findings.cursor import cursor_after, parse_cursor
from stronghouse.responsibility.findings.model import (
    LONGEST,
    TWO_PERSONS,
    UNRESOLVED,
    Disposed,
    DispositionKind,
    FindingStatus,
)
from stronghouse.responsibility.model import Severity

router = APIRouter(prefix="/findings")
SHOWN = 100
USUAL = timedelta(days=30)
"""How long a disposition is proposed for."""
Decision = Literal["approve", "decline", "withdraw"]
Word = Annotated[str, Query(max_length=64)]
DONE = {
    "triaged": "The finding is yours.",
    "in_progress": "You work on the finding.",
    "asked": "The disposition waits for a second person.",
    "begun": "The disposition is in force.",
    "approve": "The disposition is in force.",
    "decline": "The disposition was declined.",
    "withdraw": "The disposition was withdrawn; the finding counts again.",
}
"""What was done, by the word that an act leads back with."""
STEPS = {
    "open": "opened",
    "reopen": "came back, reported",
    "resolve": "resolved",
    "update": "changed",
    "disposition_request": "disposition asked for",
    "disposition_begin": "disposition put in force",
    "disposition_decline": "disposition declined",
    "disposition_end": "disposition ended",
}
"""What happened to a finding, in words."""
BLAMED = {"kind_invalid": "kind", "reason_invalid": "reason", "expiry_invalid": "until"}
"""The field that is to blame for an error."""


@dataclass(frozen=True)
class Wanted:
    """What the address asks to see; None for everything, of statuses for all that are not resolved."""

    severity: Severity | None
    status: FindingStatus | None
    disposition: Disposed | None
    row: str | None

    @property
    def texts(self) -> dict[str, str]:
        """The filters that ask for something."""
        return {name: str(value) for name, value in self.__dict__.items() if value}

    def address(self, prefix: str = "", **more: str) -> str:
        """Where a list of these is."""
        query = urlencode({**self.texts, **more})
        return f"{prefix}/findings?{query}" if query else f"{prefix}/findings"


@dataclass(frozen=True)
class Asked:
    """What a form asked for, to be shown again with what was wrong."""

    kind: str = ""
    reason: str = ""
    until: str = ""


@router.get("")
def list_page(
    request: Request,
    severity: Annotated[Severity | Literal[""], Query()] = "",
    status: Annotated[FindingStatus | Literal[""], Query()] = "",
    disposition: Annotated[Disposed | Literal[""], Query()] = "",
    row: Word = "",
    cursor: Annotated[str, Query(max_length=120)] = "",
) -> Response:
    """The findings, worst and most urgent first."""
    visitor = visit(request)
    wanted = Wanted(severity or None, status or None, disposition or None, row or None)
    now = visitor.plane.clock.now()
    query = store.Query(
        statuses=UNRESOLVED if wanted.status is None else (wanted.status,),
        severity=wanted.severity,
        source_ids=_checks_of(visitor, wanted.row),
        disposition=wanted.disposition,
        after=parse_cursor(cursor) if cursor else None,
        limit=SHOWN,
    )
    with visitor.plane.database.read() as connection:
        shown, more = documents.finding_list(connection, query, organization_id=visitor.organization_id, now=now)
        last = store.find(connection, shown[-1]["id"]) if more else None
    options = [word for name, value in wanted.texts.items() for word in (f"--{name}", value)]
    return visitor.page(
        "findings.html",
        findings=[_dated(one, now) for one in shown],
        wanted=wanted,
        cursor=cursor,
        older=None if last is None else wanted.address(cursor=cursor_after(last)),
        severities=[*Severity],
        statuses=[*FindingStatus],
        disposed=get_args(Disposed),
        rows=visitor.plane.catalogue.responsibilities,
        as_code=visitor.equivalents.of("finding", "list", *options, path=wanted.address()),
    )


@router.get("/{finding_id}")
def finding_page(request: Request, finding_id: str, done: Word = "") -> Response:
    """One finding."""
    return _finding_page(visit(request), finding_id, done=done)


@router.post("/{finding_id}/status")
def set_status(
    request: Request, finding_id: str, status: Literal[FindingStatus.TRIAGED, FindingStatus.IN_PROGRESS]
) -> Response:
    """Take a finding up."""
    visitor = visit(request, Permission.FINDINGS_MANAGE)
    try:
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            actions.update_finding(
                uow,
                organization_id=visitor.organization_id,
                finding_id=finding_id,
                status=status,
                assignee=visitor.caller.user.id,
                now=visitor.plane.clock.now(),
            )
    except REFUSALS as error:
        return _finding_page(visitor, finding_id, error=error)
    return _back(finding_id, status.value)


@router.post("/{finding_id}/dispositions")
def ask_for_disposition(request: Request, finding_id: str, kind: Field, reason: Text, until: Field) -> Response:
    """Ask to leave it as it is until a day."""
    visitor = visit(request, Permission.FINDINGS_MANAGE)
    organization_id, now = visitor.organization_id, visitor.plane.clock.now()
    try:
        wanted = dispositions.DispositionRequest(kind=_kind(kind), reason=reason, expires_at=_end_of(until))
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            found = actions.find_own(uow.connection, organization_id=organization_id, finding_id=finding_id)
            dispositions.ask(uow, found, wanted, organization_id=organization_id, now=now)
    except REFUSALS as error:
        return _finding_page(visitor, finding_id, error=error, asked=Asked(kind, reason, until))
    return _back(finding_id, "asked" if found.severity in TWO_PERSONS else "begun")


@router.post("/{finding_id}/dispositions/{disposition_id}/{decision}")
def decide(request: Request, finding_id: str, disposition_id: str, decision: Decision, reason: Text = "") -> Response:
    """Approve, decline or withdraw a disposition."""
    needed = Permission.FINDINGS_MANAGE if decision == "withdraw" else Permission.DISPOSITIONS_APPROVE
    visitor = visit(request, needed)
    one, organization_id, now = parse_uuid(disposition_id), visitor.organization_id, visitor.plane.clock.now()
    try:
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            found = actions.find_own(uow.connection, organization_id=organization_id, finding_id=finding_id)
            if decision == "approve":
                dispositions.approve(uow, found, one, organization_id=organization_id, now=now)
            elif decision == "decline":
                dispositions.decline(uow, found, one, reason=reason, organization_id=organization_id, now=now)
            else:
                dispositions.withdraw(uow, found, one, now=now)
    except REFUSALS as error:
        return _finding_page(visitor, finding_id, error=error, declined=reason)
    return _back(finding_id, decision)


def _finding_page(
    visitor: Visit,
    finding_id: str,
    *,
    done: str = "",
    error: StronghouseError | None = None,
    asked: Asked | None = None,
    declined: str = "",
) -> Response:
    """The page of a finding; `declined` is the reason of a decision that was refused."""
    now = visitor.plane.clock.now()
    with visitor.plane.database.read() as connection:
        found = actions.find_finding(connection, organization_id=visitor.organization_id, finding_id=finding_id)
        document = documents.finding_document(connection, found, organization_id=visitor.organization_id, now=now)
        own = found.organization_id is not None or is_operator(connection, visitor.organization_id)
    latest = now + LONGEST[found.severity]
    proposed = min(now + USUAL, latest)
    return visitor.page(
        "finding.html",
        status=200 if error is None else status_of(error),
        finding=_dated(document, now),
        done=DONE.get(done),
        problems={} if error is None else {BLAMED.get(error.code, ""): error.public},
        asked=asked or Asked(until=str(proposed.date())),
        declined=declined,
        kinds=[kind for kind in DispositionKind if kind is not DispositionKind.DUPLICATE],
        latest=latest.date(),
        steps=STEPS,
        two=found.severity in TWO_PERSONS,
        own=own,
        may_manage=own and visitor.may(Permission.FINDINGS_MANAGE),
        may_approve=own and visitor.may(Permission.DISPOSITIONS_APPROVE),
        permission=Permission,
        take_up=_take_up(visitor, document),
        ask_until=rfc3339(_end_of(str(proposed.date()))),
    )


def _take_up(visitor: Visit, finding: dict[str, Any]) -> Equivalent:
    """The next step of the work without the console: on the command line, to look at it and to take it are two."""
    one, email = finding["id"], visitor.caller.user.email
    word, status = ("start", "in_progress") if finding["status"] == "triaged" else ("triage", "triaged")
    body = {"status": status, "assignee": email}
    step = visitor.equivalents.of("finding", word, one, method="PATCH", path=f"/findings/{one}", body=body)
    assign = visitor.equivalents.of("finding", "assign", one, email)
    return Equivalent(f"{step.cli}\n{assign.cli}", step.curl)


def _dated(finding: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A finding that knows whether it is overdue."""
    late = finding["status"] != FindingStatus.RESOLVED.value and parse_rfc3339(finding["dueAt"]) <= now
    return {**finding, "overdue": late}


def _checks_of(visitor: Visit, row: str | None) -> list[str] | None:
    """The checks of a responsibility; None for all. Raises Invalid if there is no such row."""
    if row is None:
        return None
    catalogue = visitor.plane.catalogue
    if row not in {one.id for one in catalogue.responsibilities}:
        raise Invalid("There is no such responsibility.", code="row_unknown")
    return [check.meta.id for check in catalogue.checks_of_row(row)]


def _back(finding_id: str, done: str) -> RedirectResponse:
    return RedirectResponse(f"/findings/{finding_id}?done={done}", status_code=303)


def _kind(text: str) -> DispositionKind:
    try:
        return DispositionKind(text)
    except ValueError:
        raise Invalid("Choose why the finding may stay as it is.", code="kind_invalid") from None


def _end_of(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), UTC)
    except ValueError:
        raise Invalid("Give the last day as a date, as in 2027-01-31.", code="expiry_invalid") from None
