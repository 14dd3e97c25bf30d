"""What is recorded about sign-in policies."""

from dataclasses import dataclass
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class SignInPolicyChanged(AuditEvent):
    """An organization asks something else of its members' sign-ins; it holds for every session's next request."""

    code: ClassVar[str] = "organization.sign_in_policy_change"
    second_factor_required_before: bool
    second_factor_required_after: bool
    idle_minutes_before: int
    idle_minutes_after: int
    absolute_minutes_before: int
    absolute_minutes_after: int

    def summary(self) -> str:
        """One sentence for people."""
        if self.second_factor_required_before != self.second_factor_required_after:
            word = "requires" if self.second_factor_required_after else "does not require any more"
            return f"The organization {word} a second factor of its members."
        return "The organization changed when its members' sessions end."
