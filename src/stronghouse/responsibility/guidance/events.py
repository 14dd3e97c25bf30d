"""What is recorded about guidance."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class ProfileChosen(AuditEvent):
    """An organization chose a profile of settings."""

    code: ClassVar[str] = "guidance.profile_choose"
    before: str | None
    after: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The profile {self.after} was chosen."


@dataclass(frozen=True, kw_only=True)
class AdviceApplied(AuditEvent):
    """A difference from a profile was ended; the area's own event beside it says what exactly changed."""

    code: ClassVar[str] = "guidance.advice_apply"
    profile: str
    advice: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The advice {self.advice} of the profile {self.profile} was applied."


@dataclass(frozen=True, kw_only=True)
class AdviceDeclined(AuditEvent):
    """Advice of a profile was declined until a date."""

    code: ClassVar[str] = "guidance.advice_decline"
    profile: str
    advice: str
    reason: str
    until: datetime

    def summary(self) -> str:
        """One sentence for people."""
        return f"The advice {self.advice} of the profile {self.profile} was declined until {self.until.date()}."


@dataclass(frozen=True, kw_only=True)
class TaskOpened(AuditEvent):
    """A difference that a person has to end became a task."""

    code: ClassVar[str] = "guidance.task_open"
    profile: str
    advice: str
    finding: str
    due_at: datetime

    def summary(self) -> str:
        """One sentence for people."""
        return f"The advice {self.advice} became a task that is due {self.due_at.date()}."


@dataclass(frozen=True, kw_only=True)
class TaskClosed(AuditEvent):
    """A task was closed because its difference is gone or another profile was chosen."""

    code: ClassVar[str] = "guidance.task_close"
    profile: str
    advice: str
    finding: str
    reason: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The task of the advice {self.advice} was closed: {self.reason}"
