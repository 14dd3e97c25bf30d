"""The words of findings: identity, status, disposition; and the limits that hang on severity, all in one place."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from stronghouse.kernel.canonical import Json, canonical_json
from stronghouse.responsibility.model import Severity

CHECK = "check"
"""The source of findings that checks make; other areas use words of their own."""
SILENT_COLLECTORS = frozenset({"findings"})
"""Checks on these facts open no findings: a finding about late findings would itself become late, for ever."""

DUE_AFTER: Mapping[Severity, timedelta] = {
    Severity.CRITICAL: timedelta(days=7),
    Severity.HIGH: timedelta(days=30),
    Severity.MEDIUM: timedelta(days=90),
    Severity.LOW: timedelta(days=180),
}
"""How long there is to mend a finding, from when it was opened."""
LONGEST: Mapping[Severity, timedelta] = {
    Severity.CRITICAL: timedelta(days=30),
    Severity.HIGH: timedelta(days=90),
    Severity.MEDIUM: timedelta(days=180),
    Severity.LOW: timedelta(days=365),
}
"""How long a disposition may be in force."""
TWO_PERSONS = frozenset({Severity.CRITICAL, Severity.HIGH})
"""Severities where one person asks for a disposition and another one decides; nor can one person delay them alone."""
RANK: Mapping[Severity, int] = {severity: rank for rank, severity in enumerate(Severity)}
"""The worst first: 0 is critical."""


class FindingStatus(StrEnum):
    """Where the work on a finding stands. Only what found it resolves it, by no longer reporting it."""

    OPEN = "open"
    TRIAGED = "triaged"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"


UNRESOLVED = (FindingStatus.OPEN, FindingStatus.TRIAGED, FindingStatus.IN_PROGRESS)


class DispositionKind(StrEnum):
    """Why a finding is left as it is for a while. Beside the status, not part of it."""

    FALSE_POSITIVE = "false_positive"
    RISK_ACCEPTED = "risk_accepted"
    SUPPRESSED = "suppressed"
    DUPLICATE = "duplicate"


Disposed = Literal["none", "requested", "in_force", "false_positive", "risk_accepted", "suppressed", "duplicate"]
"""How findings are asked for by their disposition: without one, with one that waits or is in force, or of a kind."""


class DispositionState(StrEnum):
    """What became of a disposition. One that is in force still covers nothing after its expiry."""

    REQUESTED = "requested"
    IN_FORCE = "in_force"
    DECLINED = "declined"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class FindingReport:
    """What somebody found. The first four fields and the place are its identity, the rest may change."""

    organization_id: str | None
    source: str
    source_id: str
    resource: str
    place: str
    severity: Severity
    title: str
    reason: str
    remediation: str

    def identity(self) -> str:
        """The finding's id, the same for as long as the same is wrong with the same thing."""
        return identity(self.organization_id, self.source, self.source_id, self.resource, self.place)


def identity(organization_id: str | None, source: str, source_id: str, resource: str, discriminator: str) -> str:
    """SHA-256 over canonical JSON, hex. No version, build, message or time goes in (secops.md section 1)."""
    parts: list[Json] = [organization_id, source, source_id, resource, discriminator]
    return hashlib.sha256(canonical_json(parts)).hexdigest()


@dataclass(frozen=True)
class Finding:
    """One thing that is or was wrong.

    Attributes:
        organization_id: whose it is; None is the installation's, seen by all and changed by its operator.
        source: what kind of thing found it, and `source_id` which one: `check` and the check's id.
        opened_at: when it was opened or reopened last; `first_seen_at` stays.
        reopened: how many times it came back.
        assignee: the user id of the member who mends it.
    """

    id: str
    organization_id: str | None
    source: str
    source_id: str
    resource: str
    place: str
    severity: Severity
    title: str
    reason: str
    remediation: str
    status: FindingStatus
    first_seen_at: datetime
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    reopened: int
    assignee: str | None
    due_at: datetime


@dataclass(frozen=True)
class Party:
    """Who asked or decided: the actor as the audit log names it. `person` is the user behind it, None if unknown."""

    type: str
    id: str
    details: str
    person: str | None


@dataclass(frozen=True)
class Disposition:
    """A decision to leave a finding as it is until `expires_at`. `severity` is the finding's when it was asked for."""

    id: str
    finding_id: str
    kind: DispositionKind
    reason: str
    author: Party
    state: DispositionState
    severity: Severity
    created_at: datetime
    expires_at: datetime
    duplicate_of: str | None = None
    approver: Party | None = None
    decided_at: datetime | None = None
    ended_at: datetime | None = None
    ended_because: str | None = None

    def covers(self, finding: Finding, now: datetime) -> bool:
        """Whether it is in force for the finding as it is now; `store.covering` says the same in SQL."""
        return (
            self.state is DispositionState.IN_FORCE
            and now < self.expires_at
            and finding.status is not FindingStatus.RESOLVED
            and RANK[finding.severity] >= RANK[self.severity]
        )


@dataclass(frozen=True)
class Step:
    """One thing that happened to a finding."""

    at: datetime
    what: str
    actor_type: str
    actor_id: str
    actor_details: str
    note: str
