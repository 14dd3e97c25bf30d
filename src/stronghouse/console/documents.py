"""Documents: what must be on file, one request with what was filed for it, filing, reviewing and taking a file.

A file is never opened here and never shown: it is handed back as an attachment.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from stronghouse.access.permissions import Permission
from stronghouse.console.binding import may_hold_files
from stronghouse.console.document_upload import Upload
from stronghouse.console.form_errors import REFUSALS, status_of
from stronghouse.console.protection import check_download
from stronghouse.console.state import Field, Text, Visit, visit
from stronghouse.kernel.errors import NotFound, StronghouseError
from stronghouse.kernel.ids import parse_uuid
from stronghouse.organizations.operator import is_operator
from stronghouse.plane.uploads import receive_form
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.documents import actions, store
from stronghouse.responsibility.documents.listing import Listed, document_view, listed, request_view, review_view
from stronghouse.responsibility.documents.model import FOUR_EYES, DocumentState, Provider
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


Word = Annotated[str, Query(max_length=64)]
DONE = {
    "hosting": "The provider is declared; its reports are asked for from now on.",
    "filed": "It is on file.",
    "reviewed": "Your review is recorded.",
}
"""What was done, by the word that an act leads back with."""
BLAMED = {
    "date_invalid": "date",
    "file_missing": "file",
    "file_empty": "file",
    "file_too_large": "file",
    "file_name_invalid": "file",
    "media_type_unknown": "file",
    "note_invalid": "note",
    "provider_unknown": "provider",
}
"""The field that is to blame for an error."""


@router.get("")
def list_page(request: Request, state: Word = "", q: Word = "", done: Word = "") -> Response:
    """What must be on file, grouped by how it stands, and who carries the machines."""
    visitor = visit(request, Permission.DOCUMENTS_VIEW)
    return _list_page(visitor, state=state, text=q, done=done)


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
    except REFUSALS as error:
        return _list_page(visitor, error=error)
    return RedirectResponse("/documents?done=hosting", status_code=303)


@router.get("/requests/{request_id}")
def request_page(request: Request, request_id: str, done: Word = "") -> Response:
    """One request: what it asks for, what is on file, and the forms."""
    return _request_page(visit(request, Permission.DOCUMENTS_VIEW), request_id, done=done)


@router.post("/requests/{request_id}")
async def file_document(request: Request, request_id: str) -> Response:
    """File a document, or record a review; the person is known before anything of the form is read."""
    with_file = may_hold_files(request)
    needed = None if with_file else Permission.DOCUMENTS_MANAGE  # else it is asked for once the form is known as ours
    visitor = await run_in_threadpool(visit, request, needed, bound=not with_file)
    upload = Upload(visitor, request_id, is_bound=not with_file)
    try:
        fields = await receive_form(request, upload.begin)
        await run_in_threadpool(upload.finish, fields)
    except REFUSALS as error:
        upload.discard()
        await _read_rest(request)
        if not upload.is_bound:
            raise
        return await run_in_threadpool(_request_page, visitor, request_id, error=error, told=upload.fields)
    except BaseException:
        upload.discard()
        raise
    return RedirectResponse(f"/documents/requests/{request_id}?done=filed", status_code=303)


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
    except REFUSALS as error:
        return _request_page(visitor, document.request_id, error=error, reviewed=one, note=note)
    return RedirectResponse(f"/documents/requests/{document.request_id}?done=reviewed", status_code=303)


@router.get("/{document_id}/file")
def download(request: Request, document_id: str) -> Response:
    """A document's file, to be saved. Who took it is recorded first."""
    visitor = visit(request, Permission.DOCUMENTS_VIEW)
    check_download(request)
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


def _list_page(
    visitor: Visit, *, state: str = "", text: str = "", done: str = "", error: StronghouseError | None = None
) -> Response:
    problems = _problems(error)
    with visitor.plane.database.read() as connection:
        entries = sorted(_listed(visitor, connection), key=_urgency)
        declared = store.hosting(connection)
        hosting = [(region.id, declared.get(region.id)) for region in find_regions(connection)]
        operator = is_operator(connection, visitor.organization_id)
    tally = Counter(entry.standing.state.value for entry in entries)
    shown = [entry for entry in entries if _matches(entry, state, text)]
    groups = [
        (found.value, [request_view(entry, organization_id=visitor.organization_id) for entry in of_state])
        for found, of_state in groupby(shown, key=lambda entry: entry.standing.state)
    ]
    return visitor.page(
        "documents.html",
        status=200 if error is None else status_of(error),
        groups=groups,
        total=len(entries),
        tally=[(one.value, tally[one.value], _address(one.value, text)) for one in ORDER if tally[one.value]],
        all_states=_address("", text),
        wanted={"state": state, "text": text},
        hosting=hosting,
        providers=[*Provider],
        operator=operator,
        may_declare=operator and visitor.may(Permission.DOCUMENTS_MANAGE),
        permission=Permission,
        done=DONE.get(done),
        problems=problems,
    )


def _request_page(
    visitor: Visit,
    request_id: str,
    *,
    done: str = "",
    error: StronghouseError | None = None,
    told: Mapping[str, str] | None = None,
    reviewed: str = "",
    note: str = "",
) -> Response:
    """The page of a request. `told`, or `note` about the document `reviewed`, is what a refused form held."""
    problems = _problems(error)
    if "note" in problems and reviewed:
        problems = {f"review-{reviewed}": problems["note"]}
    organization_id = visitor.organization_id
    with visitor.plane.database.read() as connection:
        found = [entry for entry in _listed(visitor, connection) if entry.request.id == request_id]
        if not found:
            raise NotFound("There is no such document request.")
        documents, hidden = _filed(connection, organization_id, request_id)
    today = visitor.plane.clock.now().date().isoformat()
    return visitor.page(
        "document_request.html",
        status=200 if error is None else status_of(error),
        entry=request_view(found[0], organization_id=organization_id),
        documents=documents,
        hidden=hidden,
        today=today,
        told={"date": today, "validUntil": "", "note": "", **(told or {})},
        reviewed=reviewed,
        review_note=note,
        two=found[0].request.severity in FOUR_EYES,
        may_manage=visitor.may(Permission.DOCUMENTS_MANAGE),
        permission=Permission,
        done=DONE.get(done),
        problems=problems,
    )


def _filed(connection: Connection, organization_id: str, request_id: str) -> tuple[list[dict[str, object]], int]:
    """The newest documents of a request with their reviews, and how many older ones there are."""
    # An organization has at most so many on file, so this is one look at all of them.
    filed = store.page(
        connection, organization_id=organization_id, before=None, limit=actions.DOCUMENTS_PER_ORGANIZATION
    )
    of_request = [document for document in filed if document.request_id == request_id]
    shown: list[dict[str, object]] = [
        {
            **document_view(document),
            "reviews": [review_view(review) for review in store.reviews_of(connection, document.id)],
        }
        for document in of_request[:SHOWN]
    ]
    return shown, len(of_request) - len(shown)


def _problems(error: StronghouseError | None) -> dict[str, str]:
    """What went wrong, by the field that is to blame."""
    return {} if error is None else {BLAMED.get(error.code, ""): error.public}


def _matches(entry: Listed, state: str, text: str) -> bool:
    words = f"{entry.request.title} {entry.request.id} {entry.request.contents}".lower()
    return state in {"", entry.standing.state.value} and all(word in words for word in text.lower().split())


def _address(state: str, text: str) -> str:
    query = urlencode({name: value for name, value in (("state", state), ("q", text)) if value})
    return f"/documents?{query}" if query else "/documents"


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
