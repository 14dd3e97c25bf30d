"""Moving records from the journal into the tables of the logs.

A segment is inserted, then deleted. A worker may be killed in between, or an insert fail after it was done: so records
of a segment that may have been moved before are moved only as far as the tables do not have them. (The engine's own
`insert_deduplication_token` does not do: it forgets what it had not yet written when the process is killed.) What the
tables show counts only after it was read from disk again (`parts.py`): the disk may have filled up at any instant.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from stronghouse.engine.connection import Connection
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.logs.journal import Journal, Segment
from stronghouse.engine.logs.parts import CHECK_SECONDS, Parts
from stronghouse.engine.logs.records import QUERY_MARK, SESSION_MARK
from stronghouse.engine.logs.tables import DATABASE, ENGINE_LOG, PLACE, QUERIES, SESSIONS, Log, prepare

INTERVAL_SECONDS: Final = 1.0
"""How often records are moved while there are any: a row is readable about a second after its query."""
IDLE_ROUNDS: Final = 5
"""After so many rounds without a record, what is kept of the engine's own log is dropped, and memory given back."""
_UNREADABLE: Final = frozenset({6, 25, 26, 27, 28, 33, 53, 69, 72, 117, 130, 131, 321})
"""ClickHouse's codes for data that do not fit: waiting would not help."""
_SETTINGS: Final = "SETTINGS input_format_parallel_parsing = 0"  # it needs memory and gains nothing here


@dataclass(frozen=True)
class LogFacts:
    """What can be said of a log without any of its rows: how many there are, and the newest's time (None: no row)."""

    rows: int
    newest: int | None


class LogKeeper:
    """Moves records in a thread of its own while it has a connection. Safe to use from many threads.

    The connection must be allowed everything in `_stronghouse` and `system`; it is this object's to close.
    """

    def __init__(self, journal: Journal, *, retention_days: int, interval: float = INTERVAL_SECONDS) -> None:
        self._journal = journal
        self._retention_days = retention_days
        self._interval = interval
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._ending = threading.Event()
        self._idle_rounds = IDLE_ROUNDS
        self._tried: set[int] = set()
        self._parts = [Parts(f"{DATABASE}.{log.name}", journal.room) for log in (QUERIES, SESSIONS)]
        self._checked_at = 0.0
        self.failure: DatabaseError | OSError | None = None
        """Why records are not moved, if they are not. They wait in the journal."""
        self._thread = threading.Thread(target=self._run, name="log keeper", daemon=True)
        self._thread.start()

    def resume(self, connect: Callable[[], Connection]) -> None:
        """Take up work with an engine that was just opened: make the tables, then move what waits.

        Raises:
            DatabaseError: the tables cannot be made; the engine must not be used without them.
        """
        connection = connect()
        try:
            prepare(connection, retention_days=self._retention_days)
            with self._lock:
                for parts in self._parts:
                    parts.loaded(connection)
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._connection = connection

    def suspend(self) -> None:
        """Close the connection, once what is being moved is moved. Records wait in the journal until `resume`."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def flush(self) -> None:
        """Move all records that were appended before (`SYSTEM FLUSH LOGS`).

        Raises:
            DatabaseError, OSError: they could not be moved; they stay in the journal.
        """
        with self._lock:
            self._move_all()

    def facts(self) -> dict[str, LogFacts]:
        """Facts of both logs, by name. Raises DatabaseError."""
        with self._lock:
            connection = self._connected()
            found = {}
            for log in (QUERIES, SESSIONS):
                counted = "SELECT count(), toUnixTimestamp(max(event_time)) FROM"
                rows, newest = connection.value(f"{counted} {DATABASE}.{log.name}").split("\t")
                found[log.name] = LogFacts(int(rows), int(newest) or None)
            return found

    def close(self) -> None:
        """Move what can be moved, and stop. The journal is not closed."""
        self._ending.set()
        self._thread.join()
        with contextlib.suppress(DatabaseError, OSError):
            self.flush()
        self.suspend()

    def _run(self) -> None:
        while not self._ending.wait(self._interval):
            with self._lock:
                if self._connection is not None:
                    self._round()

    def _round(self) -> None:
        waiting = self._journal.waiting_bytes > 0
        if waiting:
            self._idle_rounds = 0
        if waiting or time.monotonic() - self._checked_at > CHECK_SECONDS:
            # It is in `failure`, and the next round tries again.
            with contextlib.suppress(DatabaseError, OSError):
                self._move_all()
            return
        self._idle_rounds += 1
        if self._idle_rounds == IDLE_ROUNDS:
            with contextlib.suppress(DatabaseError):
                self._connected().query(f"TRUNCATE TABLE {DATABASE}.engine_queries")
                self._connected().query("SYSTEM JEMALLOC PURGE")

    def _move_all(self) -> None:
        try:
            connection = self._connected()
            self._journal.rotate()
            segments = self._journal.segments()
            if self.failure is not None or not segments:  # else `_move` does it
                self._mend(connection)
            if segments:
                # The engine wrote its rows before the front wrote the records.
                connection.query(f"SYSTEM FLUSH LOGS {ENGINE_LOG}")
            for segment in segments:
                self._move(connection, segment)
        except (DatabaseError, OSError) as error:
            self.failure = error
            raise
        self.failure = None

    def _move(self, connection: Connection, segment: Segment) -> None:
        contents = self._journal.read(segment)
        lost = self._put(connection, segment, contents.records)
        if self._is_damaged(connection):
            # It may have been a merge that nobody waited for: most often there is room again.
            lost = self._put(connection, segment, contents.records)
            if self._is_damaged(connection):
                raise DatabaseError(243, "NOT_ENOUGH_SPACE", "Rows of the logs were written only in part")
        self._journal.remove(segment, damaged=contents.damaged or lost > 0)
        self._tried.discard(segment.number)

    def _put(self, connection: Connection, segment: Segment, records: tuple[bytes, ...]) -> int:
        """Insert the records that the tables lack; how many of them they do not take."""
        lost = 0
        for log, mark in ((QUERIES, QUERY_MARK), (SESSIONS, SESSION_MARK)):
            numbered = {place: record for place, record in enumerate(records) if record[:1] == mark}
            if numbered and (segment.frames is None or segment.number in self._tried):
                for place in _moved(connection, log, segment.number):
                    numbered.pop(place, None)
            self._tried.add(segment.number)
            lost += _insert_all(connection, log, [_row(record, segment, place) for place, record in numbered.items()])
        return lost

    def _is_damaged(self, connection: Connection) -> bool:
        """Whether something was written only in part, and is set aside now."""
        self._journal.room.check_left()
        return self._mend(connection)

    def _mend(self, connection: Connection) -> bool:
        """Set aside what the engine wrote only in part. Whether there was any."""
        mended = [parts.mend(connection) for parts in self._parts]
        self._checked_at = time.monotonic()
        return any(mended)

    def _connected(self) -> Connection:
        if self._connection is None:
            raise DatabaseError(236, "ABORTED", "The logs have no connection to the engine now")
        return self._connection


def _moved(connection: Connection, log: Log, segment: int) -> list[int]:
    """The places of a segment's records that the table has already."""
    table = f"{DATABASE}.{log.name}"
    found = connection.value(f"SELECT position FROM {table} WHERE segment = {segment}")  # noqa: S608 - a number
    return [int(place) for place in found.split()]


def _row(record: bytes, segment: Segment, place: int) -> bytes:
    """The record as a row of the input table: its values, and where it was."""
    return b"%b,%d,%d]" % (record[1:-1], segment.number, place)


def _insert_all(connection: Connection, log: Log, rows: list[bytes]) -> int:
    """Insert rows; how many of them the table does not take."""
    if not rows:
        return 0
    try:
        _insert(connection, log, rows)
    except DatabaseError as error:
        if error.number not in _UNREADABLE:
            raise
        if len(rows) == 1:
            return 1
        # Nothing was inserted: what does not fit is found by halves.
        middle = len(rows) // 2
        return _insert_all(connection, log, rows[:middle]) + _insert_all(connection, log, rows[middle:])
    return 0


def _insert(connection: Connection, log: Log, rows: list[bytes]) -> None:
    columns = ", ".join(f"`{name}`" for name in (*log.fields, *PLACE))
    # Not as a stream: that one tells of success whatever happens when its last block is written (measured, chDB 4.4.0).
    data = b"\n".join(rows).decode("utf-8", "replace")
    connection.query(f"INSERT INTO {log.input} ({columns}) {_SETTINGS} FORMAT JSONCompactEachRow\n{data}")
