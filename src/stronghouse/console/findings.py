"""Findings: the list, one of them with its history, and what may be done with it."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.console.state import Field, Text, Visit, visit
from stronghouse.kernel.errors import Invalid, StronghouseError
from stronghouse.kernel.ids import parse_uuid
from stronghouse.responsibility.findings import actions, dispositions, documents, store
from stronghouse.responsibility.findings.model import UNRESOLVED, DispositionKind, FindingStatus
from stronghouse.responsibility.model import Severity

router = APIRouter(prefix="/findings")
SHOWN = 200
Decision = Literal["approve", "decline", "withdraw"]


@router.get("")
def list_page(
    request: Request, severity: Severity | None = None, status: Annotated[FindingStatus | None, Query()] = None
) -> Response:
    """The findings, worst and most urgent first."""
    visitor = visit(request)
    query = store.Query(
        statuses=UNRESOLVED if status is None else (status,),
        severity=severity,
        source_ids=None,
        resource=None,
        disposition=None,
        after=None,
        limit=SHOWN,
    )
    with visitor.plane.database.read() as connection:
        shown, more = documents.finding_list(
            connection, query, organization_id=visitor.organization_id, now=visitor.plane.clock.now()
        )
    return visitor.page(
        "findings.html",
        findings=shown,
        more=more,
        severity=severity,
        wanted=status,
        severities=[*Severity],
        statuses=[*FindingStatus],
    )


@router.get("/{finding_id}")
def finding_page(request: Request, finding_id: str) -> Response:
    """One finding."""
    return _finding_page(visit(request), finding_id)


@router.post("/{finding_id}/status")
def set_status(
    request: Request, finding_id: str, status: Literal[FindingStatus.TRIAGED, FindingStatus.IN_PROGRESS]
) -> Response:
    """Take a finding up."""
    visitor = visit(request)
    visitor.require(Permission.FINDINGS_MANAGE)
    with visitor.plane.audit.unit_of_work(visitor.context) as uow:
        actions.update_finding(
            uow,
            organization_id=visitor.organization_id,
            finding_id=finding_id,
            status=status,
            assignee=visitor.caller.user.id,
            unassign=False,
            due_at=None,
            now=visitor.plane.clock.now(),
        )
    return RedirectResponse(f"/findings/{finding_id}", status_code=303)


@router.post("/{finding_id}/dispositions")
def ask_for_disposition(request: Request, finding_id: str, kind: Field, reason: Text, until: Field) -> Response:
    """Ask to leave it as it is until a day."""
    visitor = visit(request)
    visitor.require(Permission.FINDINGS_MANAGE)
    now = visitor.plane.clock.now()
    try:
        wanted = dispositions.DispositionRequest(kind=_kind(kind), reason=reason, expires_at=_end_of(until))
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            found = actions.find_own(uow.connection, organization_id=visitor.organization_id, finding_id=finding_id)
            dispositions.ask(uow, found, wanted, organization_id=visitor.organization_id, now=now)
    except StronghouseError as error:
        if error.kind == "not_found":
            raise
        return _finding_page(visitor, finding_id, problem=error.public, status=400)
    return RedirectResponse(f"/findings/{finding_id}", status_code=303)


@router.post("/{finding_id}/dispositions/{disposition_id}/{decision}")
def decide(
    request: Request,
    finding_id: str,
    disposition_id: str,
    decision: Decision,
    reason: Text = "Declined in the console.",
) -> Response:
    """Approve, decline or withdraw a disposition."""
    visitor = visit(request)
    visitor.require(Permission.FINDINGS_MANAGE if decision == "withdraw" else Permission.DISPOSITIONS_APPROVE)
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
    except StronghouseError as error:
        if error.kind == "not_found":
            raise
        return _finding_page(visitor, finding_id, problem=error.public, status=400)
    return RedirectResponse(f"/findings/{finding_id}", status_code=303)


def _finding_page(visitor: Visit, finding_id: str, *, problem: str | None = None, status: int = 200) -> Response:
    with visitor.plane.database.read() as connection:
        found = actions.find_finding(connection, organization_id=visitor.organization_id, finding_id=finding_id)
        document = documents.finding_document(
            connection, found, organization_id=visitor.organization_id, now=visitor.plane.clock.now()
        )
    return visitor.page(
        "finding.html",
        status=status,
        finding=document,
        problem=problem,
        kinds=[kind for kind in DispositionKind if kind is not DispositionKind.DUPLICATE],
        may_manage=visitor.may(Permission.FINDINGS_MANAGE),
        may_approve=visitor.may(Permission.DISPOSITIONS_APPROVE),
    )


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
