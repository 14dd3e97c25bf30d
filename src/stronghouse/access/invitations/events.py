"""What is recorded about invitations. No event holds a link."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class InvitationCreated(AuditEvent):
    """Somebody was invited. `channel` is `mail`, or `shown` where the inviter was shown the link themselves."""

    code: ClassVar[str] = "invitation.create"
    activity: ClassVar[str | None] = "organization_invite_create"
    invitation_id: str
    email: str
    role_ids: list[str]
    expires_at: datetime
    channel: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self.email} was invited."


@dataclass(frozen=True, kw_only=True)
class InvitationRenewed(AuditEvent):
    """Another link was asked for, by mail or `shown`; the one before is worth nothing any more."""

    code: ClassVar[str] = "invitation.renew"
    invitation_id: str
    email: str
    channel: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"Another link was made for the invitation of {self.email}."


@dataclass(frozen=True, kw_only=True)
class InvitationDelivered(AuditEvent):
    """An invitation was mailed, or was not taken by the mail server; `reason` is null when it was.

    Of an invitation that is tried again and again for one reason, the first failure is recorded. `is_final` says that
    it is not tried again by itself.
    """

    code: ClassVar[str] = "invitation.deliver"
    invitation_id: str
    email: str
    reason: str | None
    is_final: bool

    def summary(self) -> str:
        """One sentence for people."""
        end = "was mailed" if self.reason is None else f"was not mailed: {self.reason}"
        return f"The invitation of {self.email} {end}"


@dataclass(frozen=True, kw_only=True)
class InvitationRevoked(AuditEvent):
    """An invitation was taken back; its link is worth nothing any more."""

    code: ClassVar[str] = "invitation.revoke"
    activity: ClassVar[str | None] = "organization_invite_delete"
    invitation_id: str
    email: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The invitation of {self.email} was revoked."


@dataclass(frozen=True, kw_only=True)
class InvitationAccepted(AuditEvent):
    """A person became a member by an invitation. `dropped_role_ids` were offered and not given any more.

    `channel` says how the link came to them: after `mail` the address is theirs, after `shown` nothing proves that.
    """

    code: ClassVar[str] = "invitation.accept"
    activity: ClassVar[str | None] = "organization_member_join"
    invitation_id: str
    user_id: str
    email: str
    role_ids: list[str]
    dropped_role_ids: list[str]
    inviter: str
    channel: str
    is_new_account: bool

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self.email} accepted an invitation and became a member."


@dataclass(frozen=True, kw_only=True)
class InvitationExpired(AuditEvent):
    """Nobody accepted an invitation in time."""

    code: ClassVar[str] = "invitation.expire"
    invitation_id: str
    email: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The invitation of {self.email} expired."
