"""What is recorded about documents. Notes and file names stay in the database: they may be confidential."""

from dataclasses import dataclass
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class DocumentFiled(AuditEvent):
    """A document was filed, or a review recorded. `sha256` is that of the file's content, None without a file."""

    code: ClassVar[str] = "document.file"
    document: str
    request: str
    document_date: str
    valid_until: str
    sha256: str | None
    size: int | None
    person: str | None

    def summary(self) -> str:
        """One sentence for people."""
        return f"For the request {self.request} something of {self.document_date} was filed."


@dataclass(frozen=True, kw_only=True)
class DocumentReviewed(AuditEvent):
    """Somebody reviewed a filed document. `person` is the user who stands behind the actor, None if unknown."""

    code: ClassVar[str] = "document.review"
    document: str
    request: str
    review: str
    person: str | None

    def summary(self) -> str:
        """One sentence for people."""
        return f"The document {self.document} for the request {self.request} was reviewed."


@dataclass(frozen=True, kw_only=True)
class DocumentDeleted(AuditEvent):
    """A document was deleted, with its file and its reviews."""

    code: ClassVar[str] = "document.delete"
    document: str
    request: str
    document_date: str
    sha256: str | None

    def summary(self) -> str:
        """One sentence for people."""
        return f"The document {self.document} for the request {self.request} was deleted."


@dataclass(frozen=True, kw_only=True)
class DocumentDownloaded(AuditEvent):
    """Somebody asked for a document's file; recorded before the first byte is sent."""

    code: ClassVar[str] = "document.download"
    document: str
    request: str
    sha256: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The file of document {self.document} for the request {self.request} was downloaded."


@dataclass(frozen=True, kw_only=True)
class HostingDeclared(AuditEvent):
    """The operator declared who carries a region's machines."""

    code: ClassVar[str] = "hosting.declare"
    region: str
    before: str | None
    after: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The machines of region {self.region} were declared to be carried by {self.after}."
