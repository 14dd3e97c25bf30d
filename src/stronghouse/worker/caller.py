"""Who a request is from: a database user with the roles that are in force for it, and where the request comes from."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from stronghouse.engine.access.catalogue import OWNER, Catalogue, MethodKind, User
from stronghouse.engine.access.effective_settings import settings_of
from stronghouse.engine.access.rendering import definer
from stronghouse.engine.admission import Statement
from stronghouse.engine.errors import DatabaseError

CLIENT_ADDRESS = "x-sh-client-ip"
"""These headers are set by the edge, which alone can reach the socket, after it has removed what clients sent."""
CLIENT_PORT = "x-sh-client-port"
TLS_VERSION = "x-sh-tls-version"
TLS_CIPHER = "x-sh-tls-cipher"
MAX_TEXT = 256
_PLAIN = re.compile(r"[A-Za-z0-9 .:_-]*")


def in_comment(text: str) -> str:
    """A JSON string that can neither end the comment that it stands in nor begin one within it: the engine's nest."""
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    return json.dumps(text).replace("/", "\\u002f").replace("*", "\\u002a")


@dataclass(slots=True)  # not frozen, though nothing changes it: one is made for every request
class Peer:
    """Where a request comes from, by the edge's word; `forwarded_for`, `user_agent` and `referer` are the client's."""

    address: str = ""
    port: int = 0
    tls_version: str = ""
    tls_cipher: str = ""
    user_agent: str = ""
    referer: str = ""
    forwarded_for: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Peer":
        """From a request's headers, whose names are in lower case."""
        port = headers.get(CLIENT_PORT, "")
        return cls(
            headers.get(CLIENT_ADDRESS, "")[:64],
            int(port) if port.isdecimal() and len(port) <= len("65535") else 0,
            headers.get(TLS_VERSION, "")[:MAX_TEXT],
            headers.get(TLS_CIPHER, "")[:MAX_TEXT],
            headers.get("user-agent", "")[:MAX_TEXT],
            headers.get("referer", "")[:MAX_TEXT],
            headers.get("x-forwarded-for", "")[:MAX_TEXT],
        )


@dataclass(frozen=True)
class Caller:
    """A user at one state of the catalogue.

    Attributes:
        catalogue: that state.
        user: who.
        current: ids of the roles in force, as they were asked for.
        method: how they proved it.
    """

    catalogue: Catalogue
    user: User
    current: frozenset[str]
    method: MethodKind

    @cached_property
    def enabled(self) -> frozenset[str]:
        """The roles in force and all that are within them."""
        return self.catalogue.roles_within(self.current)

    @cached_property
    def ids(self) -> frozenset[str]:
        """The user's own id and those of all roles in force."""
        return self.enabled | {self.user.id}

    @cached_property
    def engine_roles(self) -> tuple[str, ...]:
        """The engine's roles that this caller's connections have."""
        return (f"u_{self.user.id}", *(f"r_{role}" for role in sorted(self.enabled)))

    @cached_property
    def rights(self) -> str:
        """What names the user with these roles: connections of the same rights are alike."""
        return " ".join(self.engine_roles)

    @property
    def is_owner(self) -> bool:
        """Whether this is the service's owner."""
        return self.user.name == OWNER

    @cached_property
    def name_in_comment(self) -> str:
        """The user's name as `in_comment` writes it."""
        return in_comment(self.user.name)

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """What the user's connections begin with: the settings of the default roles, whichever roles are set."""
        return settings_of(self.catalogue, self.user, self.catalogue.default_roles_of(self.user))

    @cached_property
    def limits_results(self) -> bool:
        """Whether settings of the user's own limit results, or say how they are made."""
        names = self.settings
        return any("result" in name or name.startswith("output_format") for name in names)

    @cached_property
    def read_only(self) -> bool:
        """Whether the user's settings let them change nothing."""
        return self.settings.get("readonly", "0") != "0"

    @cached_property
    def role_names(self) -> tuple[str, ...]:
        """The names of the roles in force, as they were asked for."""
        return tuple(sorted(self.catalogue.roles[role].name for role in self.current))

    def own(self, admitted: Statement) -> Statement:
        """The statement as it runs for this caller: what it asks of who they are is written out."""
        if not admitted.marks:
            return admitted
        names, defaults = self.catalogue.roles, self.catalogue.default_roles_of(self.user)
        text, tail = admitted.for_user(
            self.user.name,
            self.role_names,
            definer=definer(self.user.id),
            enabled_roles=sorted(names[role].name for role in self.enabled),
            default_roles=sorted(names[role].name for role in defaults),
        )
        return replace(admitted, text=text, tail=tail, marks=())

    def with_roles(self, names: Iterable[str]) -> "Caller":
        """The same user with other roles in force.

        Raises:
            DatabaseError: 511 for a role that there is not, 512 for one that the user has not.
        """
        granted = {grant.role for grant in self.user.roles}
        wanted: set[str] = set()
        for name in names:
            role = self.catalogue.role_named(name)
            if role is None:
                raise DatabaseError(511, "UNKNOWN_ROLE", f"There is no role `{name}` in `user directories`.")
            if role.id not in granted:
                raise DatabaseError(512, "SET_NON_GRANTED_ROLE", f"Role `{name}` should be granted to set as a current")
            wanted.add(role.id)
        return Caller(self.catalogue, self.user, frozenset(wanted), self.method)
