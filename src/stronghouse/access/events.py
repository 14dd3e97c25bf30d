"""What is recorded about keys, people and sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class KeyCreated(AuditEvent):
    """An API key was created. `credential` is a fingerprint of the stored hashes, see `store.credential`."""

    code: ClassVar[str] = "api_key.create"
    activity: ClassVar[str | None] = "key_create"
    key_id: str
    name: str
    state: str
    role_ids: list[str]
    ip_access: list[str]
    expires_at: datetime | None
    credential: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"API key {self.name!r} was created."


@dataclass(frozen=True, kw_only=True)
class KeyUpdated(AuditEvent):
    """One aspect of an API key was changed; `change` is the Cloud API's `keyUpdateType`."""

    code: ClassVar[str] = "api_key.update"
    activity: ClassVar[str | None] = "openapi_key_update"
    key_id: str
    change: str
    before: str | list[str] | None
    after: str | list[str] | None

    def summary(self) -> str:
        """One sentence for people."""
        return f"An API key changed: {self.change}."


@dataclass(frozen=True, kw_only=True)
class KeyDeleted(AuditEvent):
    """An API key was deleted; it stops working at once."""

    code: ClassVar[str] = "api_key.delete"
    activity: ClassVar[str | None] = "key_delete"
    key_id: str
    name: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"API key {self.name!r} was deleted."


@dataclass(frozen=True, kw_only=True)
class KeyRotated(AuditEvent):
    """An API key got a successor with the same rights; the old one ends at `ends_at`.

    That the successor was made, and that the old one was renamed and ends, are events of their own.
    """

    code: ClassVar[str] = "api_key.rotate"
    key_id: str
    successor_id: str
    name: str
    ends_at: datetime

    def summary(self) -> str:
        """One sentence for people."""
        return f"API key {self.name!r} was rotated."


@dataclass(frozen=True, kw_only=True)
class KeyPolicyChanged(AuditEvent):
    """How many days API keys may live at most; null is without a maximum."""

    code: ClassVar[str] = "key_policy.update"
    days_before: int | None
    days_after: int | None

    def summary(self) -> str:
        """One sentence for people."""
        return "The maximum lifetime of API keys was changed."


@dataclass(frozen=True, kw_only=True)
class KeyRefused(AuditEvent):
    """A request came with a key that does not hold. At most one event per key and address in ten seconds."""

    code: ClassVar[str] = "api_key.refuse"
    key_id: str | None
    reason: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"A request with an API key was refused: {self.reason}."


@dataclass(frozen=True, kw_only=True)
class AccessDenied(AuditEvent):
    """An authenticated caller asked for something that their roles do not allow.

    `permission` is what the request takes. Where they hold that it is empty, and `reason` is the code of what else
    forbade the act.
    """

    code: ClassVar[str] = "access.deny"
    permission: str
    request: str
    reason: str | None = None

    def summary(self) -> str:
        """One sentence for people."""
        why = self.reason or f"it needs {self.permission}"
        return f"{self.request} was denied: {why}."


@dataclass(frozen=True, kw_only=True)
class RoleCreated(AuditEvent):
    """A role of the organization's own was created; `policies` are told in a line each."""

    code: ClassVar[str] = "role.create"
    role_id: str
    name: str
    policies: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        return f"The role {self.name!r} was created."


@dataclass(frozen=True, kw_only=True)
class RoleUpdated(AuditEvent):
    """A role's name or policies changed, for all who hold it at once."""

    code: ClassVar[str] = "role.update"
    role_id: str
    name_before: str
    name_after: str
    policies_before: list[str]
    policies_after: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        return f"The role {self.name_before!r} was changed."


@dataclass(frozen=True, kw_only=True)
class RoleDeleted(AuditEvent):
    """A role was deleted, and nobody holds it any more."""

    code: ClassVar[str] = "role.delete"
    role_id: str
    name: str
    policies: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        return f"The role {self.name!r} was deleted."


@dataclass(frozen=True, kw_only=True)
class MemberRolesChanged(AuditEvent):
    """A member holds other roles than before; lists of role ids."""

    code: ClassVar[str] = "member.update_roles"
    activity: ClassVar[str | None] = "organization_member_update_roles"
    user_id: str
    before: list[str]
    after: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        return "A member's roles were changed."


@dataclass(frozen=True, kw_only=True)
class MemberRemoved(AuditEvent):
    """A person is no member any more, and may do nothing in the organization."""

    code: ClassVar[str] = "member.remove"
    activity: ClassVar[str | None] = "organization_member_delete"
    user_id: str
    email: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self.email} was removed."


@dataclass(frozen=True, kw_only=True)
class UserCreated(AuditEvent):
    """A person joined an organization."""

    code: ClassVar[str] = "user.create"
    activity: ClassVar[str | None] = "organization_member_add"
    user_id: str
    email: str
    role_ids: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self.email} became a member."


@dataclass(frozen=True, kw_only=True)
class SignInLinkIssued(AuditEvent):
    """A one-time sign-in link was made on the machine that runs the control plane."""

    code: ClassVar[str] = "user.sign_in_link_issue"
    user_id: str
    expires_at: datetime

    def summary(self) -> str:
        """One sentence for people."""
        return "A one-time sign-in link was issued."


@dataclass(frozen=True, kw_only=True)
class SignedIn(AuditEvent):
    """A person signed in; `method` is link, password, passkey or invitation.

    `second_factor` is what they proved besides: authenticator_app, passkey or recovery_code; null if nothing.
    """

    code: ClassVar[str] = "user.sign_in"
    activity: ClassVar[str | None] = "user_login"
    user_id: str
    session_id: str
    method: str
    second_factor: str | None = None

    def summary(self) -> str:
        """One sentence for people."""
        return f"A person signed in with {'an' if self.method == 'invitation' else 'a'} {self.method}."


@dataclass(frozen=True, kw_only=True)
class SignInFailed(AuditEvent):
    """An attempt to sign in failed. The address that was typed is not kept: people type passwords there."""

    code: ClassVar[str] = "user.sign_in_fail"
    activity: ClassVar[str | None] = "user_login_failed"
    method: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"An attempt to sign in with {'an' if self.method == 'invitation' else 'a'} {self.method} failed."


@dataclass(frozen=True, kw_only=True)
class SignedOut(AuditEvent):
    """A person ended a session."""

    code: ClassVar[str] = "user.sign_out"
    activity: ClassVar[str | None] = "user_logout"
    user_id: str
    session_id: str

    def summary(self) -> str:
        """One sentence for people."""
        return "A person signed out."


@dataclass(frozen=True, kw_only=True)
class SignedOutEverywhere(AuditEvent):
    """All sessions of a person and all their unused sign-in links were ended; `sessions` says how many sessions.

    The person did it in the console, or whoever runs the machine did it with `stronghouse member sign-out`.
    """

    code: ClassVar[str] = "user.sign_out_everywhere"
    activity: ClassVar[str | None] = "user_logout"
    user_id: str
    sessions: int

    def summary(self) -> str:
        """One sentence for people."""
        return f"A person was signed out everywhere; {self.sessions} sessions ended."


@dataclass(frozen=True, kw_only=True)
class MemberSessionsEnded(AuditEvent):
    """Somebody who manages members ended a member's sessions: one of them, or all with the unused sign-in links.

    `session_id` is the one, null for all; `sessions` says how many ended. It is told in each of the member's
    organizations, because a session is good in all of them.
    """

    code: ClassVar[str] = "member.sessions_end"
    activity: ClassVar[str | None] = "user_logout"
    user_id: str
    session_id: str | None
    sessions: int

    def summary(self) -> str:
        """One sentence for people."""
        return f"A member's sessions were ended: {self.sessions}."


@dataclass(frozen=True, kw_only=True)
class SessionRefused(AuditEvent):
    """A request came with a session's cookie, but without the secret that the console's own pages hold for it.

    Either the browser lost its storage, or somebody else got hold of the cookie: a program that answers on another
    port of the same host is sent it too. Nothing was done; the session goes on for whoever has the secret.
    """

    code: ClassVar[str] = "user.session_refuse"
    user_id: str
    session_id: str

    def summary(self) -> str:
        """One sentence for people."""
        return "An act in a person's session was refused: it did not come from the page at which they signed in."


@dataclass(frozen=True, kw_only=True)
class SteppedUp(AuditEvent):
    """A person proved once more who they are, as acts with keys and acts that destroy something need it."""

    code: ClassVar[str] = "user.step_up"
    user_id: str
    session_id: str

    def summary(self) -> str:
        """One sentence for people."""
        return "A person proved once more who they are."


@dataclass(frozen=True, kw_only=True)
class StepUpFailed(AuditEvent):
    """Somebody in a person's session was asked for the person's password or second factor and gave a wrong one."""

    code: ClassVar[str] = "user.step_up_fail"
    user_id: str
    session_id: str

    def summary(self) -> str:
        """One sentence for people."""
        return "A wrong password or second factor was given in a person's session."


@dataclass(frozen=True, kw_only=True)
class PasswordSet(AuditEvent):
    """A person set or changed their password; their other sessions and unused sign-in links ended with it.

    `credential` is a fingerprint of its salted hash, see `store.credential`.
    """

    code: ClassVar[str] = "user.password_set"
    user_id: str
    credential: str

    def summary(self) -> str:
        """One sentence for people."""
        return "A person set their password."
