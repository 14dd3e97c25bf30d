"""What is recorded about auditors' packages."""

from dataclasses import dataclass
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class _PackageEvent(AuditEvent):
    package: str


@dataclass(frozen=True, kw_only=True)
class PackageRequested(_PackageEvent):
    """Somebody asked for a package of the evidence of a period."""

    code: ClassVar[str] = "package.request"
    period_from: str
    period_to: str
    sample: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"A package of evidence from {self.period_from} to {self.period_to} was asked for."


@dataclass(frozen=True, kw_only=True)
class PackageCreated(_PackageEvent):
    """A package was made. `manifest` is the SHA-256 of its manifest, hex: the leaf commits to all that is in it."""

    code: ClassVar[str] = "package.create"
    manifest: str
    period_from: str
    period_to: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"A package of evidence from {self.period_from} to {self.period_to} was made."


@dataclass(frozen=True, kw_only=True)
class PackageVerified(_PackageEvent):
    """The offline verifier checked a new package. `sha256` is that of the whole file, hex."""

    code: ClassVar[str] = "package.verify"
    sha256: str
    evidence: int

    def summary(self) -> str:
        """One sentence for people."""
        return f"A package with {self.evidence} pieces of evidence was verified."


@dataclass(frozen=True, kw_only=True)
class PackageFailed(_PackageEvent):
    """A package could not be made, or did not verify; there is nothing to download."""

    code: ClassVar[str] = "package.fail"
    reason: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"A package could not be made: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class PackageDownloaded(_PackageEvent):
    """A package was handed out."""

    code: ClassVar[str] = "package.download"
    sha256: str

    def summary(self) -> str:
        """One sentence for people."""
        return "A package of evidence was downloaded."


@dataclass(frozen=True, kw_only=True)
class PackageDeleted(_PackageEvent):
    """Somebody removed a package."""

    code: ClassVar[str] = "package.delete"

    def summary(self) -> str:
        """One sentence for people."""
        return "A package of evidence was deleted."


@dataclass(frozen=True, kw_only=True)
class PackageExpired(_PackageEvent):
    """The file of a package was removed because its time was over."""

    code: ClassVar[str] = "package.expire"

    def summary(self) -> str:
        """One sentence for people."""
        return "A package of evidence expired; its file was removed."
