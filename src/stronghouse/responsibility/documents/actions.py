"""What may be done with documents: file, review, download, delete; and declare who carries a region's machines.

A file is sealed and flushed before the row that names it commits: a document without its file never counts. After a
crash in between, the file belongs to no document and is removed at the next start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Conflict, Denied, Invalid, NotFound
from stronghouse.kernel.ids import new_id
from stronghouse.organizations.operator import require_operator
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.documents import store
from stronghouse.responsibility.documents.events import (
    DocumentDeleted,
    DocumentDownloaded,
    DocumentFiled,
    DocumentReviewed,
    HostingDeclared,
)
from stronghouse.responsibility.documents.files import SealedFiles
from stronghouse.responsibility.documents.model import (
    FOUR_EYES,
    Document,
    DocumentRequest,
    NewDocument,
    Party,
    Provider,
    RequestKind,
    Review,
    Scope,
    StoredFile,
)
from stronghouse.responsibility.findings.persons import person_behind

MAX_NOTE, MAX_FILE_NAME = 4000, 200
DOCUMENTS_PER_ORGANIZATION = 2000
BYTES_PER_ORGANIZATION = 4 * 1024**3
EARLIEST = date(2000, 1, 1)
MEDIA_TYPES = frozenset(
    {
        "application/json",
        "application/msword",
        "application/pdf",
        "application/vnd.ms-excel",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/zip",
        "image/jpeg",
        "image/png",
        "message/rfc822",
        "text/csv",
        "text/markdown",
        "text/plain",
    }
)
"""What a file may be declared to be. It is never opened or shown, only handed back."""


@dataclass(frozen=True)
class DocumentLibrary:
    """What documents are worked with: the requests by id, and the sealed files."""

    requests: Mapping[str, DocumentRequest]
    files: SealedFiles


def check_new(
    connection: Connection,
    new: NewDocument,
    *,
    requests: Mapping[str, DocumentRequest],
    organization_id: str,
    now: datetime,
) -> DocumentRequest:
    """The request that `new` answers, if it may be filed so; asked before a file is received, and again after.

    Raises:
        NotFound: there is no such request.
        Denied: it concerns the installation, and this organization does not operate it.
        Invalid: a date, note, file name or media type is unusable, or the kind does not fit.
        Conflict: the organization has too much on file.
    """
    request = requests.get(new.request_id)
    if request is None:
        raise NotFound("There is no such document request; `stronghouse document requests` lists them.")
    if request.scope is Scope.INSTALLATION:
        require_operator(connection, organization_id)
    if request.kind is RequestKind.DOCUMENT and new.file_name is None:
        raise Invalid("This request needs a file.", code="file_missing")
    _check_note(new.note, needed=request.kind is RequestKind.REVIEW)
    _check_dates(new, now.date())
    if new.file_name is not None:
        _check_file(new.file_name, new.media_type)
    count, size = store.sizes(connection, organization_id)
    if count >= DOCUMENTS_PER_ORGANIZATION or size >= BYTES_PER_ORGANIZATION:
        raise Conflict("The organization has too many documents on file; delete old ones first.", code="documents_full")
    return request


def file_document(
    uow: UnitOfWork,
    new: NewDocument,
    stored: StoredFile | None,
    *,
    document_id: str,
    requests: Mapping[str, DocumentRequest],
    organization_id: str,
    now: datetime,
) -> Document:
    """File what is sealed already (`stored`), or a review record without a file; raises as `check_new` does."""
    request = check_new(uow.connection, new, requests=requests, organization_id=organization_id, now=now)
    if (stored is None) != (new.file_name is None):
        raise Invalid("A file name goes with a file, and a file with a name.", code="file_missing")
    longest = new.document_date + timedelta(days=request.valid_days)
    document = Document(
        id=document_id,
        organization_id=organization_id,
        request_id=request.id,
        document_date=new.document_date,
        valid_until=longest if new.valid_until is None else min(longest, new.valid_until),
        note=new.note.strip(),
        filed_at=now,
        filed_by=_party(uow, organization_id),
        file_name=new.file_name,
        media_type=new.media_type if stored else None,
        file=stored,
    )
    store.insert_document(uow.connection, document)
    uow.record(
        DocumentFiled(
            organization_id=organization_id,
            document=document.id,
            request=request.id,
            document_date=document.document_date.isoformat(),
            valid_until=document.valid_until.isoformat(),
            sha256=stored.sha256 if stored else None,
            size=stored.size if stored else None,
            person=document.filed_by.person,
        )
    )
    return document


def record_review(
    uow: UnitOfWork,
    *,
    document_id: str,
    note: str,
    requests: Mapping[str, DocumentRequest],
    organization_id: str,
    now: datetime,
) -> Review:
    """Record that the caller looked at a filed document.

    For a high or critical request the reviewer is another person than the one who filed it. Two API keys of one person
    are one person; with a key that no person made nobody can show that two persons looked, so it is refused there.

    Raises:
        NotFound: there is no such document in this organization.
        Invalid: it is a review record, which needs no review, or the note is empty or too long.
        Denied: it takes another person.
    """
    document = find_document(uow.connection, organization_id=organization_id, document_id=document_id)
    request = requests.get(document.request_id)
    if request is None or request.kind is RequestKind.REVIEW:
        raise Invalid("Only a document that was filed for a current request is reviewed.", code="review_not_needed")
    _check_note(note, needed=True)
    reviewer = _party(uow, organization_id)
    if request.severity in FOUR_EYES:
        _require_second_person(document.filed_by, reviewer, request)
    review = Review(id=new_id(), document_id=document.id, note=note.strip(), reviewed_at=now, reviewed_by=reviewer)
    store.insert_review(uow.connection, review)
    uow.record(
        DocumentReviewed(
            organization_id=organization_id,
            document=document.id,
            request=request.id,
            review=review.id,
            person=reviewer.person,
        )
    )
    return review


def delete_document(uow: UnitOfWork, *, document_id: str, organization_id: str) -> Document:
    """Forget a document and its reviews; its file is removed by the caller when this is committed. Raises NotFound."""
    document = find_document(uow.connection, organization_id=organization_id, document_id=document_id)
    store.delete_document(uow.connection, document.id)
    uow.record(
        DocumentDeleted(
            organization_id=organization_id,
            document=document.id,
            request=document.request_id,
            document_date=document.document_date.isoformat(),
            sha256=document.file.sha256 if document.file else None,
        )
    )
    return document


def record_download(uow: UnitOfWork, *, document_id: str, organization_id: str) -> Document:
    """Record that the caller reads a document's file; raises NotFound where there is none."""
    document = find_document(uow.connection, organization_id=organization_id, document_id=document_id)
    if document.file is None:
        raise NotFound("This record has no file.")
    uow.record(
        DocumentDownloaded(
            organization_id=organization_id,
            document=document.id,
            request=document.request_id,
            sha256=document.file.sha256,
        )
    )
    return document


def declare_hosting(uow: UnitOfWork, *, region_id: str, provider: str, organization_id: str, now: datetime) -> None:
    """Declare who carries a region's machines; the same again changes and records nothing.

    Raises:
        Denied: this organization does not operate the installation.
        NotFound: there is no such region.
        Invalid: there is no such provider.
    """
    require_operator(uow.connection, organization_id)
    if region_id not in {region.id for region in find_regions(uow.connection)}:
        raise NotFound("There is no such region.")
    if provider not in set(Provider):
        raise Invalid(f"A provider is one of {', '.join(Provider)}.", code="provider_unknown")
    before = store.hosting(uow.connection).get(region_id)
    if before == provider:
        return
    store.put_hosting(uow.connection, region_id=region_id, provider=Provider(provider), now=now)
    uow.record(
        HostingDeclared(
            organization_id=organization_id,
            region=region_id,
            before=None if before is None else before.value,
            after=provider,
        )
    )


def find_document(connection: Connection, *, organization_id: str, document_id: str) -> Document:
    """An organization's document; raises NotFound."""
    found = store.find(connection, organization_id=organization_id, document_id=document_id)
    if found is None:
        raise NotFound("There is no such document.")
    return found


def _require_second_person(filer: Party, reviewer: Party, request: DocumentRequest) -> None:
    if reviewer.person is None or filer.person is None:
        raise Denied(
            f"A {request.severity.value} document is filed and reviewed by two persons, and nobody knows whose one of "
            "the API keys is; use keys that persons made.",
            code="person_unknown",
        )
    if reviewer.person == filer.person:
        raise Denied("Who filed this document cannot review it; another person has to.", code="second_person")


def _party(uow: UnitOfWork, organization_id: str) -> Party:
    actor = uow.context.actor
    person = person_behind(
        uow.connection, actor_type=actor.type.value, actor_id=actor.id, organization_id=organization_id
    )
    return Party(actor.type.value, actor.id, actor.details, person)


def _check_note(note: str, *, needed: bool) -> None:
    if len(note) > MAX_NOTE or (needed and not note.strip()):
        raise Invalid(
            f"Say in a note of at most {MAX_NOTE} characters what was looked at and found.", code="note_invalid"
        )


def _check_dates(new: NewDocument, today: date) -> None:
    if not EARLIEST <= new.document_date <= today:
        raise Invalid("The date is the document's own: not after today (UTC), not before 2000.", code="date_invalid")
    if new.valid_until is not None and new.valid_until < new.document_date:
        raise Invalid("A document does not end before its own date.", code="date_invalid")


def _check_file(name: str, media_type: str | None) -> None:
    if not 1 <= len(name) <= MAX_FILE_NAME or not name.isprintable():
        raise Invalid(f"A file's name has 1 to {MAX_FILE_NAME} printable characters.", code="file_name_invalid")
    if media_type not in MEDIA_TYPES:
        raise Invalid(
            "Files of this type are not taken; PDF, PNG, JPEG, text, CSV, Markdown, JSON, mail, ZIP and office "
            "documents are.",
            code="media_type_unknown",
        )
