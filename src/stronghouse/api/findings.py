"""`/v1/organizations/{organization}/findings`, their dispositions, and who is accountable for a row. Ours."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body, Moment, in_utc
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.responsibility.findings import accountable, actions, dispositions, documents, store
from stronghouse.responsibility.findings.cursor import cursor_after, parse_cursor
from stronghouse.responsibility.findings.model import UNRESOLVED, Disposed, DispositionKind, FindingStatus
from stronghouse.responsibility.model import Severity

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}")


class Filters(Body):
    """What `GET findings` may be asked for."""

    status: list[FindingStatus] = Field(default_factory=list, max_length=4)
    severity: Severity | None = None
    check: str | None = Field(default=None, max_length=80)
    row: str | None = Field(default=None, max_length=80)
    resource: str | None = Field(default=None, max_length=4096)
    disposition: Disposed | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    cursor: str | None = Field(default=None, max_length=120)


class FindingPatch(Body):
    """A change of the work on a finding; `assignee: null` names nobody."""

    status: Literal[FindingStatus.TRIAGED, FindingStatus.IN_PROGRESS] | None = None
    assignee: str | None = Field(default=None, max_length=320)
    dueAt: Moment = None  # noqa: N815 - the wire's name


class DispositionPost(Body):
    """What is asked for."""

    kind: DispositionKind
    reason: str = Field(max_length=2000)
    expiresAt: datetime  # noqa: N815
    duplicateOf: str | None = Field(default=None, max_length=64)  # noqa: N815


class Approval(Body):
    """Approving and withdrawing need no words."""


class Refusal(Body):
    """Declining says why."""

    reason: str = Field(max_length=2000)


class AccountablePut(Body):
    """A member, by user id or e-mail address."""

    member: str = Field(max_length=320)


@router.get("/findings")
@access(Permission.RESPONSIBILITIES_VIEW)
def list_findings(request: Request, organization_id: str, filters: Annotated[Filters, Query()]) -> Response:
    """The organization's findings and the installation's, worst and most urgent first; unresolved ones by default."""
    plane: ControlPlane = request.app.state.plane
    query = store.Query(
        statuses=filters.status or UNRESOLVED,
        severity=filters.severity,
        source_ids=_source_ids(plane, filters),
        resource=filters.resource,
        disposition=filters.disposition,
        after=None if filters.cursor is None else parse_cursor(filters.cursor),
        limit=filters.limit,
    )
    with plane.database.read() as connection:
        shown, more = documents.finding_list(connection, query, organization_id=organization_id, now=plane.clock.now())
        last = store.find(connection, shown[-1]["id"]) if more else None
    cursor = None if last is None else cursor_after(last)
    return success(request, shown, extra=None if cursor is None else {"nextCursor": cursor})


@router.get("/findings/{finding_id}")
@access(Permission.RESPONSIBILITIES_VIEW)
def get_finding(request: Request, organization_id: str, finding_id: str) -> Response:
    """One finding, by its id or its first twelve digits, with its dispositions and its history."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = actions.find_finding(connection, organization_id=organization_id, finding_id=finding_id)
        document = documents.finding_document(connection, found, organization_id=organization_id, now=plane.clock.now())
    return success(request, document)


@router.patch("/findings/{finding_id}")
@access(Permission.FINDINGS_MANAGE)
def update_finding(request: Request, organization_id: str, finding_id: str, body: FindingPatch) -> Response:
    """Take a finding up, give it to a member, or set when it is due."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    now = plane.clock.now()
    with plane.audit.unit_of_work(caller.context) as uow:
        found = actions.update_finding(
            uow,
            organization_id=organization_id,
            finding_id=finding_id,
            status=body.status,
            assignee=body.assignee,
            unassign="assignee" in body.model_fields_set and body.assignee is None,
            due_at=in_utc(body.dueAt),
            now=now,
        )
        document = documents.finding_document(uow.connection, found, organization_id=organization_id, now=now)
    return success(request, document)


@router.post("/findings/{finding_id}/dispositions")
@access(Permission.FINDINGS_MANAGE)
def ask_for_disposition(request: Request, organization_id: str, finding_id: str, body: DispositionPost) -> Response:
    """Ask to leave a finding as it is until a date; at critical and high severity a second person has to approve."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    now = plane.clock.now()
    expires_at = in_utc(body.expiresAt)
    if expires_at is None:
        raise Invalid("A disposition needs an end.", code="expiry_invalid")
    with plane.audit.unit_of_work(caller.context) as uow:
        found = actions.find_own(uow.connection, organization_id=organization_id, finding_id=finding_id)
        original = (
            None
            if body.duplicateOf is None
            else actions.find_finding(uow.connection, organization_id=organization_id, finding_id=body.duplicateOf)
        )
        wanted = dispositions.DispositionRequest(
            kind=body.kind, reason=body.reason, expires_at=expires_at, duplicate_of=original
        )
        new = dispositions.ask(uow, found, wanted, organization_id=organization_id, now=now)
    return success(request, documents.disposition_view(new, now=now))


@router.post("/findings/{finding_id}/dispositions/{disposition_id}/approve")
@access(Permission.DISPOSITIONS_APPROVE)
def approve_disposition(
    request: Request,
    organization_id: str,
    finding_id: str,
    disposition_id: str,
    body: Approval,  # noqa: ARG001 - every POST takes an object
) -> Response:
    """Put a disposition in force, as another person than the one who asked."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    now = plane.clock.now()
    with plane.audit.unit_of_work(caller.context) as uow:
        found = actions.find_own(uow.connection, organization_id=organization_id, finding_id=finding_id)
        decided = dispositions.approve(uow, found, parse_uuid(disposition_id), organization_id=organization_id, now=now)
    return success(request, documents.disposition_view(decided, now=now))


@router.post("/findings/{finding_id}/dispositions/{disposition_id}/decline")
@access(Permission.DISPOSITIONS_APPROVE)
def decline_disposition(
    request: Request, organization_id: str, finding_id: str, disposition_id: str, body: Refusal
) -> Response:
    """Do not approve a disposition."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    now = plane.clock.now()
    with plane.audit.unit_of_work(caller.context) as uow:
        found = actions.find_own(uow.connection, organization_id=organization_id, finding_id=finding_id)
        decided = dispositions.decline(
            uow, found, parse_uuid(disposition_id), reason=body.reason, organization_id=organization_id, now=now
        )
    return success(request, documents.disposition_view(decided, now=now))


@router.post("/findings/{finding_id}/dispositions/{disposition_id}/withdraw")
@access(Permission.FINDINGS_MANAGE)
def withdraw_disposition(
    request: Request,
    organization_id: str,
    finding_id: str,
    disposition_id: str,
    body: Approval,  # noqa: ARG001 - every POST takes an object
) -> Response:
    """Take a disposition back, whether it waits or is in force."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    now = plane.clock.now()
    with plane.audit.unit_of_work(caller.context) as uow:
        found = actions.find_own(uow.connection, organization_id=organization_id, finding_id=finding_id)
        ended = dispositions.withdraw(uow, found, parse_uuid(disposition_id), now=now)
    return success(request, documents.disposition_view(ended, now=now))


@router.put("/responsibilities/{row_id}/accountable")
@access(Permission.RESPONSIBILITIES_MANAGE)
def set_accountable(request: Request, organization_id: str, row_id: str, body: AccountablePut) -> Response:
    """Name the member who answers for a row of the matrix."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        accountable.set_accountable(
            uow, plane.catalogue, organization_id=organization_id, row_id=row_id, member=body.member
        )
        view = accountable.accountable_views(uow.connection, organization_id)[row_id]
    return success(request, view)


@router.delete("/responsibilities/{row_id}/accountable")
@access(Permission.RESPONSIBILITIES_MANAGE)
def clear_accountable(request: Request, organization_id: str, row_id: str) -> Response:
    """Name nobody for a row."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        accountable.set_accountable(uow, plane.catalogue, organization_id=organization_id, row_id=row_id, member=None)
    return success(request)


def _source_ids(plane: ControlPlane, filters: Filters) -> list[str] | None:
    """The checks that the filters `check` and `row` leave; None for all."""
    if filters.row is None:
        return None if filters.check is None else [filters.check]
    if filters.row not in {row.id for row in plane.catalogue.responsibilities}:
        raise Invalid("There is no such responsibility.", code="row_unknown")
    of_row = [check.meta.id for check in plane.catalogue.checks_of_row(filters.row)]
    return [check for check in of_row if filters.check in {None, check}]
