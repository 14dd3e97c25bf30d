"""The database behind one small interface: snapshots to read from, and writes one at a time, on either back end.

Nothing outside this package may use what only one of the back ends can do; `portable` has what they do differently.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from stronghouse.kernel.errors import Unavailable
from stronghouse.storage.address import PostgresAddress
from stronghouse.storage.back_ends import BackEnd
from stronghouse.storage.sqlite import Sqlite
from stronghouse.storage.streams import close_streams


class Database:
    """A database: SQLite in a file, or PostgreSQL at an address.

    `read` gives connections that cannot write; `write` gives the one that can. What each of them raises for an outage
    is Unavailable: the next call tries anew, so that nothing has to be restarted when the database is back.
    """

    def __init__(self, place: Path | PostgresAddress) -> None:
        self._back_end = _back_end(place)
        self._writer_turn = threading.Lock()
        self._writer: int | None = None  # the thread whose turn it is
        self._writes = self._back_end.writes
        self._reads = self._back_end.reads

    @property
    def file(self) -> Path | None:
        """The database's own file, where it is one."""
        return self._back_end.file

    @property
    def path(self) -> Path:
        """The database's own file; for callers that know that there is one."""
        if self._back_end.file is None:
            raise RuntimeError("a PostgreSQL database has no file of ours")
        return self._back_end.file

    @property
    def place(self) -> str:
        """A path, or an address without secrets."""
        return self._back_end.place

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot to read from; a write on it fails.

        Raises:
            Unavailable: the database does not answer.
        """
        try:
            with self._reads.connect() as connection:
                try:
                    yield connection
                finally:
                    close_streams(connection)
                connection.rollback()
        except (DBAPIError, PoolTimeout) as error:
            self._raise_told(error, writing=False)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The write transaction: committed when the block ends, rolled back when it raises.

        Threads of this process take turns on a lock; other processes wait on the database's own.

        Raises:
            RuntimeError: this thread is writing already; waiting for itself would never end.
            Unavailable: the database does not answer, or another control plane has it.
        """
        if self._writer == threading.get_ident():
            raise RuntimeError("a write transaction was opened inside another one")
        with self._writer_turn:
            self._writer = threading.get_ident()
            try:
                with self._begun() as connection, connection.get_transaction() or connection.begin():
                    try:
                        yield connection
                    finally:
                        close_streams(connection)
            except (DBAPIError, PoolTimeout) as error:
                self._raise_told(error, writing=True)
            finally:
                self._writer = None

    def _begun(self) -> Connection:
        """A connection whose turn it is; another where the first died since it was used: nothing was done yet."""
        connection = self._writes.connect()
        try:
            connection.begin()
        except DBAPIError as error:
            connection.close()
            if not error.connection_invalidated:
                raise
            connection = self._writes.connect()
        return connection

    def claim(self) -> None:
        """Be the only control plane on this database from now on.

        Raises:
            Unavailable: another one is.
        """
        self._back_end.claim()
        with self.write():
            pass  # the lock is taken with the connection

    def check(self) -> None:
        """Raise Conflict or Unavailable where the server or the database is not as it has to be."""
        with self.read() as connection:
            self._back_end.check(connection)

    def version(self) -> str:
        """Product and version of what answers."""
        with self.read() as connection:
            return self._back_end.version(connection)

    def close(self) -> None:
        """Close every pooled connection."""
        self._reads.dispose()
        self._writes.dispose()

    def _raise_told(self, error: DBAPIError | PoolTimeout, *, writing: bool) -> NoReturn:
        if isinstance(error, PoolTimeout):
            raise Unavailable("The control plane is busy; try again in a moment.", code="database_busy") from error
        told = self._back_end.told(error, writing=writing)
        if told is None:
            raise error
        raise told from error


def _back_end(place: Path | PostgresAddress) -> BackEnd:
    if isinstance(place, Path):
        return Sqlite(place)
    # Its driver is a library of its own, which nobody without PostgreSQL has to load.
    from stronghouse.storage.postgresql import PostgreSQL  # noqa: PLC0415

    return PostgreSQL(place)
