"""The tables of the logs, in the database `_stronghouse`, and the `system` tables through which they are read.

    journal → query_log_input (Null) → query_log_move → query_log ← system.query_log
    the engine's own log (Null) → engine_queries_move → engine_queries (in memory, the newest) ⤴ joined by token

Invariants:
- Whoever moves a record need only insert it: how it becomes a row is the business of the materialized views, which
  are made anew when this version's differ from those that are there.
- A row says which record of which segment it was (`PLACE`), so that whoever moves them can tell what is there already.
- The tables with rows are never dropped; they get the columns that they lack.
- `system.query_log` and `system.session_log` read with the rights of the reader.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stronghouse.engine.connection import Connection
from stronghouse.engine.logs.columns import QUERY_LOG, SESSION_LOG, Column
from stronghouse.engine.logs.processes import PROCESSES
from stronghouse.engine.logs.records import QUERY_FIELDS, SESSION_FIELDS

DATABASE: Final = "_stronghouse"
ENGINE_LOG: Final = "engine_query_log"
"""What the engine's own query log is called in `system`. It keeps nothing."""
ENGINE_CONFIGURATION: Final = (
    "query_log",
    (
        ("database", "system"),
        ("table", ENGINE_LOG),
        ("engine", "ENGINE = Null"),
        # The keeper asks for it whenever it moves records.
        ("flush_interval_milliseconds", "7500"),
    ),
)
"""The engine's configuration of that log, for `configuration.engine_tree`."""
ENGINE_SETTINGS: Final[Mapping[str, str]] = {
    "log_queries": "1",
    "log_queries_min_type": "QUERY_FINISH",
    "log_queries_min_query_duration_ms": "0",
    "log_queries_probability": "1",
    # It cuts `system.processes` too.
    "log_queries_cut_to_length": "10000",
    "log_query_settings": "0",
    "log_profile_events": "0",
    "log_formatted_queries": "0",
    "log_query_threads": "0",
    "log_query_views": "0",
    "log_processors_profiles": "0",
}
"""Settings that all connections must have, and nobody may change. Measured: with these the engine's log costs no
time that can be seen and 4 MB; with the defaults 70 µs for each query and 10 to 30 MB."""

PLACE: Final = {"segment": "UInt64", "position": "UInt32"}
"""Columns of the tables, beyond those that are shown: the segment's number and the record's place in it."""
_ENGINE_COLUMNS: Final = {column.name: column.type for column in QUERY_LOG if "e." in column.source}
_INPUT_TYPES: Final = {
    "exception_code": "Int32",
    "port": "UInt16",
    "client_port": "UInt16",
    "is_secure": "Bool",
    "roles": "Array(String)",
    "profiles": "Array(String)",
    "settings": "Map(String, String)",
}
_COUNTS: Final = ("_microseconds", "_ms", "_rows", "_bytes")
_EXISTING: Final = (
    "SELECT name, comment, create_table_query, columns FROM system.tables AS t LEFT JOIN "  # noqa: S608 - our own name
    f"(SELECT table, groupArray(name) AS columns FROM system.columns WHERE database = '{DATABASE}' GROUP BY table) "
    f"AS c ON t.name = c.table WHERE database = '{DATABASE}'"
)
_KEEP_DETAILS: Final = "max_rows_to_keep = 16384, max_bytes_to_keep = 16777216"


@dataclass(frozen=True)
class Log:
    """One of the two logs."""

    name: str
    columns: tuple[Column, ...]
    fields: tuple[str, ...]

    @property
    def input(self) -> str:
        """The table that takes records."""
        return f"{DATABASE}.{self.name}_input"


QUERIES: Final = Log("query_log", QUERY_LOG, QUERY_FIELDS)
SESSIONS: Final = Log("session_log", SESSION_LOG, SESSION_FIELDS)


def prepare(connection: Connection, *, retention_days: int) -> None:
    """Make what is missing or different, in an engine that was just opened and runs no queries yet.

    Raises:
        DatabaseError: something could not be made.
    """
    connection.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ENGINE = Atomic")
    existing = _existing(connection)
    for log in (QUERIES, SESSIONS):
        _keep_table(connection, log, existing, retention_days)
    replaceable = _replaceable()
    if {name: existing[name].comment for name in replaceable if name in existing} != {
        name: _fingerprint(sql) for name, sql in replaceable.items()
    }:
        _replace(connection, replaceable)
    for log in (QUERIES, SESSIONS):
        _show(connection, log)
    # The engine's own: to it everybody is the same user, so it would show everybody everything.
    connection.query("DETACH TABLE IF EXISTS system.user_query_log")


@dataclass(frozen=True)
class _Table:
    comment: str
    definition: str
    columns: tuple[str, ...]


def _existing(connection: Connection) -> dict[str, _Table]:
    answer = connection.query(_EXISTING, output_format="JSONCompactEachRow")
    rows = (json.loads(line) for line in answer.data.splitlines())
    return {name: _Table(comment, definition, tuple(names)) for name, comment, definition, names in rows}


def _keep_table(connection: Connection, log: Log, existing: Mapping[str, _Table], retention_days: int) -> None:
    kept = {**{column.name: column.type for column in log.columns if column.source}, **PLACE}
    lifetime = f"event_date + toIntervalDay({retention_days})"
    table = existing.get(log.name)
    if table is None:
        columns = _declared(kept)
        connection.query(
            f"CREATE TABLE {DATABASE}.{log.name} ({columns}) ENGINE = MergeTree PARTITION BY toYYYYMM(event_date) "
            f"ORDER BY (event_date, event_time) TTL {lifetime}"
        )
        return
    for name, type_name in kept.items():
        if name not in table.columns:
            connection.query(f"ALTER TABLE {DATABASE}.{log.name} ADD COLUMN IF NOT EXISTS `{name}` {type_name}")
    if f"TTL {lifetime} " not in f"{table.definition} ":
        connection.query(f"ALTER TABLE {DATABASE}.{log.name} MODIFY TTL {lifetime}")


def _replaceable() -> dict[str, str]:
    """What holds no rows for long, in the order in which it can be made."""
    details = _declared(_ENGINE_COLUMNS)
    definitions = {
        "engine_queries": f"TABLE {DATABASE}.engine_queries (`token` String, {details}) ENGINE = Memory "
        f"SETTINGS {_KEEP_DETAILS}",
        "engine_queries_move": _moving("engine_queries", _engine_rows()),
        "processes": f"VIEW {DATABASE}.processes SQL SECURITY INVOKER AS {PROCESSES}",
    }
    for log in (QUERIES, SESSIONS):
        inputs = _declared({**{name: _input_type(name) for name in log.fields}, **PLACE})
        definitions[f"{log.name}_input"] = f"TABLE {log.input} ({inputs}) ENGINE = Null"
        definitions[f"{log.name}_move"] = _moving(log.name, _rows(log))
    return definitions


def _moving(target: str, select: str) -> str:
    return f"MATERIALIZED VIEW {DATABASE}.{target}_move TO {DATABASE}.{target} AS {select}"


def _engine_rows() -> str:
    columns = ", ".join(_ENGINE_COLUMNS)
    log = f"system.{ENGINE_LOG}"
    marked = "startsWith(query, '/*sh:')"
    return f"SELECT splitByChar(' ', query)[2] AS token, {columns} FROM {log} WHERE {marked}"  # noqa: S608 - our own names


def _rows(log: Log) -> str:
    sources = ", ".join(
        [f"{column.source} AS `{column.name}`" for column in log.columns if column.source]
        + [f"r.{name} AS `{name}`" for name in PLACE]
    )
    details = f"ANY LEFT JOIN {DATABASE}.engine_queries AS e ON r.token = e.token" if log is QUERIES else ""
    return f"SELECT {sources} FROM {log.input} AS r {details}"  # noqa: S608 - our own names


def _replace(connection: Connection, definitions: dict[str, str]) -> None:
    connection.query(f"SYSTEM FLUSH LOGS {ENGINE_LOG}")  # makes the table
    for name in reversed(definitions):
        connection.query(f"DROP TABLE IF EXISTS {DATABASE}.{name} SYNC")
    for sql in definitions.values():
        connection.query(f"CREATE {sql} COMMENT '{_fingerprint(sql)}'")


def _show(connection: Connection, log: Log) -> None:
    columns = ", ".join(_shown(column) for column in log.columns)
    connection.query(f"DETACH TABLE IF EXISTS system.{log.name}")
    connection.query(
        f"CREATE VIEW system.{log.name} SQL SECURITY INVOKER "  # noqa: S608 - our own names
        f"AS SELECT {columns} FROM {DATABASE}.{log.name}"
    )


def _shown(column: Column) -> str:
    if column.source:
        return f"`{column.name}`"
    type_name = column.type.replace("'", "\\'")
    value = column.shown or f"defaultValueOfTypeName('{type_name}')"
    return f"CAST({value}, '{type_name}') AS `{column.name}`"


def _declared(columns: Mapping[str, str]) -> str:
    return ", ".join(f"`{name}` {type_name}" for name, type_name in columns.items())


def _input_type(name: str) -> str:
    return _INPUT_TYPES.get(name) or ("UInt64" if name.endswith(_COUNTS) else "String")


def _fingerprint(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()
