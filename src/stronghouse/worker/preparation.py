"""Making a connection ready for one request, and a session's connection as it was before."""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stronghouse.engine.access.rendering import EXTERNAL
from stronghouse.engine.admission import Admission
from stronghouse.engine.boundary.storage import check_format
from stronghouse.engine.connection import Connection, Counters
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.settings import check_setting
from stronghouse.engine.sql import identifier, text
from stronghouse.engine.tokens import split
from stronghouse.worker.caller import Caller
from stronghouse.worker.connections import READ_ONLY_WITH_SETTINGS, Connections, set_roles
from stronghouse.worker.feeding import Feeder
from stronghouse.worker.options import Options
from stronghouse.worker.sessions import Session

_MORE_THAN_TYPES = frozenset(
    {
        "DEFAULT",
        "MATERIALIZED",
        "ALIAS",
        "EPHEMERAL",
        "CODEC",
        "TTL",
        "SETTINGS",
        "SELECT",
        "AS",
        "ENGINE",
        "CONSTRAINT",
    }
    | {"CONSTRAINT", "INDEX", "PROJECTION", "STATISTICS", "COMMENT"}
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class ExternalTable:
    """A temporary table that comes with the request: the columns' text, the format and the data."""

    name: str
    structure: str
    input_format: str
    data: bytes


@contextlib.contextmanager
def prepared(
    connections: Connections, caller: Caller, options: Options, session: Session | None
) -> Iterator[Connection]:
    """A connection with the caller's rights and the request's database and settings; raises DatabaseError.

    It is the session's, or a fresh one that is closed after.
    """
    if session is not None:
        with _of_session(connections, caller, options, session) as connection:
            yield connection
        return
    with connections.fresh(caller) as connection:
        _apply(connection, options.database, options.settings)
        if options.read_only and "readonly" not in options.settings:
            with contextlib.suppress(DatabaseError):  # it is read-only already, by the user's own settings
                _apply(connection, None, {"readonly": READ_ONLY_WITH_SETTINGS})
        yield connection


@contextlib.contextmanager
def evaluating(
    connections: Connections, caller: Caller, connection: Connection, table: str | None
) -> Iterator[Connection]:
    """A connection like `connection` for one insert, which may evaluate what stands in VALUES.

    `connection` itself comes back when `table`, a name without a database, is a temporary table, which no other
    connection has: there VALUES are literals. A connection cannot be made to evaluate later, for the engine's
    constraints hold whatever its profile (measured).
    """
    if table is not None and connection.value(f"EXISTS TEMPORARY TABLE {identifier(table)}") == "1":
        yield connection
        return
    with connections.fresh(caller, expressions=True) as other:
        own = _changed(other)
        settings = {
            name: value
            for name, value in _changed(connection).items()
            if own.get(name) != value and _may_be_set(name, value)
        }
        database = connection.value("SELECT currentDatabase()")
        _apply(other, database if database != other.value("SELECT currentDatabase()") else None, settings)
        yield other


@contextlib.contextmanager
def external_tables(
    connection: Connection, tables: Sequence[ExternalTable], admission: Admission, caller: Caller
) -> Iterator[None]:
    """Temporary tables, filled, for the time of one query; raises DatabaseError."""
    if tables:
        # It takes no right to bring data along, so for that the connection has one right more; columns are names and
        # types only.
        connection.query(f"SET ROLE {', '.join((*caller.engine_roles, EXTERNAL))}")
        try:
            for table in tables:
                _bring(connection, table, admission)
        finally:
            set_roles(connection, caller)
    try:
        yield
    finally:
        for table in tables:
            connection.query(f"DROP TEMPORARY TABLE IF EXISTS {table.name}")


def _bring(connection: Connection, table: ExternalTable, admission: Admission) -> None:
    if not _NAME.fullmatch(table.name) or not _NAME.fullmatch(table.input_format):
        raise DatabaseError(36, "BAD_ARGUMENTS", "Invalid name or format of external data")
    check_format(table.input_format)
    if any(token.is_name and token.text.upper() in _MORE_THAN_TYPES for token in split(table.structure)):
        raise DatabaseError(36, "BAD_ARGUMENTS", "The structure of external data has names and types only")
    connection.query(admission.admit(f"CREATE TEMPORARY TABLE {table.name} ({table.structure})").text)

    def insert(descriptor: int) -> Counters:
        file = f"FROM INFILE '/dev/fd/{descriptor}' COMPRESSION 'none'"
        return connection.query(f"INSERT INTO {table.name} {file} FORMAT {table.input_format}").counters

    Feeder(lambda: b"", end_query=lambda: True, stop_body=lambda: None).run(table.data, insert)


@contextlib.contextmanager
def _of_session(connections: Connections, caller: Caller, options: Options, session: Session) -> Iterator[Connection]:
    if session.connection is None or session.connection.closed:
        session.connection, session.roles = connections.fresh(caller), caller.engine_roles
        session.baseline.clear()
    connection = session.connection
    if session.roles != caller.engine_roles:
        set_roles(connection, caller)
        session.roles = caller.engine_roles
    before = _remember(session, connection, options)
    try:
        _apply(connection, options.database, options.settings)
        yield connection
    finally:
        with contextlib.suppress(DatabaseError):  # a dropped database, a setting that only goes one way
            _apply(connection, before, {name: session.baseline.get(name) for name in options.settings})


def _apply(connection: Connection, database: str | None, settings: Mapping[str, str | None]) -> None:
    if database is not None:
        connection.query(f"USE {identifier(database)}")
    if settings:
        changes = [f"{name} = {'DEFAULT' if value is None else text(value)}" for name, value in settings.items()]
        connection.query(f"SET {', '.join(changes)}")


def _remember(session: Session, connection: Connection, options: Options) -> str | None:
    """Note what the request is going to change; the current database, if it names another."""
    if any(name not in session.baseline for name in options.settings):
        changed = _changed(connection)
        session.baseline.update({name: changed.get(name) for name in options.settings})
    return connection.value("SELECT currentDatabase()") if options.database is not None else None


def _changed(connection: Connection) -> dict[str, str]:
    """The settings that are not at their defaults."""
    rows = connection.query("SELECT name, value FROM system.settings WHERE changed", output_format="JSONCompactEachRow")
    return dict(json.loads(row) for row in rows.data.splitlines())


def _may_be_set(name: str, value: str) -> bool:
    try:
        check_setting(name, value)
    except DatabaseError:
        return False
    return True
