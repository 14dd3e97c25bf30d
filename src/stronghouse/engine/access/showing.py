"""Answers to SHOW about users, roles and rights, from the catalogue and in ClickHouse's words.

Invariants:
- Everybody may see themselves; to see others takes the privilege that ClickHouse asks for.
- No hash of a password is in any answer.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import singledispatch
from typing import TypeVar

from stronghouse.engine.access.answers import Row, Shown, one_column
from stronghouse.engine.access.catalogue import Catalogue, Profile, Quota, Role, RoleGrant, RowPolicy, User
from stronghouse.engine.access.descriptions import (
    grant_statements,
    policy_statement,
    profile_statement,
    quota_statement,
    role_statement,
    user_statement,
)
from stronghouse.engine.access.notation import name, quoted_name
from stronghouse.engine.access.printing import print_statement
from stronghouse.engine.access.quota_answers import QUOTA_COLUMNS, usage_rows
from stronghouse.engine.access.rights import Rights, rights_of
from stronghouse.engine.access.statements import (
    PolicyName,
    ShowAccess,
    ShowCreate,
    ShowCreatePolicies,
    ShowCurrentQuota,
    ShowGrants,
    ShowPolicies,
    ShowProfiles,
    ShowQuotas,
    ShowRoles,
    ShowUsers,
    TableName,
    TargetNames,
)
from stronghouse.engine.access.viewing import View, Viewer
from stronghouse.engine.errors import DatabaseError, not_implemented

ShowStatement = (
    ShowGrants
    | ShowAccess
    | ShowCreate
    | ShowCreatePolicies
    | ShowUsers
    | ShowRoles
    | ShowPolicies
    | ShowProfiles
    | ShowQuotas
    | ShowCurrentQuota
)
"""What is answered here. SHOW PRIVILEGES is the engine's own to answer."""


def show(statement: ShowStatement, catalogue: Catalogue, viewer: Viewer) -> Shown:
    """The answer to `statement`.

    Raises:
        DatabaseError: 497, a privilege is missing; 192, 511, 523, 199, 180, there is no such thing; 48.
    """
    user = catalogue.users[viewer.user_id]
    return _show(statement, View(catalogue, viewer, rights_of(catalogue, user.id, viewer.roles), user))


_Showing = TypeVar("_Showing", bound=ShowStatement)
_Named = TypeVar("_Named", User, Role, Profile, Quota)


@singledispatch
def _show(statement: ShowStatement, _: View) -> Shown:
    raise TypeError(f"{type(statement).__name__} is not answered here")


@_show.register
def _(_: ShowUsers, case: View) -> Shown:
    case.need("SHOW USERS")
    return one_column("name", (user.name for user in _sorted(case.catalogue.users.values())))


@_show.register
def _(_: ShowProfiles, case: View) -> Shown:
    case.need("SHOW SETTINGS PROFILES")
    return one_column("name", (profile.name for profile in _sorted(case.catalogue.profiles.values())))


@_show.register
def _(_: ShowQuotas, case: View) -> Shown:
    case.need("SHOW QUOTAS")
    return one_column("name", (quota.name for quota in _sorted(case.catalogue.quotas.values())))


@_show.register
def _(statement: ShowRoles, case: View) -> Shown:
    if not statement.which:
        case.need("SHOW ROLES")
        return one_column("name", (role.name for role in _sorted(case.catalogue.roles.values())))
    granted = {given.role: given for given in case.user.roles}
    current = frozenset(case.viewer.roles)
    enabled = statement.which == "ENABLED"
    rows: list[Row] = []
    for role in case.catalogue.roles_within(current) if enabled else current & case.catalogue.roles.keys():
        own = granted.get(role, RoleGrant(role))
        is_default = role in granted and case.user.default_roles.include([role])
        flags = (int(role in current),) if enabled else ()
        rows.append((case.catalogue.roles[role].name, int(own.admin_option), *flags, int(is_default)))
    names = ["role_name", "with_admin_option", *(["is_current"] if enabled else []), "is_default"]
    types = ["String", *["UInt8"] * (len(names) - 1)]
    return Shown(tuple(zip(names, types, strict=True)), tuple(sorted(rows, key=str)))


@_show.register
def _(statement: ShowPolicies, case: View) -> Shown:
    case.need("SHOW ROW POLICIES", *_place(statement.on, case))
    found = _policies_on(case, statement.named, statement.on)
    if statement.on is not None and statement.on.table is not None:
        return one_column("short_name", (policy.name for policy in found))
    return one_column("name", (_full_name(policy) for policy in found))


@_show.register
def _(_: ShowCurrentQuota, case: View) -> Shown:
    return Shown(QUOTA_COLUMNS, tuple(sorted(usage_rows(case.catalogue, case.viewer.usage), key=str)))


@_show.register
def _(statement: ShowCreate, case: View) -> Shown:
    return one_column(_title(statement), _CREATIONS[statement.kind](statement, case))


@_show.register
def _(statement: ShowCreatePolicies, case: View) -> Shown:
    if statement.policies:
        found = [_policy_named(one, case) for one in statement.policies]
    else:
        case.need("SHOW ROW POLICIES", *_place(statement.on, case))
        found = _policies_on(case, statement.named, statement.on)
    return one_column(_title(statement), (_policy_text(case.catalogue, policy) for policy in found))


@_show.register
def _(statement: ShowGrants, case: View) -> Shown:
    if statement.with_implicit:
        raise not_implemented("SHOW GRANTS WITH IMPLICIT is not answered by this service.")
    holders = _holders(statement.of, case)
    lines = (line for holder in holders for line in _grant_lines(case.catalogue, holder, final=statement.final))
    return one_column(_title(statement), lines)


@_show.register
def _(statement: ShowAccess, case: View) -> Shown:
    case.need("SHOW ACCESS")
    return one_column(_title(statement), _everything(case.catalogue))


def _title(statement: _Showing) -> str:
    """The one column's name: the statement without SHOW, as ClickHouse has it."""
    return print_statement(replace(statement, output_format=None)).removeprefix("SHOW ")


def _sorted(entities: Iterable[_Named]) -> list[_Named]:
    return sorted(entities, key=lambda entity: entity.name)


def _everything(catalogue: Catalogue) -> Iterator[str]:
    users, roles = _sorted(catalogue.users.values()), _sorted(catalogue.roles.values())
    yield from (print_statement(user_statement(catalogue, user)) for user in users)
    yield from (print_statement(role_statement(catalogue, role)) for role in roles)
    yield from (print_statement(profile_statement(catalogue, one)) for one in _sorted(catalogue.profiles.values()))
    yield from (_policy_text(catalogue, policy) for policy in sorted(catalogue.policies.values(), key=_full_name))
    yield from (print_statement(quota_statement(catalogue, one)) for one in _sorted(catalogue.quotas.values()))
    holders: list[User | Role] = [*users, *roles]
    for holder in holders:
        yield from _grant_lines(catalogue, holder, final=False)


def _grant_lines(catalogue: Catalogue, holder: User | Role, *, final: bool) -> Iterator[str]:
    grants, roles = Rights.of(holder.grants).grants, holder.roles
    if final:
        held = catalogue.default_roles_of(holder) if isinstance(holder, User) else (given.role for given in roles)
        within = rights_of(catalogue, None, held).union(Rights.of(holder.grants))
        grants, roles = within.grants, ()
    yield from map(print_statement, grant_statements(catalogue, holder.name, grants, roles))


def _holders(of: TargetNames, case: View) -> list[User | Role]:
    """Whom SHOW GRANTS is about: users before roles, by name. Of all, those that the viewer may see."""
    if of.everybody:
        every: list[User | Role] = [*_sorted(case.catalogue.users.values()), *_sorted(case.catalogue.roles.values())]
        return [one for one in every if one.name not in of.names and _missing(one, case) is None]
    found: list[User | Role] = [case.user] if of.current_user else []
    for given in of.names:
        holder = case.catalogue.user_named(given) or case.catalogue.role_named(given)
        if holder is None:
            raise _unknown(511, "UNKNOWN_ROLE", "role", given)
        missing = _missing(holder, case)
        if missing is not None:
            case.need(missing)
        found.append(holder)
    return sorted(found, key=lambda holder: (isinstance(holder, Role), holder.name))


def _missing(holder: User | Role, case: View) -> str | None:
    """The privilege that the viewer lacks to see this; everybody sees themselves and the roles they have."""
    if isinstance(holder, User):
        return None if holder.id == case.user.id or case.rights.granted("SHOW USERS") else "SHOW USERS"
    own = case.catalogue.roles_within((*(given.role for given in case.user.roles), *case.viewer.roles))
    return None if holder.id in own or case.rights.granted("SHOW ROLES") else "SHOW ROLES"


def _create_users(statement: ShowCreate, case: View) -> Iterator[str]:
    names = statement.names
    if not statement.all and set(names) <= {case.user.name}:
        names = (case.user.name,)
    else:
        case.need("SHOW USERS")
    missing = (192, "UNKNOWN_USER", "user")
    for user in _chosen(names, case.catalogue.users.values(), missing):
        yield print_statement(user_statement(case.catalogue, user))


def _create_roles(statement: ShowCreate, case: View) -> Iterator[str]:
    case.need("SHOW ROLES")
    for role in _chosen(statement.names, case.catalogue.roles.values(), (511, "UNKNOWN_ROLE", "role")):
        yield print_statement(role_statement(case.catalogue, role))


def _create_profiles(statement: ShowCreate, case: View) -> Iterator[str]:
    case.need("SHOW SETTINGS PROFILES")
    missing = (180, "THERE_IS_NO_PROFILE", "settings profile")
    for profile in _chosen(statement.names, case.catalogue.profiles.values(), missing):
        yield print_statement(profile_statement(case.catalogue, profile))


def _create_quotas(statement: ShowCreate, case: View) -> Iterator[str]:
    case.need("SHOW QUOTAS")
    for quota in _chosen(statement.names, case.catalogue.quotas.values(), (199, "UNKNOWN_QUOTA", "quota")):
        own = {case.user.id, *case.catalogue.roles_within(case.viewer.roles)}
        if statement.names or statement.all or quota.targets.include(own):
            yield print_statement(quota_statement(case.catalogue, quota))


_CREATIONS: dict[str, Callable[[ShowCreate, View], Iterator[str]]] = {
    "USER": _create_users,
    "ROLE": _create_roles,
    "SETTINGS PROFILE": _create_profiles,
    "QUOTA": _create_quotas,
}


def _chosen(names: Iterable[str], entities: Iterable[_Named], missing: tuple[int, str, str]) -> list[_Named]:
    """Those with these names, or all if there are none; by name."""
    every = {entity.name: entity for entity in entities}
    for given in names:
        if given not in every:
            raise _unknown(*missing, given)
    return [every[one] for one in sorted(set(names) or every)]


def _place(on: TableName | None, case: View) -> tuple[str | None, str | None]:
    return (None, None) if on is None else (on.database or case.viewer.database, on.table)


def _policies_on(case: View, named: str | None, on: TableName | None) -> list[RowPolicy]:
    database, table = _place(on, case)
    found = (
        policy
        for policy in case.catalogue.policies.values()
        if named in {None, policy.name} and database in {None, policy.database} and table in {None, policy.table}
    )
    return sorted(found, key=_full_name)


def _policy_named(given: PolicyName, case: View) -> RowPolicy:
    database = given.database or case.viewer.database
    case.need("SHOW ROW POLICIES", database, given.table)
    for policy in case.catalogue.policies.values():
        if (policy.name, policy.database, policy.table) == (given.name, database, given.table):
            return policy
    raise _unknown(523, "UNKNOWN_ROW_POLICY", "row policy", f"{given.name} ON {database}.{given.table}")


def _full_name(policy: RowPolicy) -> str:
    return f"{name(policy.name)} ON {name(policy.database)}.{name(policy.table)}"


def _policy_text(catalogue: Catalogue, policy: RowPolicy) -> str:
    return print_statement(policy_statement(catalogue, policy))


def _unknown(number: int, code: str, kind: str, given: str) -> DatabaseError:
    return DatabaseError(number, code, f"There is no {kind} {quoted_name(given)} in `user directories`.")
