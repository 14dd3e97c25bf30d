"""What is recorded about checks and evidence."""

from dataclasses import dataclass
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class EvidenceRecorded(AuditEvent):
    """Facts were collected and kept. `evidence` is the SHA-256 of their canonical JSON, hex: the leaf commits to it."""

    code: ClassVar[str] = "evidence.record"
    evidence: str
    collector: str
    place: str
    checks: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        return f"Evidence by the collector {self.collector} from {self.place} was recorded."


@dataclass(frozen=True, kw_only=True)
class CheckStateChanged(AuditEvent):
    """A check came to another state in one place: for example from pass to fail, or to error when nobody could look."""

    code: ClassVar[str] = "check.state_change"
    check: str
    place: str
    before: str
    after: str
    reason: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The check {self.check} in {self.place} went from {self.before} to {self.after}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class ChecksRun(AuditEvent):
    """Somebody asked for a run of checks by hand: of one row, of one check, or of all when both are null."""

    code: ClassVar[str] = "check.run"
    run: str
    row: str | None
    check: str | None

    def summary(self) -> str:
        """One sentence for people."""
        scope = f"the check {self.check}" if self.check else f"the checks of {self.row}" if self.row else "all checks"
        return f"A run of {scope} was asked for."
