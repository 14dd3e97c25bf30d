"""The catalogue as ClickHouse's own system tables: `system.users`, `system.grants` and others.

The engine's tables of these names tell of its users file, which is a rendering and nobody's business. So each is taken
away when the engine has opened, and one in memory with the same columns is put in its place. The engine forgets them
when it closes.

Invariants:
- The columns are the engine's: each table is made after the one that it replaces.
- Which rows somebody sees is decided by row policies that the users file has for these tables, made of `VISIBLE_WITH`
  and `OWN_ROWS`: without them everybody would see everything.
- No hash of a password is in any of them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from stronghouse.engine.access.catalogue import Catalogue
from stronghouse.engine.access.system_rows import Row, rows_of, usage_row
from stronghouse.engine.quotas import AMOUNTS, Usage

VISIBLE_WITH: Mapping[str, tuple[str, ...]] = {
    "users": ("SHOW USERS",),
    "roles": ("SHOW ROLES",),
    "grants": ("SHOW USERS", "SHOW ROLES"),
    "role_grants": ("SHOW USERS", "SHOW ROLES"),
    "row_policies": ("SHOW ROW POLICIES",),
    "quotas": ("SHOW QUOTAS",),
    "quota_limits": ("SHOW QUOTAS",),
    "quota_counts": ("SHOW QUOTAS",),
    "quotas_usage": ("SHOW QUOTAS",),
    "settings_profiles": ("SHOW SETTINGS PROFILES",),
    "settings_profile_elements": ("SHOW SETTINGS PROFILES",),
    "user_directories": ("SHOW USERS",),
}
"""The privileges, all of them on everything, that let somebody see all rows of a table."""

OWN_ROWS: Mapping[str, str] = {
    "current_roles": "has(currentRoles(), engine_user) AND has(currentRoles(), engine_role)",
    "enabled_roles": "has(currentRoles(), engine_user) AND has(currentRoles(), engine_role)",
    "quota_counts": "hasAny(currentRoles(), engine_users)",
}
"""The rows that somebody sees without any privilege, as an expression for a row policy. A table that is here and not
in VISIBLE_WITH shows these rows only, to everybody."""

COUNTS = "quota_counts"
"""The table below `quotas_usage` and `quota_usage`, which are views of it."""
_VIEWS = ("quotas_usage", "quota_usage")
_HIDDEN = {
    "current_roles": "ADD COLUMN engine_user String MATERIALIZED '', ADD COLUMN engine_role String MATERIALIZED ''",
    "enabled_roles": "ADD COLUMN engine_user String MATERIALIZED '', ADD COLUMN engine_role String MATERIALIZED ''",
    COUNTS: "ADD COLUMN engine_users Array(String) MATERIALIZED [], ADD COLUMN version UInt64 MATERIALIZED 0",
}
"""Columns for row policies. `SELECT *` leaves materialized columns out, so they do not show."""
_FORM = "sh_form"


def statements(catalogue: Catalogue, usage: Iterable[Usage] = ()) -> list[str]:
    """What an engine that has just opened is to be told, in this order and without anybody else at work in it."""
    replaced = [table for table in (*VISIBLE_WITH, *OWN_ROWS) if table != COUNTS and table not in _VIEWS]
    made = [f"CREATE TABLE system.{COUNTS} AS system.quotas_usage ENGINE = Memory", _alteration(COUNTS)]
    for table in dict.fromkeys(replaced):
        made += _replacement(table)
    made += _views()
    made += [_insert(table, rows) for table, rows in rows_of(catalogue).items() if rows]
    return made + usage_statements(catalogue, usage, version=1)[:1]


def refresh_statements(catalogue: Catalogue) -> list[str]:
    """What brings the tables up to date with a catalogue for which the engine need not be opened again."""
    made: list[str] = []
    for table, rows in rows_of(catalogue).items():
        made.append(f"TRUNCATE TABLE system.{table}")
        made += [_insert(table, rows)] if rows else []
    return made


def usage_statements(catalogue: Catalogue, usage: Iterable[Usage], *, version: int) -> list[str]:
    """What puts the usage of quotas as it is now in the place of what the tables tell.

    Who reads meanwhile sees the old or the new rows. `version` grows from call to call; `statements` used 1.
    """
    rows = [row for counted in usage if (row := usage_row(catalogue, counted, version)) is not None]
    if not rows:
        return [f"TRUNCATE TABLE system.{COUNTS}"]
    return [_insert(COUNTS, rows), f"ALTER TABLE system.{COUNTS} DELETE WHERE version < {version}"]


def _replacement(table: str) -> Iterator[str]:
    yield f"CREATE TABLE system.{_FORM} AS system.{table} ENGINE = Memory"
    yield f"DETACH TABLE system.{table}"
    yield f"CREATE TABLE system.{table} AS system.{_FORM} ENGINE = Memory"
    yield f"DROP TABLE system.{_FORM}"
    if table in _HIDDEN:
        yield _alteration(table)


def _alteration(table: str) -> str:
    return f"ALTER TABLE system.{table} {_HIDDEN[table]}"


def _views() -> Iterator[str]:
    amounts = (*AMOUNTS, "queries_per_normalized_hash")
    columns = ["start_time", "end_time", "duration", *(f"{name}, max_{name}" for name in amounts)]
    newest = f"version = (SELECT max(version) FROM system.{COUNTS})"  # noqa: S608 - all of it is ours
    own = "hasAny(currentRoles(), engine_users)"
    head = "SQL SECURITY INVOKER AS SELECT quota_name, quota_key"
    tail = f"{', '.join(columns)} FROM system.{COUNTS} WHERE {newest}"
    for table in _VIEWS:
        yield f"DETACH TABLE system.{table}"
    yield f"CREATE VIEW system.quotas_usage {head}, toUInt8({own}) AS is_current, {tail}"
    yield f"CREATE VIEW system.quota_usage {head}, {tail} AND {own}"


def _insert(table: str, rows: Iterable[Row]) -> str:
    lines = "\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    settings = "insert_allow_materialized_columns = 1" if table in _HIDDEN else "async_insert = 0"
    return f"INSERT INTO system.{table}{_columns(table)} SETTINGS {settings} FORMAT JSONEachRow\n{lines}"


def _columns(table: str) -> str:
    return f" ({', '.join(_INSERTED[table])})" if table in _INSERTED else ""


_LIMITS = tuple(f"max_{name}" for name in AMOUNTS)
_INSERTED = {
    "current_roles": ("role_name", "with_admin_option", "is_default", "engine_user", "engine_role"),
    "enabled_roles": ("role_name", "with_admin_option", "is_current", "is_default", "engine_user", "engine_role"),
    COUNTS: (
        *("quota_name", "quota_key", "start_time", "end_time", "duration", *AMOUNTS, *_LIMITS),
        *("engine_users", "version"),
    ),
}
"""Materialized columns take values only where they are named."""
