"""The audit log: found by filters that stand in the address, one event with its proof, and a copy as a file."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from stronghouse.access.permissions import Permission
from stronghouse.audit import export, presentation, store
from stronghouse.audit import query as audit
from stronghouse.audit.checkpoint import Signer
from stronghouse.audit.filters import AuditQuery
from stronghouse.audit.store import Entry
from stronghouse.audit.verification import check_entry
from stronghouse.console import audit_event, audit_filters
from stronghouse.console.audit_filters import ExportFilters, Filters, NewerFilters, PageFilters, ServiceNames
from stronghouse.console.errors import STATUS
from stronghouse.console.protection import check_download
from stronghouse.console.state import Visit, visit
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.kernel.ids import parse_uuid

ALTERED: dict[str, Any] = {
    "summary": "This entry was altered.",
    "actor": {"type": "system", "id": "unknown", "details": ""},
}
router = APIRouter(prefix=audit_filters.PAGE)
SHOWN = 50
NEWER = 100
"""So many newer events are counted."""
LINE = 240
"""So much of a summary is in the list."""


@router.get("")
def list_page(request: Request, asked: Annotated[PageFilters, Query()]) -> Response:
    """Events that pass the filters, newest first."""
    visitor = visit(request, Permission.AUDIT_LOG_VIEW)
    if any(value == "" for value in request.query_params.values()):  # a form sends its empty fields too
        return RedirectResponse(asked.at(before=asked.before, after=asked.after), status_code=303)
    try:
        query = asked.query(visitor.organization_id)
    except Invalid as error:
        return _list_page(visitor, asked, None, problem=error)
    return _list_page(visitor, asked, query)


@router.get("/newer")
def newer_page(request: Request, asked: Annotated[NewerFilters, Query()]) -> Response:
    """How many events came since: what the list asks while somebody looks at it."""
    visitor = visit(request, Permission.AUDIT_LOG_VIEW)
    with visitor.plane.database.read() as connection:
        found = audit.page(connection, asked.query(visitor.organization_id), after=asked.after, limit=NEWER)
    more = found.newer is not None
    return visitor.page("audit_newer.html", asked=asked, count=len(found.entries), more=more)


@router.get("/export")
def export_events(request: Request, asked: Annotated[ExportFilters, Query()]) -> Response:
    """All events that pass the filters, oldest first, to be saved. Who takes them is recorded first."""
    visitor = visit(request, Permission.AUDIT_LOG_VIEW)
    check_download(request)
    plane, kind = visitor.plane, asked.format
    query = asked.query(visitor.organization_id)
    with plane.audit.unit_of_work(visitor.context) as uow:
        export.record_export(uow, query, kind=kind)
    headers = {
        "content-disposition": f'attachment; filename="{export.file_name(kind, plane.clock.now())}"',
        "content-security-policy": "sandbox; default-src 'none'",
    }
    parts = export.parts(plane.database, query, kind=kind)
    return StreamingResponse(parts, media_type=export.MEDIA_TYPES[kind], headers=headers)


@router.get("/{event_id}")
def event_page(request: Request, event_id: str, asked: Annotated[Filters, Query()]) -> Response:
    """One event, and under the same filters the ones beside it."""
    visitor = visit(request, Permission.AUDIT_LOG_VIEW)
    organization_id, signer = visitor.organization_id, visitor.plane.audit.signer
    query = asked.query(organization_id)
    with visitor.plane.database.read() as connection:
        entry = store.find(connection, organization_id=organization_id, event_id=parse_uuid(event_id))
        if entry is None:
            raise NotFound("There is no such event.")
        event = _event_of(entry)
        if not event:
            check_entry(entry)
        proof = presentation.proof(connection, entry)
        problem = _problem_of(entry, proof, signer)
        leads = audit_event.leads(
            connection,
            event,
            organization_id=organization_id,
            may=visitor.may,
            seen_services=visitor.seen_services,
        )
        newer, older = _beside(connection, query, entry)
        names = audit_filters.service_names(connection, organization_id)
    return visitor.page(
        "audit_event.html",
        asked=asked,
        entry=entry,
        event=event,
        row=_row(entry, names),
        actors=audit_event.ACTORS,
        differences=audit_event.differences(event),
        fields=audit_event.fields(event),
        leads=leads,
        proof=proof,
        path=[base64.b64encode(node).decode() for node in proof.path],
        problem=problem,
        newer=newer,
        older=older,
    )


def _list_page(
    visitor: Visit, asked: PageFilters, query: AuditQuery | None, *, problem: Invalid | None = None
) -> Response:
    organization_id = visitor.organization_id
    with visitor.plane.database.read() as connection:
        names = audit_filters.service_names(connection, organization_id)
        menus = audit_filters.menus(connection, organization_id, asked, names)
        found = None if query is None else _found(connection, asked, query, names)
        head, broken = _head(connection, visitor.plane.audit.signer)
    return visitor.page(
        "audit_log.html",
        status=200 if problem is None else STATUS[problem.kind],
        asked=asked,
        found=found,
        menus=menus,
        outcomes=audit_filters.outcomes(asked.outcome),
        chips=audit_filters.chips(asked, menus),
        head=head,
        broken=broken,
        problem=problem and problem.public[:1].upper() + problem.public[1:],
        blamed=audit_filters.blamed(problem) if problem else "",
        seen_services=visitor.seen_services,
        may_matrix=visitor.may(Permission.RESPONSIBILITIES_VIEW),
    )


@dataclass(frozen=True)
class Found:
    """A page of events: its lines, the addresses of the pages beside it, and how far it was searched if not to the end.

    `newest` is the index after which everything is newer than what the page shows; None on pages of the past.
    """

    rows: list[Mapping[str, Any]]
    newer: str | None
    older: str | None
    searched_at: datetime | None
    further: str | None
    newest: int | None


def _found(connection: Connection, asked: PageFilters, query: AuditQuery, names: ServiceNames) -> Found:
    size = store.size(connection)
    page = audit.page(connection, query, before=asked.before, after=asked.after, limit=SHOWN)
    newer = None if page.newer is None else asked.at(after=page.newer)
    older = None if page.older is None else asked.at(before=page.older)
    searched = page.searched_until
    return Found(
        rows=[_row(entry, names) for entry in page.entries],
        newer=newer,
        older=older,
        searched_at=None if searched is None else store.time_of(connection, searched),
        further=older if asked.after is None else newer,
        newest=None if asked.paged or asked.until else size - 1,
    )


def _head(connection: Connection, signer: Signer) -> tuple[audit_event.SignedHead | None, str | None]:
    """The newest signed head, or what is wrong with it."""
    try:
        return audit_event.signed_head(connection, signer), None
    except Invalid as error:
        return None, error.public


def _problem_of(entry: Entry, proof: presentation.Proof, signer: Signer) -> str | None:
    try:
        check_entry(entry)  # what the page shows is what the leaf says
        audit_event.check_proof(proof, signer)
    except Invalid as error:
        return error.public
    return None


def _beside(connection: Connection, query: AuditQuery, entry: Entry) -> tuple[str | None, str | None]:
    """Ids of the next newer and the next older event."""
    newer = audit.page(connection, query, after=entry.index, limit=1).entries
    older = audit.page(connection, query, before=entry.index, limit=1).entries
    return newer[0].event_id if newer else None, older[0].event_id if older else None


def _event_of(entry: Entry) -> dict[str, Any]:
    """The event of an entry; empty for one whose bytes are of none any more."""
    try:
        event = entry.event()
        return event if {"summary", "actor", "data"} <= event.keys() and isinstance(event["actor"], dict) else {}
    except (ValueError, AttributeError):
        return {}


def _row(entry: Entry, names: ServiceNames) -> Mapping[str, Any]:
    """An event as a line of the list."""
    event = _event_of(entry) or ALTERED
    summary = str(event["summary"])
    service = entry.service_id
    return {
        "id": entry.event_id,
        "at": entry.created_at,
        "code": entry.code,
        "summary": summary if len(summary) <= LINE else f"{summary[: LINE - 1]}…",
        "who": event["actor"]["details"] or event["actor"]["id"],
        "kind": event["actor"]["type"],
        "address": entry.address,
        "outcome": entry.outcome,
        "service": service and {"id": service, "name": names.of(service), "living": service in names.living},
    }
