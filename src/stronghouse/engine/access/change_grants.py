"""GRANT and REVOKE, of privileges and of roles: nobody gives or takes what they may not give."""

from collections.abc import Iterable
from dataclasses import replace

from stronghouse.engine.access.catalogue import Grant, Role, RoleGrant, User
from stronghouse.engine.access.change import Change
from stronghouse.engine.access.engine_roles import OWN_DATABASE
from stronghouse.engine.access.privileges import NONE_NAMES
from stronghouse.engine.access.refusals import in_words, not_enough
from stronghouse.engine.access.rights import Rights, check_level
from stronghouse.engine.access.statements import (
    GrantCurrentGrants,
    GrantPrivileges,
    GrantRoles,
    RevokePrivileges,
    RevokeRoles,
    TargetNames,
)
from stronghouse.engine.errors import access_denied

MOST_GRANTS = 10_000
"""Of one user or role."""


def grant_privileges(statement: GrantPrivileges, change: Change) -> None:
    """Carry out GRANT of privileges."""
    grants = _resolved(statement.grants, change)
    for grant in grants:
        change.need_option(grant)
    for holder in _grantees(statement.to, change):
        _give(change, holder, Rights.of(grants), replacing=statement.replace)


def grant_current_grants(statement: GrantCurrentGrants, change: Change) -> None:
    """Carry out GRANT CURRENT GRANTS: what the giver may give, of what is named."""
    given = Rights.of(_resolved(statement.grants, change)).intersection(change.rights.only_grantable())
    for holder in _grantees(statement.to, change):
        _give(change, holder, given, replacing=statement.replace)


def revoke_privileges(statement: RevokePrivileges, change: Change) -> None:
    """Carry out REVOKE of privileges. Who revokes needs the grant option for what is really taken."""
    grants = _resolved(statement.grants, change)
    wanted = Rights.of(grants)
    for holder in change.holders(statement.of):
        had = Rights.of(holder.grants)
        _need_options(change, had.intersection(wanted))
        left = had.revoke(*grants, option_only=statement.grant_option_only)
        _keep(change, holder, left)


def grant_roles(statement: GrantRoles, change: Change) -> None:
    """Carry out GRANT of roles."""
    roles = [change.role_named(name).id for name in statement.roles]
    change.need_admin(roles)
    for holder in _grantees(statement.to, change):
        held = {grant.role: grant.admin_option for grant in holder.roles}
        if statement.replace:
            change.need_admin(held.keys() - set(roles))
            held = {}
        for role in roles:
            held[role] = held.get(role, False) or statement.admin_option
        change.put(_with_roles(holder, held))


def revoke_roles(statement: RevokeRoles, change: Change) -> None:
    """Carry out REVOKE of roles."""
    named = {change.role_named(name).id for name in statement.roles.names}
    for holder in change.holders(statement.of):
        held = {grant.role: grant.admin_option for grant in holder.roles}
        taken = held.keys() - named if statement.roles.everybody else held.keys() & named
        change.need_admin(taken if statement.roles.everybody else named)
        for role in taken:
            if statement.admin_option_only:
                held[role] = False
            else:
                del held[role]
        change.put(_with_roles(holder, held))


def _resolved(grants: Iterable[Grant], change: Change) -> list[Grant]:
    """Grants with the database that they are about; raises DatabaseError 508, 509 or 497."""
    resolved = []
    for grant in grants:
        if grant.privilege.upper() in NONE_NAMES:
            continue
        made = replace(grant, database=change.database("")) if grant.database == "" else grant
        if made.database == OWN_DATABASE:
            raise access_denied(f"Database {OWN_DATABASE} is this service's own: nobody can be given rights on it.")
        check_level(made)
        resolved.append(made)
    return resolved


def _grantees(to: TargetNames, change: Change) -> list[User | Role]:
    """Whom the giver gives to; raises DatabaseError 497 for one whom the giver may not give to."""
    holders = change.holders(to)
    for holder in holders:
        if not change.user.grantees.include([holder.id]):
            kind = "user" if isinstance(holder, User) else "role"
            raise access_denied(f"{kind} `{holder.name}` is not allowed as grantee")
    return holders


def _give(change: Change, holder: User | Role, given: Rights, *, replacing: bool) -> None:
    had = Rights.of(holder.grants)
    if replacing:
        _need_options(change, had.without(given))
        _keep(change, holder, given)
    else:
        _keep(change, holder, had.union(given))


def _keep(change: Change, holder: User | Role, rights: Rights) -> None:
    grants = rights.grants
    if len(grants) > max(MOST_GRANTS, len(holder.grants)):
        raise access_denied(f"A user or role can have at most {MOST_GRANTS} grants in this service.")
    if grants != holder.grants:
        change.put(replace(holder, grants=grants))


def _need_options(change: Change, taken: Rights) -> None:
    """Refuse whoever takes what they may not give; raises DatabaseError 497."""
    missing = taken.without(change.rights.only_grantable())
    for grant in missing.grants:
        if not grant.revoked:
            raise not_enough(change.user.name, f"{in_words(grant)} WITH GRANT OPTION")


def _with_roles(holder: User | Role, held: dict[str, bool]) -> User | Role:
    """The holder with these roles; a user's default roles are among those that are held."""
    roles = tuple(RoleGrant(role, admin_option=admin) for role, admin in held.items())
    if isinstance(holder, User):
        default = holder.default_roles
        return replace(holder, roles=roles, default_roles=replace(default, ids=default.ids.intersection(held)))
    return replace(holder, roles=roles)
