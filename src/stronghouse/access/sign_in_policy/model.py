"""An organization's sign-in policy."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from stronghouse.kernel.errors import Invalid

IDLE_BOUNDS, ABSOLUTE_BOUNDS = (5, 12 * 60), (15, 24 * 60)  # minutes
LONGEST_SESSION = timedelta(minutes=ABSOLUTE_BOUNDS[1])


@dataclass(frozen=True)
class SignInPolicy:
    """What is asked of a sign-in and its session.

    Attributes:
        second_factor_required: whether members without a second factor may do nothing but set one up.
        idle_minutes: after so long without use a session ends.
        absolute_minutes: so long after it began a session ends.
    """

    second_factor_required: bool = False
    idle_minutes: int = 60
    absolute_minutes: int = 12 * 60

    @property
    def idle(self) -> timedelta:
        """How long a session may be left alone."""
        return timedelta(minutes=self.idle_minutes)

    @property
    def absolute(self) -> timedelta:
        """How long a session lasts at most."""
        return timedelta(minutes=self.absolute_minutes)


DEFAULT = SignInPolicy()
"""Of an organization that never chose another."""


def checked(policy: SignInPolicy) -> SignInPolicy:
    """The policy itself; raises Invalid for a time outside its bounds."""
    for name, minutes, (least, most) in (
        ("idle timeout", policy.idle_minutes, IDLE_BOUNDS),
        ("absolute timeout", policy.absolute_minutes, ABSOLUTE_BOUNDS),
    ):
        if not least <= minutes <= most:
            raise Invalid(f"The {name} is between {least} and {most} minutes.", code="timeout_invalid")
    if policy.idle_minutes > policy.absolute_minutes:
        raise Invalid("The idle timeout is at most as long as the absolute one.", code="timeout_invalid")
    return policy


def strictest(policies: Iterable[SignInPolicy]) -> SignInPolicy:
    """What holds for who is in several organizations: of each rule the strictest. Without any, the default."""
    found = [*policies] or [DEFAULT]
    return SignInPolicy(
        second_factor_required=any(one.second_factor_required for one in found),
        idle_minutes=min(one.idle_minutes for one in found),
        absolute_minutes=min(one.absolute_minutes for one in found),
    )
