"""What is recorded about second factors."""

from dataclasses import dataclass
from typing import ClassVar

from stronghouse.access.factors.model import SecondFactor
from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class SecondFactorAsked(AuditEvent):
    """Somebody proved a person's password or link (`method`), and was asked for a second factor.

    No sign-in that follows within ten minutes means that it was not the person, or that they lost their factor.
    """

    code: ClassVar[str] = "user.second_factor_ask"
    user_id: str
    method: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"A second factor was asked for after a {self.method}."


@dataclass(frozen=True, kw_only=True)
class SecondFactorFailed(AuditEvent):
    """Somebody who had proved a person's password or link could not prove a second factor.

    At most one event per person and network in ten seconds.
    """

    code: ClassVar[str] = "user.second_factor_fail"
    activity: ClassVar[str | None] = "user_login_failed"
    user_id: str

    def summary(self) -> str:
        """One sentence for people."""
        return "A wrong second factor was given after a right password or link."


@dataclass(frozen=True, kw_only=True)
class FactorEnrolled(AuditEvent):
    """A person set up a second factor; their other sessions ended. `factor` is authenticator_app or passkey.

    An app takes the place of the one that they had. `credential` is a fingerprint of what is stored of it: the sealed
    secret of an app, the public key of a passkey.
    """

    code: ClassVar[str] = "user.factor_enroll"
    activity: ClassVar[str | None] = "organization_member_update_mfa_method"
    user_id: str
    factor: str
    name: str | None
    credential: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"A person set up {SecondFactor(self.factor).words}."


@dataclass(frozen=True, kw_only=True)
class FactorRemoved(AuditEvent):
    """A person removed one of their second factors; `credential` is what it had when it was set up."""

    code: ClassVar[str] = "user.factor_remove"
    activity: ClassVar[str | None] = "organization_member_update_mfa_method"
    user_id: str
    factor: str
    name: str | None
    credential: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"A person removed {SecondFactor(self.factor).words}."


@dataclass(frozen=True, kw_only=True)
class PasskeyRefused(AuditEvent):
    """A passkey signed well, but its counter did not go on, so there may be a copy of it. Nothing was done.

    The person should remove it, and find out who has the copy. At most one event per passkey in ten seconds.
    """

    code: ClassVar[str] = "user.passkey_refuse"
    activity: ClassVar[str | None] = "user_login_failed"
    user_id: str
    name: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The passkey {self.name!r} was refused: there may be a copy of it."


@dataclass(frozen=True, kw_only=True)
class RecoveryCodesMade(AuditEvent):
    """A person got new recovery codes; older ones stopped working."""

    code: ClassVar[str] = "user.recovery_codes_make"
    user_id: str
    codes: int

    def summary(self) -> str:
        """One sentence for people."""
        return f"A person got {self.codes} recovery codes."


@dataclass(frozen=True, kw_only=True)
class RecoveryCodeUsed(AuditEvent):
    """A person proved who they are by a recovery code, which is used up; `left` says how many remain."""

    code: ClassVar[str] = "user.recovery_code_use"
    user_id: str
    left: int

    def summary(self) -> str:
        """One sentence for people."""
        return f"A recovery code was used; {self.left} are left."


@dataclass(frozen=True, kw_only=True)
class FactorsReset(AuditEvent):
    """Whoever runs the machine took all second factors and the password from a person, whose sessions and links ended.

    They sign in with a new link alone, until they set up a password and a factor again. It is recorded too when
    somebody takes over, by an invitation, an account that is in no organization.
    """

    code: ClassVar[str] = "user.factors_reset"
    activity: ClassVar[str | None] = "organization_member_update_mfa_method"
    user_id: str
    factors: list[str]
    sessions: int

    def summary(self) -> str:
        """One sentence for people."""
        return "A person's second factors were reset on the machine that runs the control plane."
