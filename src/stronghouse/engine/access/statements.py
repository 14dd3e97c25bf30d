"""Access statements as values: what was asked for, by name, before anybody looks whether those names exist.

There is one class for each statement. Together they are `AccessStatement`. What a statement does not say is None, which
is not the same as saying that there is to be nothing.

Invariants:
- A value holds everything that its statement says: `printing` writes the statement back from it.
- No password is in the `repr` of any of them.
"""

from dataclasses import dataclass, field
from typing import Literal

from stronghouse.engine.access.catalogue import Grant, QuotaKey, SettingElement

Kind = Literal["USER", "ROLE", "ROW POLICY", "SETTINGS PROFILE", "QUOTA"]
Existing = Literal["", "IF NOT EXISTS", "OR REPLACE"]
"""What to do about one that is there already; empty for an error."""


@dataclass(frozen=True, slots=True)
class TargetNames:
    """Users and roles: those named, or (`everybody`) all but those named.

    Attributes:
        names: of users and roles; of those left out where `everybody` is set. Without names: none, or everybody.
        everybody: `ALL`, and `ANY` of grantees.
        current_user: whether whoever gives the statement is among the names.
    """

    names: tuple[str, ...] = ()
    everybody: bool = False
    current_user: bool = False


_CURRENT_USER = TargetNames(current_user=True)


@dataclass(frozen=True, slots=True)
class NewMethod:
    """A way to sign in, as given.

    Attributes:
        kind: as written (`sha256_password`, `bcrypt_hash`, `no_password`, …); empty for IDENTIFIED BY without one.
        secret: the password or hash; None where there is none.
        salt: of a hash; None for none.
        valid_until: as written; None for ever.
    """

    kind: str = ""
    secret: str | None = field(default=None, repr=False)
    salt: str | None = field(default=None, repr=False)
    valid_until: str | None = None


@dataclass(frozen=True, slots=True)
class SettingChanges:
    """Changes to the settings of a user, role or profile, to be done in this order.

    `ALTER … SETTINGS …` reads as both `drop_all_…` and then `add_…`.
    """

    drop_all_settings: bool = False
    drop_all_profiles: bool = False
    drop_settings: tuple[str, ...] = ()
    drop_profiles: tuple[str, ...] = ()
    add_profiles: tuple[str, ...] = ()
    add_settings: tuple[SettingElement, ...] = ()
    modify_settings: tuple[SettingElement, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyName:
    """A row policy's full name; `database` is empty for the current one."""

    name: str
    database: str
    table: str


@dataclass(frozen=True, slots=True)
class TableName:
    """A table, or with None all tables of a database; `database` is empty for the current one."""

    database: str
    table: str | None


@dataclass(frozen=True, slots=True)
class NewInterval:
    """Limits of a quota, as given.

    Attributes:
        seconds: how long.
        randomized: whether it begins at a random time.
        limits: names and numbers as written. Empty for TRACKING ONLY; None for NO LIMITS, which in ALTER takes the
            interval of this length away.
    """

    seconds: int
    randomized: bool = False
    limits: tuple[tuple[str, str], ...] | None = ()


@dataclass(frozen=True, slots=True)
class CreateUser:
    """CREATE USER.

    Attributes:
        methods: empty and None alike: none was given.
        valid_until: where it is said without a method.
        hosts: `ANY`, `LOCAL` and addresses or networks as written; empty for NONE.
        default_database: empty for NONE.
        roles: roles to grant at once.
        settings: empty for NONE.
    """

    names: tuple[str, ...]
    existing: Existing = ""
    methods: tuple[NewMethod, ...] = ()
    valid_until: str | None = None
    hosts: tuple[str, ...] | None = None
    default_database: str | None = None
    roles: tuple[str, ...] = ()
    default_roles: TargetNames | None = None
    settings: tuple[SettingElement, ...] | None = None
    grantees: TargetNames | None = None


@dataclass(frozen=True, slots=True)
class AlterUser:
    """ALTER USER; fields as in CreateUser.

    Attributes:
        current_user: whether it is about CURRENT_USER: `names` is empty then.
        add_methods: `methods` come to those that there are, instead of replacing them.
        reset_methods: RESET AUTHENTICATION METHODS TO NEW: only the newest method stays.
        hosts: the hosts from now on.
        add_hosts, drop_hosts: hosts more and less.
    """

    names: tuple[str, ...] = ()
    current_user: bool = False
    if_exists: bool = False
    new_name: str | None = None
    methods: tuple[NewMethod, ...] = ()
    add_methods: bool = False
    reset_methods: bool = False
    valid_until: str | None = None
    hosts: tuple[str, ...] | None = None
    add_hosts: tuple[str, ...] = ()
    drop_hosts: tuple[str, ...] = ()
    default_database: str | None = None
    default_roles: TargetNames | None = None
    settings: SettingChanges | None = None
    grantees: TargetNames | None = None


@dataclass(frozen=True, slots=True)
class CreateRole:
    """CREATE ROLE."""

    names: tuple[str, ...]
    existing: Existing = ""
    settings: tuple[SettingElement, ...] | None = None


@dataclass(frozen=True, slots=True)
class AlterRole:
    """ALTER ROLE."""

    names: tuple[str, ...]
    if_exists: bool = False
    new_name: str | None = None
    settings: SettingChanges | None = None


@dataclass(frozen=True, slots=True)
class CreateRowPolicy:
    """CREATE ROW POLICY; `condition` is an expression in canonical form."""

    policies: tuple[PolicyName, ...]
    existing: Existing = ""
    condition: str | None = None
    restrictive: bool | None = None
    to: TargetNames | None = None


@dataclass(frozen=True, slots=True)
class AlterRowPolicy:
    """ALTER ROW POLICY; fields as in CreateRowPolicy."""

    policies: tuple[PolicyName, ...]
    if_exists: bool = False
    new_name: str | None = None
    condition: str | None = None
    restrictive: bool | None = None
    to: TargetNames | None = None


@dataclass(frozen=True, slots=True)
class CreateProfile:
    """CREATE SETTINGS PROFILE."""

    names: tuple[str, ...]
    existing: Existing = ""
    settings: tuple[SettingElement, ...] | None = None
    to: TargetNames | None = None


@dataclass(frozen=True, slots=True)
class AlterProfile:
    """ALTER SETTINGS PROFILE."""

    names: tuple[str, ...]
    if_exists: bool = False
    new_name: str | None = None
    settings: SettingChanges | None = None
    to: TargetNames | None = None


@dataclass(frozen=True, slots=True)
class CreateQuota:
    """CREATE QUOTA."""

    names: tuple[str, ...]
    existing: Existing = ""
    key: QuotaKey | None = None
    intervals: tuple[NewInterval, ...] = ()
    to: TargetNames | None = None


@dataclass(frozen=True, slots=True)
class AlterQuota:
    """ALTER QUOTA."""

    names: tuple[str, ...]
    if_exists: bool = False
    new_name: str | None = None
    key: QuotaKey | None = None
    intervals: tuple[NewInterval, ...] = ()
    to: TargetNames | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """DROP of anything but row policies."""

    kind: Kind
    names: tuple[str, ...]
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropRowPolicies:
    """DROP ROW POLICY."""

    policies: tuple[PolicyName, ...]
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class GrantPrivileges:
    """GRANT of privileges.

    Attributes:
        grants: one for each column of a privilege on columns; `grant_option` is set in all of them or in none, and a
            `database` of "" is the current one. Empty for USAGE, which is nothing.
        to: users and roles; never everybody.
        replace: WITH REPLACE OPTION: privileges that they had are taken first.
    """

    grants: tuple[Grant, ...]
    to: TargetNames
    replace: bool = False


@dataclass(frozen=True, slots=True)
class GrantCurrentGrants:
    """GRANT CURRENT GRANTS: of `grants`, what the giver has; fields as in GrantPrivileges."""

    grants: tuple[Grant, ...]
    to: TargetNames
    replace: bool = False


@dataclass(frozen=True, slots=True)
class RevokePrivileges:
    """REVOKE of privileges; `grants` as in GrantPrivileges, never with `grant_option`.

    Attributes:
        grant_option_only: GRANT OPTION FOR: they stay, but may not be given to others any more.
    """

    grants: tuple[Grant, ...]
    of: TargetNames
    grant_option_only: bool = False


@dataclass(frozen=True, slots=True)
class GrantRoles:
    """GRANT of roles; no roles for GRANT NONE."""

    roles: tuple[str, ...]
    to: TargetNames
    admin_option: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class RevokeRoles:
    """REVOKE of roles: of those named, or of all but those named."""

    roles: TargetNames
    of: TargetNames
    admin_option_only: bool = False


@dataclass(frozen=True, slots=True)
class SetRole:
    """SET ROLE; `roles` is None for DEFAULT."""

    roles: TargetNames | None


@dataclass(frozen=True, slots=True)
class SetDefaultRole:
    """SET DEFAULT ROLE; `of` are users."""

    roles: TargetNames
    of: TargetNames


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What all SHOW have: the format of the answer, if the statement names one."""

    output_format: str | None = None


@dataclass(frozen=True, slots=True)
class ShowGrants(Showing):
    """SHOW GRANTS; without FOR it is about the current user."""

    of: TargetNames = _CURRENT_USER
    with_implicit: bool = False
    final: bool = False


@dataclass(frozen=True, slots=True)
class ShowAccess(Showing):
    """SHOW ACCESS: everything."""


@dataclass(frozen=True, slots=True)
class ShowCreate(Showing):
    """SHOW CREATE of anything but row policies.

    Attributes:
        names: empty for the current user's, or all.
        all: whether it is about all that there are.
    """

    kind: Kind
    names: tuple[str, ...] = ()
    all: bool = False


@dataclass(frozen=True, slots=True)
class ShowCreatePolicies(Showing):
    """SHOW CREATE ROW POLICY: of `policies`, or all with the name `named`, or all `on` a table, or all."""

    policies: tuple[PolicyName, ...] = ()
    named: str | None = None
    on: TableName | None = None


@dataclass(frozen=True, slots=True)
class ShowUsers(Showing):
    """SHOW USERS."""


@dataclass(frozen=True, slots=True)
class ShowRoles(Showing):
    """SHOW ROLES: all, those in force (`CURRENT`), or those and the roles within them (`ENABLED`)."""

    which: Literal["", "CURRENT", "ENABLED"] = ""


@dataclass(frozen=True, slots=True)
class ShowPolicies(Showing):
    """SHOW ROW POLICIES: all, those with a name, or those on a table."""

    named: str | None = None
    on: TableName | None = None


@dataclass(frozen=True, slots=True)
class ShowProfiles(Showing):
    """SHOW SETTINGS PROFILES."""


@dataclass(frozen=True, slots=True)
class ShowQuotas(Showing):
    """SHOW QUOTAS."""


@dataclass(frozen=True, slots=True)
class ShowCurrentQuota(Showing):
    """SHOW CURRENT QUOTA: what the current user has used of the quotas."""


@dataclass(frozen=True, slots=True)
class ShowPrivileges(Showing):
    """SHOW PRIVILEGES: all that there are."""


AccessStatement = (
    CreateUser
    | AlterUser
    | CreateRole
    | AlterRole
    | CreateRowPolicy
    | AlterRowPolicy
    | CreateProfile
    | AlterProfile
    | CreateQuota
    | AlterQuota
    | Drop
    | DropRowPolicies
    | GrantPrivileges
    | GrantCurrentGrants
    | RevokePrivileges
    | GrantRoles
    | RevokeRoles
    | SetRole
    | SetDefaultRole
    | ShowGrants
    | ShowAccess
    | ShowCreate
    | ShowCreatePolicies
    | ShowUsers
    | ShowRoles
    | ShowPolicies
    | ShowProfiles
    | ShowQuotas
    | ShowCurrentQuota
    | ShowPrivileges
)
"""Any statement about users, roles, grants, row policies, settings profiles and quotas."""
