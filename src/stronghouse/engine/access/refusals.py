"""Why a change of users, roles and rights is refused, in ClickHouse's words and with its codes."""

from stronghouse.engine.access.catalogue import CONSOLE_PREFIX, OWNER, Grant
from stronghouse.engine.access.notation import name
from stronghouse.engine.access.privileges import named
from stronghouse.engine.access.statements import Kind
from stronghouse.engine.errors import DatabaseError, access_denied

_UNKNOWN: dict[Kind, tuple[int, str]] = {
    "USER": (192, "UNKNOWN_USER"),
    "ROLE": (511, "UNKNOWN_ROLE"),
    "ROW POLICY": (523, "UNKNOWN_ROW_POLICY"),
    "SETTINGS PROFILE": (180, "THERE_IS_NO_PROFILE"),
    "QUOTA": (199, "UNKNOWN_QUOTA"),
}


def described(kind: Kind, what: str) -> str:
    """A thing by its kind and name, as in ``user `bob` ``."""
    return f"{kind.lower()} `{what}`"


def unknown(kind: Kind, what: str) -> DatabaseError:
    """There is none."""
    return DatabaseError(*_UNKNOWN[kind], f"There is no {described(kind, what)} in user directories")


def already_exists(kind: Kind, what: str) -> DatabaseError:
    """There is one already."""
    return DatabaseError(
        493,
        "ACCESS_ENTITY_ALREADY_EXISTS",
        f"{described(kind, what)}: cannot insert because {described(kind, what)} already exists",
    )


def is_readonly(what: str) -> bool:
    """Whether a user's or role's name is one that SQL cannot change."""
    return what == OWNER or what.startswith(CONSOLE_PREFIX)


def readonly(kind: Kind, what: str) -> DatabaseError:
    """It is the console's."""
    return DatabaseError(
        495,
        "ACCESS_STORAGE_READONLY",
        f"Cannot change {described(kind, what)} by SQL because this storage is readonly: it is changed in the console",
    )


def not_enough(user: str, needed: str) -> DatabaseError:
    """The right is missing."""
    return access_denied(
        f"{user}: Not enough privileges. To execute this query, it's necessary to have the grant {needed}."
    )


def without_option(user: str, needed: str) -> DatabaseError:
    """The right is there, but cannot be given to others."""
    return access_denied(
        f"{user}: Not enough privileges. The required privileges have been granted, but without grant option. "
        f"To execute this query, it's necessary to have the grant {needed} WITH GRANT OPTION."
    )


def no_admin_option(user: str, role: str) -> DatabaseError:
    """The role cannot be given to others."""
    return access_denied(
        f"{user}: Not enough privileges. To execute this query, it's necessary to have the role {name(role)} granted "
        "with ADMIN option."
    )


def in_words(grant: Grant) -> str:
    """A grant as error messages have it, as in `SELECT(a) ON db.t`."""
    privilege = named(grant.privilege)
    column = f"({name(grant.column)})" if grant.column is not None else ""
    if privilege.parameter is not None:
        return f"{privilege.name} ON {'*' if grant.parameter is None else name(grant.parameter)}"
    table = "*" if grant.table is None else name(grant.table)
    return f"{privilege.name}{column} ON {'*' if grant.database is None else name(grant.database)}.{table}"
