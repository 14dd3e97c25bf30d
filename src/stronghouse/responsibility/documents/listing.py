"""Requests and documents as the API shows them: the same rule as the checks, from the rows as they are now.

Whether a sealed file still opens is what the check looks at; a listing does not open files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import rfc3339
from stronghouse.organizations import store as organizations
from stronghouse.responsibility.documents import store
from stronghouse.responsibility.documents.model import Document, DocumentRequest, Party, Review, Scope
from stronghouse.responsibility.documents.standing import FileLook, Standing, asked_for, judge, next_due, request_fields
from stronghouse.responsibility.facts import Observation


@dataclass(frozen=True)
class Listed:
    """A request with what is on file for it. `owner` is who has to file: None before there is an operator."""

    request: DocumentRequest
    owner: str | None
    current: Document | None
    review: Review | None
    standing: Standing
    due_at: datetime | None


def listed(
    connection: Connection, *, requests: Mapping[str, DocumentRequest], organization_id: str, now: datetime
) -> Iterator[Listed]:
    """Every request as it stands for an organization: its own ones, and the installation's."""
    operator = organizations.first_id(connection)
    declared = store.hosting(connection).values()
    owners = {organization_id} if operator is None else {organization_id, operator}
    current, reviews = store.current(connection, owners), store.last_reviews(connection, owners)
    for request in requests.values():
        shared = request.scope is Scope.INSTALLATION
        owner = operator if shared else organization_id
        document = None if owner is None else current.get((owner, request.id))
        review = None if document is None else reviews.get(document.id)
        fields = request_fields(
            request,
            organization_id=None if shared else organization_id,
            current=document,
            review=review,
            look=FileLook(now, None),
            applies=asked_for(request, declared),
        )
        standing = judge(request, Observation(fields), at=now)
        yield Listed(request, owner, document, review, standing, next_due(request, document, review))


def request_view(entry: Listed, *, organization_id: str) -> dict[str, Json]:
    """A request for the API. Only who filed sees the document; of the installation's, others see the state."""
    request = entry.request
    mine = entry.owner == organization_id
    return {
        "id": request.id,
        "control": request.control,
        "title": request.title,
        "contents": request.contents,
        "kind": request.kind.value,
        "scope": request.scope.value,
        "severity": request.severity.value,
        "risk": request.risk,
        "source": request.source,
        "reviewer": request.reviewer,
        "validDays": request.valid_days,
        "reviewEveryDays": request.review_every_days,
        "providers": [provider.value for provider in request.providers],
        "checkId": request.check_id,
        "command": request.command,
        "mayFile": mine,
        "state": entry.standing.state.value,
        "reason": entry.standing.reason,
        "dueAt": None if entry.due_at is None else rfc3339(entry.due_at),
        "document": None if entry.current is None or not mine else document_view(entry.current),
    }


def document_view(document: Document) -> dict[str, Json]:
    """A document for the API, without its reviews."""
    return {
        "id": document.id,
        "request": document.request_id,
        "date": document.document_date.isoformat(),
        "validUntil": document.valid_until.isoformat(),
        "note": document.note,
        "filedAt": rfc3339(document.filed_at),
        "filedBy": _party(document.filed_by),
        "fileName": document.file_name,
        "mediaType": document.media_type,
        "size": document.file.size if document.file else None,
        "sha256": document.file.sha256 if document.file else None,
    }


def review_view(review: Review) -> dict[str, Json]:
    """A review for the API."""
    return {
        "id": review.id,
        "note": review.note,
        "reviewedAt": rfc3339(review.reviewed_at),
        "reviewedBy": _party(review.reviewed_by),
    }


def _party(party: Party) -> dict[str, Json]:
    return {"type": party.type, "id": party.id, "details": party.details, "userId": party.person}
