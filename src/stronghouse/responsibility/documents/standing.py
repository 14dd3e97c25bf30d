"""How a request stands: the one rule that checks, listings and reminders share. Pure: it sees fields and a time only.

A document counts through the last day (UTC) of its validity. What nobody reviewed does not count, however new it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import parse_rfc3339, rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.documents.model import (
    Document,
    DocumentRequest,
    DocumentState,
    Party,
    Provider,
    RequestKind,
    Review,
    Scope,
)
from stronghouse.responsibility.facts import Observation

KIND = "document_request"
VERIFIED_WITHIN = timedelta(days=7)
"""A sealed file that was not opened and hashed for so long proves nothing."""


@dataclass(frozen=True)
class FileLook:
    """When a sealed file was last opened and hashed, and what was wrong with it."""

    verified_at: datetime | None
    problem: str | None


@dataclass(frozen=True)
class Standing:
    """The state of a request and why, in one sentence."""

    state: DocumentState
    reason: str


def resource_id(request_id: str, organization_id: str | None) -> str:
    """The stable id of a request's resource; None for the installation's."""
    return f"document/{request_id}" if organization_id is None else f"document/{request_id}/{organization_id}"


def asked_for(request: DocumentRequest, declared: Iterable[Provider]) -> bool:
    """Whether a request is asked for where regions run on these providers."""
    return not request.providers or bool(set(request.providers) & set(declared))


def request_fields(
    request: DocumentRequest,
    *,
    organization_id: str | None,
    current: Document | None,
    review: Review | None,
    look: FileLook | None,
    applies: bool,
) -> dict[str, Json]:
    """A request as facts: what is on file, who filed it, who looked at it last and what is due next.

    The installation's facts are seen by every organization, so they name its people by id only.
    """
    due = next_due(request, current, review)
    fields: dict[str, Json] = {
        "id": resource_id(request.id, organization_id),
        "kind": KIND,
        "request": request.id,
        "applies": applies,
        "document": None if current is None else _document(current, look, request.scope),
        "review": None
        if review is None
        else {
            "id": review.id,
            "at": rfc3339(review.reviewed_at),
            "by": who(review.reviewed_by, request.scope),
        },
        "next_due": None if due is None else rfc3339(due),
    }
    return fields if organization_id is None else {**fields, "organization_id": organization_id}


def _document(current: Document, look: FileLook | None, scope: Scope) -> dict[str, Json]:
    return {
        "id": current.id,
        "sha256": current.file.sha256 if current.file else None,
        "size": current.file.size if current.file else None,
        "document_date": current.document_date.isoformat(),
        "valid_until": current.valid_until.isoformat(),
        "filed_at": rfc3339(current.filed_at),
        "filed_by": who(current.filed_by, scope),
        "file_verified_at": rfc3339(look.verified_at) if look and look.verified_at else None,
        "file_problem": look.problem if look else None,
    }


def who(party: Party, scope: Scope) -> str:
    """How a person or key is named: readable within an organization, by id where other organizations see it."""
    if scope is Scope.INSTALLATION:
        kind = {"user": "a member", "api": "an API key"}.get(party.type, party.type)
        return f"{kind} of the operator ({party.id[:8]})"
    return party.details or f"{party.type} {party.id}"


def next_due(request: DocumentRequest, current: Document | None, review: Review | None) -> datetime | None:
    """When something has to be done next, so that the request stays in order; None where nothing is on file."""
    if current is None:
        return None
    expiry = end_of(current.valid_until)
    if request.review_every_days is None:
        return expiry
    looked = current.filed_at if review is None else review.reviewed_at + timedelta(days=request.review_every_days)
    return min(expiry, looked)


def end_of(day: date) -> datetime:
    """The first moment after a day, UTC."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def judge(request: DocumentRequest, fields: Observation, *, at: datetime) -> Standing:
    """The state of a request from its facts at a time; raises Invalid for facts that lack something."""
    if not fields.flag("applies"):
        names = " or ".join(request.providers)
        return Standing(DocumentState.NOT_APPLICABLE, f"No region is declared to run on {names}.")
    review = _part(fields, "review")
    current = _part(fields, "document")
    if current is None:
        words = "Nobody has recorded it yet" if request.kind is RequestKind.REVIEW else "Nothing is on file"
        return Standing(DocumentState.MISSING, f"{words}. Needed: {request.contents}")
    damaged = _damage(current, at)
    if damaged is not None:
        return Standing(DocumentState.DAMAGED, damaged)
    valid_until = _day(current, "valid_until")
    dated = f"of {current.text('document_date')}, filed by {current.text('filed_by')},"
    if at >= end_of(valid_until):
        return Standing(DocumentState.EXPIRED, f"What is on file, {dated} counted until {valid_until}.")
    if request.review_every_days is None:
        return Standing(DocumentState.IN_ORDER, f"The record {dated} counts until {valid_until}.")
    return _reviewed(request, review, dated, valid_until, at)


def _reviewed(
    request: DocumentRequest, review: Observation | None, dated: str, valid_until: date, at: datetime
) -> Standing:
    if review is None:
        reason = f"The document {dated} was reviewed by nobody; the {request.reviewer} has to."
        return Standing(DocumentState.NOT_REVIEWED, reason)
    looked = _moment(review, "at")
    due = looked + timedelta(days=request.review_every_days or 0)
    seen = f"was last reviewed by {review.text('by')} on {looked.date()}"
    if at >= due:
        reason = f"The document {dated} {seen}; the next review was due on {due.date()}."
        return Standing(DocumentState.REVIEW_OVERDUE, reason)
    until = min(valid_until, due.date())
    return Standing(DocumentState.IN_ORDER, f"The document {dated} {seen}; it counts until {until}.")


def _damage(current: Observation, at: datetime) -> str | None:
    problem, verified = current.optional_text("file_problem"), current.optional_text("file_verified_at")
    if current.optional_text("sha256") is None:
        return None
    if problem is not None:
        return f"The file of document {current.text('id')} is {problem}."
    if verified is None or at - _moment(current, "file_verified_at") > VERIFIED_WITHIN:
        return f"The file of document {current.text('id')} was not opened and hashed lately."
    return None


def _part(fields: Observation, name: str) -> Observation | None:
    if name in fields.fields and fields.fields[name] is None:
        return None
    return fields.part(name)


def _day(fields: Observation, name: str) -> date:
    try:
        return date.fromisoformat(fields.text(name))
    except ValueError:
        raise Invalid(f"The facts have no date in {name!r}.", code="facts_malformed") from None


def _moment(fields: Observation, name: str) -> datetime:
    try:
        return parse_rfc3339(fields.text(name))
    except ValueError:
        raise Invalid(f"The facts have no time in {name!r}.", code="facts_malformed") from None
