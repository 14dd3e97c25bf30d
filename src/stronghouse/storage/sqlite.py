"""SQLite in WAL mode, with every commit on disk before it is acknowledged."""

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from stronghouse.kernel.errors import StronghouseError

BUSY_TIMEOUT_MS = 10_000


class Sqlite:
    """A database file. Writers of several processes wait on the file's own lock."""

    def __init__(self, file: Path) -> None:
        self.file: Path | None = file
        self.place = str(file)
        url = f"sqlite+pysqlite:///{file}"
        self.writes = create_engine(url, pool_size=1, max_overflow=0)
        self.reads = create_engine(url, pool_size=8, max_overflow=16)
        event.listen(self.writes, "connect", _prepare_writer)
        event.listen(self.reads, "connect", _prepare_reader)
        for engine, begin in ((self.writes, "BEGIN IMMEDIATE"), (self.reads, "BEGIN")):
            event.listen(engine, "begin", _begin_with(begin))

    def claim(self) -> None:
        """Nothing: the supervisor's lock on the state directory, in which the file lies, keeps others out."""

    def check(self, connection: Connection) -> None:
        """Nothing: the library comes with Python, and the file is ours."""

    def version(self, _connection: Connection) -> str:
        """The library's version."""
        return f"SQLite {sqlite3.sqlite_version}"

    def told(self, error: DBAPIError, *, writing: bool) -> StronghouseError | None:  # noqa: ARG002
        """Nothing: a file has no outages that pass."""
        return None


def back_up(source: Path, target: Path) -> None:
    """Copy a live SQLite database page by page, consistently, to a file that only its owner can read."""
    target.touch(mode=0o600)
    with sqlite3.connect(source) as reading, sqlite3.connect(target) as writing:
        reading.backup(writing)


def _begin_with(statement: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - SQLAlchemy's listener type is untyped
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


def _prepare_writer(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN handling would start transactions late; ours starts them with the right lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.close()


def _prepare_reader(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.close()
