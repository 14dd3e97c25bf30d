"""What is recorded about advisories."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class AdvisoriesImported(AuditEvent):
    """A feed of advisories took the place of the former one. `signed_by` is None when it was taken unsigned."""

    code: ClassVar[str] = "advisories.import"
    feed_time: datetime
    source: str
    sha256: str
    signed_by: str | None
    entries: dict[str, int]
    unreadable: int

    def summary(self) -> str:
        """One sentence for people."""
        how = "unsigned" if self.signed_by is None else f"signed by key {self.signed_by}"
        return f"{sum(self.entries.values())} advisories of {self.source!r} were imported, {how}."


@dataclass(frozen=True, kw_only=True)
class AdvisoryKeyTrusted(AuditEvent):
    """From now on feeds that this key signed are believed."""

    code: ClassVar[str] = "advisory_key.trust"
    key: str
    name: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The advisory key {self.name} ({self.key}) is trusted."


@dataclass(frozen=True, kw_only=True)
class AdvisoryKeyRemoved(AuditEvent):
    """Feeds that this key signed are believed no longer, the present one included."""

    code: ClassVar[str] = "advisory_key.remove"
    key: str
    name: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The advisory key {self.name} ({self.key}) is trusted no longer."
