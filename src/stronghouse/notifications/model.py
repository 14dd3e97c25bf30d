"""The words of this area: a channel gets notices of some kinds, at once or as a digest."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Level(StrEnum):
    """How bad what a notice tells of is; the values are those of a check's severity."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


ORDER = (Level.CRITICAL, Level.HIGH, Level.MEDIUM, Level.LOW)


class Kind(StrEnum):
    """What a notice is about."""

    STATE = "state"
    """A check came to fail, error or stale, or came back."""
    FINDING = "finding"
    """A finding is new or overdue."""
    DOCUMENT = "document"
    """A dated document is missing, ends soon or is out of date."""
    DISPOSITION = "disposition"
    """A disposition ends soon."""


class Mode(StrEnum):
    """When a channel's notices are sent."""

    IMMEDIATE = "immediate"
    HOURLY = "hourly"
    DAILY = "daily"


PERIODS = {Mode.IMMEDIATE: timedelta(0), Mode.HOURLY: timedelta(hours=1), Mode.DAILY: timedelta(days=1)}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One thing to tell.

    Attributes:
        key: what it is about; of several notices with one key only the newest is told.
        at: when it happened; a source gives each notice once, by this time.
        title: what changed, in a line.
        reason: why, in a sentence; no secret and no customer's data.
        fix: what mends it; empty where nothing is to do.
        path: where to read on: a command or a path of the console.
    """

    key: str
    kind: Kind
    level: Level
    at: datetime
    title: str
    reason: str
    fix: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Channel:
    """Where notices go. `address` is all that is shown of the URL; `told_until` is the time up to which it was told."""

    id: str
    organization_id: str
    name: str
    address: str
    sealed_url: bytes
    minimum_severity: Level
    kinds: tuple[Kind, ...]
    mode: Mode
    created_at: datetime
    told_until: datetime
    attempted_at: datetime | None = None
    delivered_at: datetime | None = None
    error: str | None = None
    failures: int = 0
    hour_began: datetime | None = None
    sent_in_hour: int = 0

    @property
    def state(self) -> str:
        """`untried`, `working` or `failing`."""
        if self.error is not None:
            return "failing"
        return "untried" if self.delivered_at is None else "working"
