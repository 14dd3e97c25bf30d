"""The words of this area: a request says what must be on file; documents answer it; reviews say who looked at them."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from stronghouse.responsibility.model import Owner, Severity


class RequestKind(StrEnum):
    """What answers a request."""

    DOCUMENT = "document"
    """A file, and a review of it."""
    REVIEW = "review"
    """A person's statement that they did it; a file may go with it."""


class Provider(StrEnum):
    """Who carries the machines of a region, as the operator declares it."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"
    OWN = "own"


class Scope(StrEnum):
    """Who files: the organization that operates the installation, for all; or each organization for itself."""

    INSTALLATION = "installation"
    ORGANIZATION = "organization"


class DocumentState(StrEnum):
    """How a request stands. Only `in_order` is good."""

    MISSING = "missing"
    DAMAGED = "damaged"
    EXPIRED = "expired"
    NOT_REVIEWED = "not_reviewed"
    REVIEW_OVERDUE = "review_overdue"
    IN_ORDER = "in_order"
    NOT_APPLICABLE = "not_applicable"


INSTALLATION_OWNERS = frozenset({Owner.CLOUD, Owner.PLATFORM, Owner.THIRD_PARTY})
FOUR_EYES = frozenset({Severity.CRITICAL, Severity.HIGH})
"""Documents of these severities are reviewed by another person than the one who filed them."""


@dataclass(frozen=True, kw_only=True)
class DocumentRequest:
    """What must be on file.

    Attributes:
        id: lower-case letters, digits and underscores.
        control: the id of the control that it serves.
        contents: what must be in it, in plain words.
        valid_days: the longest time that it counts, from its own date.
        review_every_days: how often somebody must have looked at the filed document; None for a review.
        reviewer: a role in words.
        source: where to get it.
        providers: it is asked for only where a region runs on one of these; empty: always.
    """

    id: str
    control: str
    title: str
    contents: str
    kind: RequestKind
    valid_days: int
    review_every_days: int | None
    reviewer: str
    severity: Severity
    risk: str
    source: str
    providers: tuple[Provider, ...]
    frameworks: tuple[str, ...]
    scope: Scope

    @property
    def check_id(self) -> str:
        """The check that this request becomes."""
        return f"document_{self.id}"

    @property
    def command(self) -> str:
        """What answers it on the command line."""
        if self.kind is RequestKind.REVIEW:
            return f'stronghouse document record {self.id} --note "…"'
        return f"stronghouse document file {self.id} PATH --date YYYY-MM-DD"


@dataclass(frozen=True)
class Party:
    """Who filed or reviewed. `person` is the user behind it, None where nobody can tell (`findings.persons`)."""

    type: str
    id: str
    details: str
    person: str | None


@dataclass(frozen=True)
class StoredFile:
    """What is known of a sealed file: SHA-256 (hex) and size in bytes of its content."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class NewDocument:
    """What somebody wants to file. `valid_until` may only shorten what the request allows."""

    request_id: str
    document_date: date
    valid_until: date | None = None
    note: str = ""
    file_name: str | None = None
    media_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Document:
    """A filed document, or a review record with or without a file."""

    id: str
    organization_id: str
    request_id: str
    document_date: date
    valid_until: date
    note: str
    filed_at: datetime
    filed_by: Party
    file_name: str | None
    media_type: str | None
    file: StoredFile | None


@dataclass(frozen=True, kw_only=True)
class Review:
    """Somebody looked at a filed document."""

    id: str
    document_id: str
    note: str
    reviewed_at: datetime
    reviewed_by: Party
