"""Database users of API keys: what the queries host runs statements as. SQL cannot change them or their roles (495).

A user is called `sh:key:<id of the key>` and has no right but those of the roles that the service's query endpoint
names, which are roles of the catalogue too, called `sh:sql_console_read_only` and `sh:sql_console_admin`: row policies
and quotas can name them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from stronghouse.engine.access.catalogue import (
    CONSOLE_PREFIX,
    KEY_PREFIX,
    Catalogue,
    Grant,
    Method,
    Role,
    RoleGrant,
    SettingElement,
    User,
)
from stronghouse.engine.access.change import Actor, Change, Circumstances
from stronghouse.engine.access.change_references import forget
from stronghouse.engine.access.rights import Rights
from stronghouse.engine.access.store import OWNER_ID

READ_ONLY, ADMIN = "sql_console_read_only", "sql_console_admin"
_NO_WRITING = SettingElement("readonly", value="2")
"""ClickHouse's value for reading only with settings that may be changed, itself excepted. The grants alone would do."""


@dataclass(frozen=True, slots=True)
class _Definition:
    grants: tuple[Grant, ...]
    settings: tuple[SettingElement, ...] = ()


ROLES: Mapping[str, _Definition] = MappingProxyType(
    {
        READ_ONLY: _Definition((Grant("SELECT"), Grant("SHOW")), (_NO_WRITING,)),
        ADMIN: _Definition((Grant("ALL", grant_option=True),)),
    }
)
"""The Cloud's names of roles, and what they may do: read, or all that the service's owner may."""


def with_key_users(
    catalogue: Catalogue, wanted: Mapping[str, frozenset[str]], *, method: Method, new_id: Callable[[], str]
) -> Catalogue:
    """The catalogue with just these users of keys, each with just these roles; the same object if it is so already.

    Args:
        catalogue: as it is.
        wanted: names of roles, as in `ROLES`, by the names of users, which begin with `KEY_PREFIX`.
        method: how all of them prove who they are.
        new_id: gives ids that were never used.

    Raises:
        ValueError: there is no such role, or a name is another's.
    """
    if not all(name.startswith(KEY_PREFIX) for name in wanted):
        raise ValueError("not a key's user")
    change = Change(catalogue, Actor(OWNER_ID), Circumstances(new_id, now=0.0, current_database="default"))
    present = {user.name: user for user in catalogue.users.values() if user.name.startswith(KEY_PREFIX)}
    forget(change, [user.id for name, user in present.items() if name not in wanted])
    # Who may do all may read: together, the settings of the one who only reads would hold the other back.
    held = {name: frozenset({ADMIN}) if ADMIN in roles else roles for name, roles in wanted.items()}
    roles = {name: _role(change, name) for name in sorted(frozenset().union(*held.values()))}
    for name, given in held.items():
        known = present.get(name)
        granted = tuple(RoleGrant(roles[role]) for role in sorted(given))
        # Nothing but the name is taken over from a user that is there already.
        user = User(known.id if known else new_id(), name)
        change.users[user.id] = replace(user, methods=(method,), roles=granted)
    return change.result()


def _role(change: Change, name: str) -> str:
    """The id of a role, which is there afterwards as it is defined."""
    definition = ROLES.get(name)
    if definition is None:
        raise ValueError("no such role")
    full = f"{CONSOLE_PREFIX}{name}"
    found = next((role for role in change.roles.values() if role.name == full), None)
    role = found or Role(change.around.new_id(), full)
    grants = Rights.of(definition.grants).grants
    change.roles[role.id] = replace(role, grants=grants, settings=definition.settings, roles=())
    return role.id
