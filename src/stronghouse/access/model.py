"""Who may call: API keys, people, their sessions, and the principal that a request is made by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from stronghouse.access.factors.model import SecondFactor
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import NOTHING, Rights
from stronghouse.access.sign_in_policy.model import SignInPolicy
from stronghouse.audit.event import Actor

KeyState = Literal["enabled", "disabled"]


@dataclass(frozen=True)
class Source:
    """One entry of an IP access list, as it was written."""

    source: str
    description: str = ""


@dataclass(frozen=True)
class ApiKey:
    """An API key. `id` names the resource; the key id that clients send is kept only as a hash."""

    id: str
    organization_id: str
    name: str
    state: KeyState
    role_ids: tuple[str, ...]
    key_suffix: str
    ip_access: tuple[Source, ...]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True)
class User:
    """A person. `password_hash` is an Argon2id string, None until a password is set."""

    id: str
    email: str
    name: str
    password_hash: str | None
    created_at: datetime


@dataclass(frozen=True)
class Membership:
    """A person's place in an organization, and what they could sign in with at a moment.

    Attributes:
        joined_at: since when.
        last_seen_at: when they last used the console, None if never.
        second_factor: whether signing in asks for one.
        open_sessions: sessions that have not ended.
        open_links: one-time links that still work.
        links_until: when the last of those links ends.
    """

    organization_id: str
    user: User
    role_ids: tuple[str, ...]
    joined_at: datetime
    last_seen_at: datetime | None
    second_factor: bool
    open_sessions: int
    open_links: int
    links_until: datetime | None


@dataclass(frozen=True)
class Session:
    """A browser session; its token is kept only as a hash.

    Attributes:
        address: where the person signed in from.
        user_agent: what their browser called itself; it stays the same as long as the session.
        binding_hash: of the secret that the console's script keeps in storage of its own origin; a cookie without that
            secret can be somebody else's, since cookies ignore ports. None where no script ran.
        stepped_up_at: when the person last proved who they are.
        second_factor: which one was proved in this session, None if none was.
        token_issued_at: when the token of the cookie was made.
    """

    id: str
    user_id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None
    binding_hash: str | None
    stepped_up_at: datetime
    second_factor: SecondFactor | None
    token_issued_at: datetime

    def ends_at(self, policy: SignInPolicy) -> datetime:
        """When it is over, however much it is used."""
        return min(self.expires_at, self.created_at + policy.absolute)

    def is_live(self, now: datetime, policy: SignInPolicy) -> bool:
        """Whether it is neither over nor left alone for too long, as its person's organizations ask it now."""
        return now < self.ends_at(policy) and now - self.last_seen_at <= policy.idle


@dataclass(frozen=True)
class Principal:
    """Who makes a request and what they may do in each organization that they belong to."""

    actor: Actor
    rights: Mapping[str, Rights]

    def may(self, permission: Permission, organization_id: str, service_id: str | None = None) -> bool:
        """Whether they hold `permission` in this organization; see `Rights.may`."""
        return self.rights_in(organization_id).may(permission, service_id)

    def rights_in(self, organization_id: str) -> Rights:
        """All that they may do in this organization."""
        return self.rights.get(organization_id, NOTHING)
