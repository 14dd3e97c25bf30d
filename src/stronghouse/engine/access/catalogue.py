"""What there is: users, roles, row policies, settings profiles and quotas of one service, as one immutable value.

Things refer to each other by id, never by name: whoever creates a user anew under an old name inherits nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

OWNER = "default"
"""The service's owner: the one user that there always is. The console gives its password; SQL cannot change it."""
CONSOLE_PREFIX = "sh:"
"""What names of people who come through the console begin with; SQL cannot change them either."""
KEY_PREFIX = f"{CONSOLE_PREFIX}key:"
"""What names of users begin with that stand for API keys; the key's id follows."""

MethodKind = Literal["sha256_password", "double_sha1_password", "bcrypt_password"]
Writability = Literal["", "CONST", "WRITABLE", "CHANGEABLE_IN_READONLY"]
NOT_STORED = MappingProxyType({"stored": False})
"""Marks a field that has no place in the stored form."""
QuotaKey = Literal["none", "user_name", "ip_address", "forwarded_ip_address", "client_key"]


@dataclass(frozen=True, slots=True, repr=False)
class Method:
    """One way to prove to be a user.

    Attributes:
        kind: which.
        hash: hexadecimal, lower case; for bcrypt its own text (`$2a$…`).
        salt: appended to the password before SHA-256; empty for none.
        valid_until: seconds since 1970, UTC; None for ever.
    """

    kind: MethodKind
    hash: str
    salt: str = ""
    valid_until: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One privilege at one level, given or (`revoked`) taken out of a wider one.

    Attributes:
        privilege: ClickHouse's name in upper case, as in `SELECT` or `ALTER UPDATE`; `ALL` for all.
        database, table, column: None for any; a table needs a database, a column a table.
        parameter: of privileges on something else than tables (`SET DEFINER ON name`, `TABLE ENGINE ON name`): on
            what; None for any, or where there is no such thing.
        grant_option: given with GRANT OPTION; for a revoked one: only the GRANT OPTION is taken.
        revoked: whether this is a partial revoke.
    """

    privilege: str
    database: str | None = None
    table: str | None = None
    column: str | None = None
    parameter: str | None = None
    grant_option: bool = False
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role that somebody has; `admin_option`: and may give to others."""

    role: str
    admin_option: bool = False


@dataclass(frozen=True, slots=True)
class Targets:
    """Whom something applies to: `ids` of users and roles, or all but `excluded`."""

    ids: frozenset[str] = frozenset()
    everybody: bool = False
    excluded: frozenset[str] = frozenset()

    def include(self, ids: Iterable[str]) -> bool:
        """Whether it applies to somebody who is or has `ids` (a user's own and those of the roles in force)."""
        held = frozenset(ids)
        return not (held & self.excluded) if self.everybody else bool(held & self.ids)


@dataclass(frozen=True, slots=True)
class SettingElement:
    """One line of SETTINGS in a user, role or profile: a profile to take over, or a setting with what it may be."""

    name: str = ""
    value: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    writability: Writability = ""
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A database user.

    Attributes:
        id: 16 hexadecimal digits, never used again.
        methods: ways to sign in; none for a user who cannot.
        hosts: `ANY`, `LOCAL`, or networks in CIDR notation; empty for none.
        default_roles: roles in force after sign-in; see Targets. `everybody` means all that are granted.
        grantees: whom this user may grant to.
        default_database: None for the service's default.
        settings: see SettingElement.
        roles: roles granted.
        grants: privileges granted directly, in the normal form of `rights`.
        locked: nobody can sign in, and nobody is signed in.
    """

    id: str
    name: str
    methods: tuple[Method, ...] = ()
    hosts: tuple[str, ...] = ("ANY",)
    default_roles: Targets = Targets(everybody=True)
    grantees: Targets = Targets(everybody=True)
    default_database: str | None = None
    settings: tuple[SettingElement, ...] = ()
    roles: tuple[RoleGrant, ...] = ()
    grants: tuple[Grant, ...] = ()
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """A role; fields as in User."""

    id: str
    name: str
    settings: tuple[SettingElement, ...] = ()
    roles: tuple[RoleGrant, ...] = ()
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class RowPolicy:
    """Which rows of a table somebody sees: `condition` is an expression in canonical form."""

    id: str
    name: str
    database: str
    table: str
    condition: str
    restrictive: bool = False
    targets: Targets = Targets()


@dataclass(frozen=True, slots=True)
class Profile:
    """A settings profile, and whom it applies to."""

    id: str
    name: str
    settings: tuple[SettingElement, ...] = ()
    targets: Targets = Targets()


@dataclass(frozen=True, slots=True)
class QuotaInterval:
    """Limits within `seconds`; `limits` by ClickHouse's names (`queries`, `read_rows`, …). Empty: only counted.

    `execution_time` is in seconds; all others count.
    """

    seconds: int
    randomized: bool = False
    limits: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota: what is counted together (`key`), its intervals, and whom it applies to."""

    id: str
    name: str
    key: QuotaKey = "none"
    intervals: tuple[QuotaInterval, ...] = ()
    targets: Targets = Targets()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of it, by id.

    Attributes:
        generation: grows by one with each change.
        service_settings: what every session begins with, before all others; plain text by name. The control plane has
            them, so they are not stored with the rest.
    """

    generation: int = 1
    users: Mapping[str, User] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    policies: Mapping[str, RowPolicy] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    service_settings: Mapping[str, str] = field(default_factory=dict, metadata=NOT_STORED)

    def user_named(self, name: str) -> User | None:
        """The user with this name."""
        return next((user for user in self.users.values() if user.name == name), None)

    def role_named(self, name: str) -> Role | None:
        """The role with this name."""
        return next((role for role in self.roles.values() if role.name == name), None)

    def profile_named(self, name: str) -> Profile | None:
        """The settings profile with this name."""
        return next((profile for profile in self.profiles.values() if profile.name == name), None)

    def roles_within(self, roles: Iterable[str]) -> frozenset[str]:
        """These roles and all that are granted to them, directly or through others."""
        found: set[str] = set()
        waiting = [role for role in roles if role in self.roles]
        while waiting:
            role = waiting.pop()
            if role not in found:
                found.add(role)
                waiting += [grant.role for grant in self.roles[role].roles if grant.role in self.roles]
        return frozenset(found)

    def default_roles_of(self, user: User) -> frozenset[str]:
        """The roles that `user` has after sign-in, without those within them."""
        granted = (grant.role for grant in user.roles)
        return frozenset(role for role in granted if user.default_roles.include([role]))
