"""Documents: what must be on file, one request with what was filed for it, filing, reviewing and taking a file.

A file is never opened here and never shown: it is handed back as an attachment.
"""

from itertools import groupby
from urllib.parse import quote

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from stronghouse.access.permissions import Permission
from stronghouse.console.errors import STATUS
from stronghouse.console.state import Field, Text, Visit, visit
from stronghouse.kernel.errors import NotFound, StronghouseError
from stronghouse.kernel.ids import parse_uuid
from stronghouse.organizations.operator import is_operator
from stronghouse.plane.filing import Filing
from stronghouse.plane.uploads import receive_form
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.documents import actions, store
from stronghouse.responsibility.documents.listing import Listed, document_view, listed, request_view, review_view
from stronghouse.responsibility.documents.model import DocumentState, Provider
from stronghouse.responsibility.model import Severity

router = APIRouter(prefix="/documents")
SHOWN = 50
ORDER = (
    DocumentState.DAMAGED,
    DocumentState.EXPIRED,
    DocumentState.MISSING,
    DocumentState.REVIEW_OVERDUE,
    DocumentState.NOT_REVIEWED,
    DocumentState.IN_ORDER,
    DocumentState.NOT_APPLICABLE,
)
"""States in the order in which they are shown: what needs somebody first."""


@router.get("")
def list_page(request: Request) -> Response:
    """What must be on file, grouped by how it stands, and who carries the machines."""
    return _list_page(visit(request, Permission.DOCUMENTS_VIEW))


@router.post("/hosting")
def declare_hosting(request: Request, region: Field, provider: Field) -> Response:
    """Declare who carries the machines of a region."""
    visitor = visit(request, Permission.DOCUMENTS_MANAGE)
    try:
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            actions.declare_hosting(
                uow,
                region_id=region,
                provider=provider,
                organization_id=visitor.organization_id,
                now=visitor.plane.clock.now(),
            )
    except StronghouseError as error:
        if error.kind == "not_found":
            raise
        return _list_page(visitor, problem=error.public, status=STATUS[error.kind])
    return RedirectResponse("/documents", status_code=303)


@router.get("/requests/{request_id}")
def request_page(request: Request, request_id: str) -> Response:
    """One request: what it asks for, what is on file, and the forms."""
    return _request_page(visit(request, Permission.DOCUMENTS_VIEW), request_id)


@router.post("/requests/{request_id}")
async def file_document(request: Request, request_id: str) -> Response:
    """File a document, or record a review; the person is known before anything of the file is read."""
    visitor = await run_in_threadpool(visit, request, Permission.DOCUMENTS_MANAGE)
    filing = Filing(visitor.plane, visitor.context, visitor.organization_id)
    try:
        fields = await receive_form(
            request, lambda told, attached: filing.begin({**told, "request": request_id}, attached)
        )
        await run_in_threadpool(filing.finish, {**fields, "request": request_id})
    except StronghouseError as error:
        filing.discard()
        if error.kind == "not_found":
            raise
        await _read_rest(request)
        return await run_in_threadpool(
            _request_page, visitor, request_id, problem=error.public, status=STATUS[error.kind]
        )
    except BaseException:
        filing.discard()
        raise
    return RedirectResponse(f"/documents/requests/{request_id}", status_code=303)


@router.post("/{document_id}/reviews")
def review_document(request: Request, document_id: str, note: Text) -> Response:
    """Record that one looked at a filed document."""
    visitor = visit(request, Permission.DOCUMENTS_MANAGE)
    plane, organization_id, one = visitor.plane, visitor.organization_id, parse_uuid(document_id)
    with plane.database.read() as connection:
        document = actions.find_document(connection, organization_id=organization_id, document_id=one)
    try:
        with plane.audit.unit_of_work(visitor.context) as uow:
            actions.record_review(
                uow,
                document_id=one,
                note=note,
                requests=plane.documents.requests,
                organization_id=organization_id,
                now=plane.clock.now(),
            )
    except StronghouseError as error:
        if error.kind == "not_found":
            raise
        return _request_page(visitor, document.request_id, problem=error.public, status=STATUS[error.kind])
    return RedirectResponse(f"/documents/requests/{document.request_id}", status_code=303)


@router.get("/{document_id}/file")
def download(request: Request, document_id: str) -> Response:
    """A document's file, to be saved. Who took it is recorded first."""
    visitor = visit(request, Permission.DOCUMENTS_VIEW)
    plane = visitor.plane
    with plane.audit.unit_of_work(visitor.context) as uow:
        document = actions.record_download(
            uow, document_id=parse_uuid(document_id), organization_id=visitor.organization_id
        )
    plane.documents.files.verify(document)  # whole, before a status is sent that could not be taken back
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(document.file_name or document.id, safe='')}",
        "content-length": str(document.file.size if document.file else 0),
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return StreamingResponse(
        plane.documents.files.read(document), media_type="application/octet-stream", headers=headers
    )


def _list_page(visitor: Visit, *, problem: str | None = None, status: int = 200) -> Response:
    with visitor.plane.database.read() as connection:
        entries = sorted(_listed(visitor, connection), key=_urgency)
        declared = store.hosting(connection)
        hosting = [(region.id, declared.get(region.id)) for region in find_regions(connection)]
        operator = is_operator(connection, visitor.organization_id)
    groups = [
        (state.value, [request_view(entry, organization_id=visitor.organization_id) for entry in found])
        for state, found in groupby(entries, key=lambda entry: entry.standing.state)
    ]
    return visitor.page(
        "documents.html",
        status=status,
        groups=groups,
        hosting=hosting,
        providers=[*Provider],
        may_declare=operator and visitor.may(Permission.DOCUMENTS_MANAGE),
        problem=problem,
    )


def _request_page(visitor: Visit, request_id: str, *, problem: str | None = None, status: int = 200) -> Response:
    organization_id = visitor.organization_id
    with visitor.plane.database.read() as connection:
        found = [entry for entry in _listed(visitor, connection) if entry.request.id == request_id]
        if not found:
            raise NotFound("There is no such document request.")
        # An organization has at most so many on file, so this is one look at all of them.
        filed = store.page(
            connection, organization_id=organization_id, before=None, limit=actions.DOCUMENTS_PER_ORGANIZATION
        )
        of_request = [document for document in filed if document.request_id == request_id]
        documents = [
            {
                **document_view(document),
                "reviews": [review_view(review) for review in store.reviews_of(connection, document.id)],
            }
            for document in of_request[:SHOWN]
        ]
    return visitor.page(
        "document_request.html",
        status=status,
        entry=request_view(found[0], organization_id=organization_id),
        documents=documents,
        hidden=len(of_request) - len(documents),
        today=visitor.plane.clock.now().date(),
        media_types=sorted(actions.MEDIA_TYPES),
        may_manage=visitor.may(Permission.DOCUMENTS_MANAGE),
        problem=problem,
    )


def _urgency(entry: Listed) -> tuple[int, int]:
    return ORDER.index(entry.standing.state), [*Severity].index(entry.request.severity)


def _listed(visitor: Visit, connection: Connection) -> list[Listed]:
    plane = visitor.plane
    return [
        *listed(
            connection,
            requests=plane.documents.requests,
            organization_id=visitor.organization_id,
            now=plane.clock.now(),
        )
    ]


async def _read_rest(request: Request) -> None:
    """Let what the browser still sends pass by, within the limits: else it shows a broken connection, not our page."""
    try:
        async for _ in request.stream():
            pass
    except (HTTPException, OSError, RuntimeError):  # too much, gone, or read to its end already
        return
