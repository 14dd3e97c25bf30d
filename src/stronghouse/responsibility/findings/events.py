"""What is recorded about findings, dispositions and who is accountable."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class FindingEvent(AuditEvent):
    """Base of the events about one finding."""

    finding: str
    source: str
    source_id: str
    resource: str
    place: str
    severity: str

    def _subject(self) -> str:
        return f"The {self.severity} finding of {self.source_id} about {self.resource} in {self.place}"


@dataclass(frozen=True, kw_only=True)
class FindingOpened(FindingEvent):
    """Something was found to be wrong for the first time."""

    code: ClassVar[str] = "finding.open"
    reason: str
    due_at: datetime

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self._subject()} was opened: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class FindingReopened(FindingEvent):
    """Something that had been mended is wrong again."""

    code: ClassVar[str] = "finding.reopen"
    reason: str
    due_at: datetime

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self._subject()} was reopened: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class FindingResolved(FindingEvent):
    """What found it looked again and no longer reports it."""

    code: ClassVar[str] = "finding.resolve"
    reason: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self._subject()} was resolved: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class FindingUpdated(FindingEvent):
    """A finding's status, assignee, due date or severity changed."""

    code: ClassVar[str] = "finding.update"
    changes: dict[str, list[str | None]]

    def summary(self) -> str:
        """One sentence for people."""
        told = "; ".join(f"{name} from {old} to {new}" for name, (old, new) in self.changes.items())
        return f"{self._subject()} changed: {told}."


@dataclass(frozen=True, kw_only=True)
class ManyFindingsChanged(AuditEvent):
    """One look opened, reopened or resolved many findings; these are those beyond the ones with an event each."""

    code: ClassVar[str] = "finding.change_many"
    what: str
    source: str
    source_id: str
    place: str
    count: int
    findings: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self.count} more findings of {self.source_id} in {self.place}: {self.what}."


@dataclass(frozen=True, kw_only=True)
class DispositionEvent(FindingEvent):
    """Base of the events about one disposition."""

    disposition: str
    kind: str
    expires_at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class DispositionRequested(DispositionEvent):
    """Someone wants to leave a finding as it is for a while; at low severities that is in force at once."""

    code: ClassVar[str] = "disposition.request"
    in_force: bool

    def summary(self) -> str:
        """One sentence for people."""
        state = "is in force" if self.in_force else "waits for a second person"
        return f"{self._subject()} was disposed of as {self.kind}, which {state}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class DispositionApproved(DispositionEvent):
    """A second person put a disposition in force."""

    code: ClassVar[str] = "disposition.approve"

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self._subject()}: the disposition {self.kind} was approved."


@dataclass(frozen=True, kw_only=True)
class DispositionDeclined(DispositionEvent):
    """A disposition was not approved."""

    code: ClassVar[str] = "disposition.decline"

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self._subject()}: the disposition {self.kind} was declined: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class DispositionEnded(DispositionEvent):
    """A disposition ended; `reason` is expired, severity_raised, withdrawn, resolved or duplicate_resolved."""

    code: ClassVar[str] = "disposition.end"

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self._subject()}: the disposition {self.kind} ended ({self.reason})."


@dataclass(frozen=True, kw_only=True)
class AccountableChanged(AuditEvent):
    """Another member answers for a row of the matrix, or nobody does any more."""

    code: ClassVar[str] = "responsibility.accountable_change"
    row: str
    before: str | None
    after: str | None

    def summary(self) -> str:
        """One sentence for people."""
        return f"Who is accountable for {self.row} went from {self.before or 'nobody'} to {self.after or 'nobody'}."
