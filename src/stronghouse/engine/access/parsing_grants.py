"""Reading GRANT, REVOKE, SET ROLE and SET DEFAULT ROLE."""

from dataclasses import replace

from stronghouse.engine.access.catalogue import Grant
from stronghouse.engine.access.parsing_targets import receivers, roles, table, targets
from stronghouse.engine.access.privileges import named
from stronghouse.engine.access.reader import Reader
from stronghouse.engine.access.statements import (
    GrantCurrentGrants,
    GrantPrivileges,
    GrantRoles,
    RevokePrivileges,
    RevokeRoles,
    SetDefaultRole,
    SetRole,
)
from stronghouse.engine.tokens import Kind

_Grants = tuple[Grant, ...]


def grant(reader: Reader) -> GrantPrivileges | GrantCurrentGrants | GrantRoles:
    """Read what follows GRANT."""
    if reader.take("CURRENT", "GRANTS", "("):
        grants = _grants(reader)
        reader.need(")", "TO")
        to = receivers(reader)
        return GrantCurrentGrants(_with_option(reader, grants), to, _replaces(reader))
    if _is_about_privileges(reader, "TO"):
        grants = _grants(reader)
        reader.need("TO")
        to = receivers(reader)
        return GrantPrivileges(_with_option(reader, grants), to, _replaces(reader))
    granted = () if reader.take("NONE") else reader.listed(reader.name)
    reader.need("TO")
    to = receivers(reader)
    return GrantRoles(granted, to, reader.take("WITH", "ADMIN", "OPTION"), _replaces(reader))


def revoke(reader: Reader) -> RevokePrivileges | RevokeRoles:
    """Read what follows REVOKE."""
    if _is_about_privileges(reader, "FROM"):
        grant_option_only = reader.take("GRANT", "OPTION", "FOR")
        grants = _grants(reader)
        reader.need("FROM")
        return RevokePrivileges(grants, targets(reader), grant_option_only)
    admin_option_only = reader.take("ADMIN", "OPTION", "FOR")
    revoked = roles(reader)
    reader.need("FROM")
    return RevokeRoles(revoked, targets(reader), admin_option_only)


def set_role(reader: Reader) -> SetRole:
    """Read what follows SET ROLE."""
    return SetRole(None if reader.take("DEFAULT") else roles(reader))


def set_default_role(reader: Reader) -> SetDefaultRole:
    """Read what follows SET DEFAULT ROLE."""
    defaults = roles(reader)
    reader.need("TO")
    return SetDefaultRole(defaults, targets(reader))


def _is_about_privileges(reader: Reader, until: str) -> bool:
    """Whether ON comes before `until`: columns apart, no part of a privilege's name is either."""
    if reader.at("ON"):
        reader.refuse()
    depth = 0
    for token in reader.remaining:
        depth += token.says("(") - token.says(")")
        if depth == 0 and token.kind is Kind.WORD and token.text in {"ON", until}:
            return token.text == "ON"
    return False


def _with_option(reader: Reader, grants: _Grants) -> _Grants:
    option = reader.take("WITH", "GRANT", "OPTION")
    return tuple(replace(grant, grant_option=True) for grant in grants) if option else grants


def _replaces(reader: Reader) -> bool:
    return reader.take("WITH", "REPLACE", "OPTION")


def _grants(reader: Reader) -> _Grants:
    """Read groups `SELECT(a, b), INSERT ON db.t`."""
    if reader.take("USAGE", "ON", "*", ".", "*"):
        return ()
    return tuple(grant for group in reader.listed(lambda: _group(reader)) for grant in group)


def _group(reader: Reader) -> _Grants:
    columns: list[tuple[str, str | None]] = []
    while True:
        columns += _privilege(reader, columns)
        if not reader.take(","):
            break
    reader.need("ON")
    parameters = {named(privilege).parameter for privilege, _ in columns}
    if len(parameters) != 1:
        reader.refuse("Privileges on tables and privileges on names cannot be given together in this service.")
    where = _everywhere(reader) if parameters == {None} else _parameter(reader)
    return tuple(replace(where, privilege=privilege, column=column) for privilege, column in columns)


def _privilege(reader: Reader, before: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """Read a privilege and its columns; `before` are those before it in its group."""
    comma, words = reader.end_of_last, []
    while not (reader.ended or reader.at("ON") or reader.at(",") or reader.at("(")):
        if reader.remaining[0].kind is not Kind.WORD:
            reader.refuse()
        words.append(reader.any_name())
    privilege = " ".join(words)
    if named(privilege).name != privilege:
        reader.refuse()
    if not reader.take("("):
        return [(privilege, None)]
    if before and before[-1][0] == privilege and before[-1][1] is not None:
        # SELECT(a), SELECT(b) means SELECT(a, b). The parenthesis before the comma touches it.
        reader.respell(comma - len("),"), reader.end_of_last, ", ")
    columns: list[tuple[str, str | None]] = [(privilege, name) for name in reader.listed(reader.any_name)]
    reader.need(")")
    return columns


def _everywhere(reader: Reader) -> Grant:
    """Read `*.*`, `db.*`, `db.t`, `*` or `t`."""
    if reader.take("*", ".", "*"):
        return Grant("")
    where = table(reader)
    return Grant("", database=where.database, table=where.table)


def _parameter(reader: Reader) -> Grant:
    return Grant("", parameter=None if reader.take("*") else reader.any_name())
