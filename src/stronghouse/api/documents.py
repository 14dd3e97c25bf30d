"""`/v1/organizations/{organization}/documents`, `…/documentRequests` and `…/hosting`. Ours, not the Cloud's.

A file comes and goes as it is: it is never opened, and never shown in a browser.
"""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.filing import Filing
from stronghouse.plane.parts import ControlPlane
from stronghouse.plane.uploads import receive_form
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.documents import actions, store
from stronghouse.responsibility.documents.listing import document_view, listed, request_view, review_view
from stronghouse.responsibility.documents.model import Document

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}")


class ReviewPost(Body):
    """What the reviewer looked at and found."""

    note: str = Field(max_length=actions.MAX_NOTE)


class HostingPut(Body):
    """Who carries a region's machines."""

    region: str = Field(max_length=64)
    provider: str = Field(max_length=16)


@router.get("/documentRequests")
@access(Permission.DOCUMENTS_VIEW)
def list_document_requests(request: Request, organization_id: str) -> Response:
    """What must be on file, how each request stands, and when something is due next."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = listed(
            connection, requests=plane.documents.requests, organization_id=organization_id, now=plane.clock.now()
        )
        result = [request_view(entry, organization_id=organization_id) for entry in found]
    return success(request, result)


@router.get("/documents")
@access(Permission.DOCUMENTS_VIEW)
def list_documents(
    request: Request,
    organization_id: str,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: str | None = None,
) -> Response:
    """Documents, the newest filed first; go on with `before` = the last one's id."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        last = None if before is None else _find(connection, organization_id, before)
        found = store.page(connection, organization_id=organization_id, before=last, limit=limit)
    return success(request, [document_view(document) for document in found])


@router.post("/documents")
@access(Permission.DOCUMENTS_MANAGE)
async def file_document(request: Request, organization_id: str) -> Response:
    """File a document, or record a review: a form with `request`, `date`, `validUntil`, `note`, and then `file`."""
    plane: ControlPlane = request.app.state.plane
    filing = Filing(plane, request.state.caller.context, organization_id)
    try:
        fields = await receive_form(request, filing.begin)
        filed = await run_in_threadpool(filing.finish, fields)
    except BaseException:
        filing.discard()
        raise
    return success(request, document_view(filed))


@router.get("/documents/{document_id}")
@access(Permission.DOCUMENTS_VIEW)
def get_document(request: Request, organization_id: str, document_id: str) -> Response:
    """One document with its reviews."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        document = _find(connection, organization_id, document_id)
        reviews = [review_view(review) for review in store.reviews_of(connection, document.id)]
    return success(request, {**document_view(document), "reviews": reviews})


@router.get("/documents/{document_id}/file")
@access(Permission.DOCUMENTS_VIEW)
def get_file(request: Request, organization_id: str, document_id: str) -> Response:
    """A document's file, to be saved. Who asked is recorded first."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        document = actions.record_download(uow, document_id=parse_uuid(document_id), organization_id=organization_id)
    plane.documents.files.verify(document)  # whole, before a status is sent that could not be taken back
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(document.file_name or document.id, safe='')}",
        "content-length": str(document.file.size if document.file else 0),
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "x-request-id": request.state.request_id,
    }
    return StreamingResponse(
        plane.documents.files.read(document), media_type="application/octet-stream", headers=headers
    )


@router.post("/documents/{document_id}/reviews")
@access(Permission.DOCUMENTS_MANAGE)
def review_document(request: Request, organization_id: str, document_id: str, body: ReviewPost) -> Response:
    """Record that the caller looked at a filed document."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        review = actions.record_review(
            uow,
            document_id=parse_uuid(document_id),
            note=body.note,
            requests=plane.documents.requests,
            organization_id=organization_id,
            now=plane.clock.now(),
        )
    return success(request, review_view(review))


@router.delete("/documents/{document_id}")
@access(Permission.DOCUMENTS_MANAGE)
def delete_document(request: Request, organization_id: str, document_id: str) -> Response:
    """Delete a document with its file and its reviews."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        document = actions.delete_document(uow, document_id=parse_uuid(document_id), organization_id=organization_id)
    plane.documents.files.remove(document.id)
    return success(request)


@router.get("/hosting")
@access(Permission.DOCUMENTS_VIEW)
def list_hosting(request: Request, organization_id: str) -> Response:  # noqa: ARG001 - the path's
    """Who carries the machines of each region; null where nobody declared it."""
    plane: ControlPlane = request.app.state.plane
    return success(request, _hosting(plane))


@router.put("/hosting")
@access(Permission.DOCUMENTS_MANAGE)
def declare_hosting(request: Request, organization_id: str, body: HostingPut) -> Response:
    """Declare who carries the machines of a region."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        actions.declare_hosting(
            uow,
            region_id=body.region,
            provider=body.provider,
            organization_id=organization_id,
            now=plane.clock.now(),
        )
    return success(request, _hosting(plane))


def _find(connection: Connection, organization_id: str, document_id: str) -> Document:
    return actions.find_document(connection, organization_id=organization_id, document_id=parse_uuid(document_id))


def _hosting(plane: ControlPlane) -> list[dict[str, str | None]]:
    with plane.database.read() as connection:
        declared = store.hosting(connection)
        return [{"region": region.id, "provider": declared.get(region.id)} for region in find_regions(connection)]
