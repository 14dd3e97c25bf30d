"""`/v1/organizations/{organization}/auditLog`: the log, its signed heads and its proofs. Ours, not the Cloud's."""

import base64
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.audit import checkpoint, export, filters, presentation, query, store, tree
from stronghouse.kernel.canonical import MAX_EXACT_INTEGER, Json
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.plane.parts import ControlPlane

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/auditLog")
Index = Annotated[int | None, Query(ge=0, le=MAX_EXACT_INTEGER)]
PAGING = ("limit", "before", "after")


@router.get("")
@access(Permission.AUDIT_LOG_VIEW)
def list_events(
    request: Request,
    organization_id: str,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Index = None,
    after: Annotated[int | None, Query(ge=-1, le=MAX_EXACT_INTEGER)] = None,
) -> Response:
    """Events that pass the filters (`audit.filters.NAMES`), newest first; go on with `before` = the answer's `older`.

    `searchedUntil` stands in an answer that ended early because of the work: nothing was skipped up to this index.
    """
    plane: ControlPlane = request.app.state.plane
    if before is not None and after is not None:
        raise Invalid("A page is read before an index or after one, not both.", code="page_invalid")
    asked = _asked(request, organization_id, *PAGING)
    with plane.database.read() as connection:
        page = query.page(connection, asked, before=before, after=after, limit=limit)
    paging = {"newer": page.newer, "older": page.older, "searchedUntil": page.searched_until}
    return success(
        request,
        [_view(entry) for entry in page.entries],
        extra={name: index for name, index in paging.items() if index is not None},
    )


@router.get("/export")
@access(Permission.AUDIT_LOG_VIEW)
def export_events(request: Request, organization_id: str, format: str = "") -> Response:  # noqa: A002 - the wire's name
    """Every event that passes the filters, oldest first, as a file. Who takes it is recorded first."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    kind = _format(format)
    asked = _asked(request, organization_id, "format")
    with plane.audit.unit_of_work(caller.context) as uow:
        export.record_export(uow, asked, kind=kind)
    headers = {
        "x-request-id": request.state.request_id,
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="{export.file_name(kind, plane.clock.now())}"',
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
    }
    parts = export.parts(plane.database, asked, kind=kind)
    return StreamingResponse(parts, media_type=export.MEDIA_TYPES[kind], headers=headers)


@router.get("/checkpoint")
@access(Permission.AUDIT_LOG_VIEW)
def get_checkpoint(request: Request, organization_id: str) -> Response:  # noqa: ARG001 - the path's
    """The newest signed head (a C2SP checkpoint) and the key that verifies it."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        note = store.latest_checkpoint(connection)
    signer = plane.audit.signer
    result = {"checkpoint": note, "verifierKey": checkpoint.verifier_key(signer.origin, signer.public_key)}
    return success(request, result)


@router.get("/consistency")
@access(Permission.AUDIT_LOG_VIEW)
def get_consistency(
    request: Request,
    organization_id: str,  # noqa: ARG001 - the path's
    first: Annotated[int, Query(ge=1, le=MAX_EXACT_INTEGER)],
    second: Annotated[int, Query(ge=1, le=MAX_EXACT_INTEGER)],
) -> Response:
    """Proof that the log of `first` entries is a prefix of the log of `second` (RFC 6962 section 2.1.2)."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        if not first <= second <= store.size(connection):
            raise Invalid("first and second are sizes that the log has had, in this order.", code="sizes_invalid")
        proof = tree.consistency_proof(first, second, store.nodes(connection))
    return success(request, {"first": first, "second": second, "proof": [_text(node) for node in proof]})


@router.get("/{event_id}")
@access(Permission.AUDIT_LOG_VIEW)
def get_event(request: Request, organization_id: str, event_id: str) -> Response:
    """One event, with what it changed."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        entry = _found(connection, organization_id, event_id)
    event = entry.event()
    changed = [
        {
            "field": change.field,
            "before": change.before,
            "after": change.after,
            "added": list(change.added),
            "removed": list(change.removed),
        }
        for change in presentation.changes(event)
    ]
    return success(request, {**_view(entry), "changes": changed})


@router.get("/{event_id}/proof")
@access(Permission.AUDIT_LOG_VIEW)
def get_proof(
    request: Request,
    organization_id: str,
    event_id: str,
    size: Annotated[int | None, Query(ge=1, le=MAX_EXACT_INTEGER)] = None,
) -> Response:
    """The exact bytes of an event's leaf, and the path that proves it under the head of `size` entries (the newest)."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        proof = presentation.proof(connection, _found(connection, organization_id, event_id), size=size)
    path = [_text(node) for node in proof.path]
    return success(request, {"index": proof.index, "size": proof.size, "leaf": proof.leaf, "proof": path})


def _asked(request: Request, organization_id: str, *others: str) -> filters.AuditQuery:
    """The query in a request; a filter that is misspelt would show more than was asked for, so it is refused."""
    given = request.query_params.multi_items()
    names = [name for name, _ in given]
    unknown = [name for name in names if name not in {*filters.NAMES, *others}]
    if unknown:
        raise Invalid(f"There is no parameter {unknown[0][:40]!r} here.", code="parameter_unknown")
    if len(set(names)) != len(names):
        raise Invalid("Each parameter is given once.", code="parameter_repeated")
    return filters.query_from(organization_id, dict(given))


def _format(text: str) -> export.Format:
    try:
        return export.Format(text)
    except ValueError:
        raise Invalid("format is csv or ndjson.", code="format_invalid") from None


def _found(connection: Connection, organization_id: str, event_id: str) -> store.Entry:
    entry = store.find(connection, organization_id=organization_id, event_id=event_id[:64])
    if entry is None:
        raise NotFound("There is no such event.")
    return entry


def _view(entry: store.Entry) -> dict[str, Json]:
    return {"index": entry.index, **entry.event()}


def _text(node: bytes) -> str:
    return base64.b64encode(node).decode()
