"""Who belongs to an organization, as the API and the console tell it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.access import store
from stronghouse.access.model import Membership
from stronghouse.access.roles import store as role_store
from stronghouse.access.roles.policies import Role
from stronghouse.access.roles.system import Roles, held
from stronghouse.kernel.errors import NotFound


@dataclass(frozen=True)
class Member:
    """A person in an organization.

    Attributes:
        roles: what they may do there, in the order in which it was given.
        last_seen_at: when they last used the console, None if never.
        open_sessions: sessions that have not ended, of this person in all organizations.
        has_password: whether they can sign in without a link.
        second_factor: whether signing in asks for one besides.
    """

    user_id: str
    email: str
    name: str
    roles: tuple[Role, ...]
    joined_at: datetime
    last_seen_at: datetime | None
    open_sessions: int
    has_password: bool
    second_factor: bool

    @property
    def role_names(self) -> tuple[str, ...]:
        """The roles by name."""
        return tuple(role.name for role in self.roles)


def members_of(connection: Connection, organization_id: str, now: datetime) -> list[Member]:
    """An organization's members, by address."""
    roles = role_store.roles_of(connection, organization_id)
    found = store.every_membership(connection, now=now, organization_id=organization_id)
    return [_member(one, roles) for one in found]


def member_of(connection: Connection, *, organization_id: str, user_id: str, now: datetime) -> Member:
    """One of them; raises NotFound."""
    for member in members_of(connection, organization_id, now):
        if member.user_id == user_id:
            return member
    raise NotFound("There is no such member.")


def _member(one: Membership, roles: Roles) -> Member:
    return Member(
        user_id=one.user.id,
        email=one.user.email,
        name=one.user.name,
        roles=held(roles, one.role_ids),
        joined_at=one.joined_at,
        last_seen_at=one.last_seen_at,
        open_sessions=one.open_sessions,
        has_password=one.user.password_hash is not None,
        second_factor=one.second_factor,
    )
