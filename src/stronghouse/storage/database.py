"""Opening the database: SQLite in WAL mode with every commit on disk, writes one at a time.

PostgreSQL comes by URL with a later issue; nothing here or in a store may use what it cannot do.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 10_000


class Database:
    """A database file. `read` gives connections that cannot write; `write` gives the one that can."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer_turn = threading.Lock()
        self._writer: int | None = None  # the thread whose turn it is
        url = f"sqlite+pysqlite:///{path}"
        self._writes = create_engine(url, pool_size=1, max_overflow=0)
        self._reads = create_engine(url, pool_size=8, max_overflow=16)
        event.listen(self._writes, "connect", _prepare_writer)
        event.listen(self._reads, "connect", _prepare_reader)
        for engine, begin in ((self._writes, "BEGIN IMMEDIATE"), (self._reads, "BEGIN")):
            event.listen(engine, "begin", _begin_with(begin))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot to read from; a write on it fails."""
        with self._reads.connect() as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The write transaction: committed when the block ends, rolled back when it raises.

        Threads of this process take turns on a lock; other processes wait on SQLite's own.

        Raises:
            RuntimeError: this thread is writing already; waiting for itself would never end.
        """
        if self._writer == threading.get_ident():
            raise RuntimeError("a write transaction was opened inside another one")
        with self._writer_turn:
            self._writer = threading.get_ident()
            try:
                with self._writes.begin() as connection:
                    yield connection
            finally:
                self._writer = None

    def close(self) -> None:
        """Close every pooled connection."""
        self._reads.dispose()
        self._writes.dispose()


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
