"""An auditor's package, as it is kept and shown."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PackageState(StrEnum):
    """Where a package is in its life."""

    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"
    """The file was removed after its time; that it was made and verified stays known."""
    DELETED = "deleted"
    """Somebody removed it; it is shown no more."""


class Sample(StrEnum):
    """Which of the period's evidence a package holds."""

    DAILY = "daily"
    ALL = "all"


SAMPLE_MEANING = {
    Sample.DAILY: "Of each collector, place and owner the newest piece of every UTC day, and the pieces before and "
    "after each change of a check's state.",
    Sample.ALL: "Every piece of evidence of the period.",
}


@dataclass(frozen=True)
class Package:
    """One package.

    Attributes:
        progress: of its building, 0 to 100.
        error: why it failed, one sentence.
        manifest: SHA-256 of its manifest, hex; the audit log commits to it.
        sha256: of the whole file, hex.
        size: of the file in bytes.
        verified_at: when the verifier found that everything holds.
    """

    id: str
    organization_id: str
    created_at: datetime
    period_from: datetime
    period_to: datetime
    sample: Sample
    state: PackageState
    progress: int = 0
    error: str | None = None
    manifest: str | None = None
    sha256: str | None = None
    size: int | None = None
    finished_at: datetime | None = None
    verified_at: datetime | None = None
    expires_at: datetime | None = None
