"""API keys as pages show them: the state in which a key is now, from where it works, and which keys a list is of."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from stronghouse.access.model import ApiKey, Principal, Source
from stronghouse.access.roles.policies import Role, rights_of
from stronghouse.access.roles.system import Roles
from stronghouse.services.access_preview import AllowedAddresses

EXPIRING = timedelta(days=14)
SHOWN_SOURCES = 2
KeyState = Literal["enabled", "expiring", "expired", "disabled"]
Order = Literal["newest", "name"]
STATES: tuple[KeyState, ...] = ("enabled", "expiring", "expired", "disabled")
ABOUT_ROLES = {
    "Admin": "everything in this organization",
    "Developer": "makes, changes and stops services, runs checks, works on findings",
    "Billing": "the same as Member; there are no bills here",
    "Member": "sees that the organization exists, and who is in it",
    "Service admin": "everything with services, but not the data in them",
    "Service read only": "sees services and how they are set",
}
"""What a role is for, in a few words."""


@dataclass(frozen=True)
class Line:
    """A key in a list."""

    key: ApiKey
    state: KeyState
    roles: tuple[str, ...]
    reach: str

    @property
    def works(self) -> bool:
        """Whether it is let in from where it may be used."""
        return self.state in {"enabled", "expiring"}


@dataclass(frozen=True)
class Wanted:
    """Which keys a list shows, and in which order."""

    text: str = ""
    state: KeyState | Literal[""] = ""
    order: Order = "newest"

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves keys out."""
        return bool(self.text.strip() or self.state)


def line_of(key: ApiKey, now: datetime, roles: Roles) -> Line:
    """A key as a list shows it."""
    return Line(key, state_of(key, now), role_names(key.role_ids, roles), reach_of(key.ip_access))


def state_of(key: ApiKey, now: datetime) -> KeyState:
    """Whether a key works, and if it does, whether it ends soon."""
    if key.state == "disabled":
        return "disabled"
    if key.expires_at is None or key.expires_at - now > EXPIRING:
        return "enabled"
    return "expired" if key.expires_at <= now else "expiring"


def select(keys: Iterable[ApiKey], wanted: Wanted, now: datetime, roles: Roles) -> list[Line]:
    """The keys that are wanted, in the order that is."""
    text = wanted.text.strip().casefold()
    found = [
        line
        for line in (line_of(key, now, roles) for key in keys)
        if wanted.state in {"", line.state} and text in _searched(line)
    ]
    if wanted.order == "name":
        return sorted(found, key=lambda line: (line.key.name.casefold(), line.key.id))
    return sorted(found, key=lambda line: (line.key.created_at, line.key.id), reverse=True)


def role_names(role_ids: Iterable[str], roles: Roles) -> tuple[str, ...]:
    """The names of roles; the id of one that is not known any more."""
    return tuple(roles[one].name if one in roles else one for one in role_ids)


def reach_of(sources: tuple[Source, ...]) -> str:
    """From where a key works, in a few words."""
    if not sources:
        return "nowhere"
    if AllowedAddresses(sources).wide_blocks():
        return "everywhere, or nearly"
    named = ", ".join(entry.source for entry in sources[:SHOWN_SOURCES])
    more = len(sources) - SHOWN_SOURCES
    return f"{named} and {more} more" if more > 0 else named


def grantable(principal: Principal, organization_id: str, roles: Roles) -> tuple[list[Role], list[Role]]:
    """The roles that somebody may give, and those that hold permissions which they do not."""
    own = principal.rights_in(organization_id)
    may = [role for role in roles.values() if own.cover(rights_of([role]))]
    return may, [role for role in roles.values() if role not in may]


def _searched(line: Line) -> str:
    sources = " ".join(f"{entry.source} {entry.description}" for entry in line.key.ip_access)
    return f"{line.key.name} {line.key.key_suffix} {' '.join(line.roles)} {sources}".casefold()
