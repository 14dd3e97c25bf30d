"""PostgreSQL: the same promises as a SQLite file in WAL mode, made by a server.

Readers take REPEATABLE READ, READ ONLY: one snapshot for all their statements, and a write fails.

Writers take an advisory lock first, then work in READ COMMITTED. With the lock there is one writer at a time in all
processes, so no other commit falls between two of its statements: each transaction sees everything that was committed
before it, and the audit log is appended to in order. A stricter level would be worse: its snapshot is taken by the
statement that waits for the lock, and would be of before the wait.

The control plane holds a second advisory lock on its only writing connection. A transaction on that connection thus
has it, without asking; when the connection is lost, so is the lock, and the next connection must get it again.
"""

import time
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import IsolationLevel
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from stronghouse.kernel.errors import Conflict, Invalid, StronghouseError, Unavailable
from stronghouse.storage.address import PostgresAddress

Raw = psycopg.Connection[Any]
OLDEST = 15
CONNECT_SECONDS = 5
CLAIM_SECONDS = 5.0
"""For so long a new control plane waits for one that was just killed: its server process ends a little later."""
IDLE_SECONDS = 0.5
"""Asking costs a round trip: who comes within that time may be the one who finds out that the server is gone."""
_IDLE = "stronghouse_idle_since"
LOCKS = 0x53484F55  # so that nobody else's advisory locks in this database are ours by chance
WRITER, CONTROL_PLANE = 1, 2
OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "timezone=UTC",
        "client_encoding=UTF8",
        "lock_timeout=10s",
        # The server must notice a client whose machine is gone, for it would hold its locks until then.
        "tcp_keepalives_idle=5",
        "tcp_keepalives_interval=5",
        "tcp_keepalives_count=3",
    )
)
LINK: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "stronghouse",
    "options": OPTIONS,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
OUTAGES = ("08", "28", "53", "57", "58")
"""Classes of SQLSTATE: connections, who we are, resources, intervention (a server that stops or starts), the system."""
DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"


class PostgreSQL:
    """A database of a server."""

    def __init__(self, address: PostgresAddress) -> None:
        self.file: Path | None = None
        self.place = f"PostgreSQL database {address}"
        self._address = address
        self._claimed = False
        common: dict[str, Any] = {"hide_parameters": True}
        scheme = "postgresql+psycopg://"  # the rest comes by `creator`, so that no password is in an engine's URL
        self.writes = create_engine(scheme, creator=self._writer, pool_size=1, max_overflow=0, **common)
        self.reads = create_engine(scheme, creator=self._reader, pool_size=8, max_overflow=16, **common)
        event.listen(self.writes, "begin", _take_turn)
        for engine in (self.writes, self.reads):
            event.listen(engine, "checkin", _note_idle)
            event.listen(engine, "checkout", _try_idle)

    def claim(self) -> None:
        """Keep other control planes out: the next connection that writes takes the lock, and keeps it."""
        self._claimed = True
        self.writes.dispose()

    def check(self, connection: Connection) -> None:
        """Refuse what would break a promise, each with what to do about it.

        Raises:
            Conflict: too old, or a database whose texts would be sorted or compared in another way than on SQLite.
            Unavailable: a standby.
        """
        row = connection.exec_driver_sql(
            "SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS standby, "
            "pg_encoding_to_char(encoding) AS encoding, datcollate, datctype "
            "FROM pg_database WHERE datname = current_database()"
        ).one()
        if row.version < OLDEST * 10_000:
            raise Conflict(f"PostgreSQL {OLDEST} or newer is needed.", code="database_too_old")
        if row.standby:
            raise Unavailable("The PostgreSQL server is a standby; name its primary.", code="database_standby")
        if row.encoding != "UTF8" or not {row.datcollate, row.datctype} <= {"C", "POSIX"}:
            raise Conflict(
                f"The database is of encoding {row.encoding} and locale {row.datcollate}, but has to be of UTF8 and C. "
                "Make it so: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'",
                code="database_locale",
            )

    def version(self, connection: Connection) -> str:
        """The server's version, and how it is reached."""
        number = connection.exec_driver_sql("SHOW server_version").scalar_one()
        return f"PostgreSQL {number}, {self._address.way}"

    def told(self, error: DBAPIError, *, writing: bool) -> StronghouseError | None:
        """An outage is Unavailable, a value that cannot be stored is Invalid; the rest is ours."""
        cause = error.orig
        state = getattr(cause, "sqlstate", None)
        detail = f"{state or 'no connection'}: {str(cause).strip().splitlines()[0] if str(cause) else ''}"
        if state == "55P03":
            return Unavailable(
                "Another process has been writing for 10 s; try again in a moment.", code="database_busy", detail=detail
            )
        # 25006: what was a primary has become a standby, which takes no writes.
        if error.connection_invalidated or _is_outage(cause, state) or (writing and state == "25006"):
            return Unavailable(
                "The control plane's database does not answer; try again in a moment. A change that was under way was "
                "made wholly or not at all.",
                code="database_unavailable",
                detail=detail,
            )
        if isinstance(cause, psycopg.DataError) and (state == "22021" or "NUL" in str(cause)):
            return Invalid("A text holds a character that cannot be stored: NUL.", code="text_not_storable")
        if state == "22003":
            return Invalid("A number is larger than can be stored.", code="number_too_large")
        return None

    def _reader(self) -> Raw:
        connection = self._connect()
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return connection

    def _writer(self) -> Raw:
        connection = self._connect()
        try:
            connection.autocommit = True
            connection.execute(DURABLE)
            if self._claimed:
                self._take_control(connection)
            connection.autocommit = False
            connection.isolation_level = IsolationLevel.READ_COMMITTED
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> Raw:
        address = self._address
        place: dict[str, Any] = {
            "host": address.host,
            "port": address.port,
            "user": address.user,
            "dbname": address.database,
            "password": None if address.password is None else address.password.reveal(),
            **address.tls,
            **LINK,
        }
        try:
            return psycopg.connect(**place)
        except psycopg.OperationalError as error:
            told = str(error)
        # The driver's own error keeps everything that it was given, the password too.
        raise psycopg.OperationalError(told)

    def _take_control(self, connection: Raw) -> None:
        until = time.monotonic() + CLAIM_SECONDS
        while True:
            row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCKS, CONTROL_PLANE)).fetchone()
            if row is not None and row[0]:
                return
            if time.monotonic() >= until:
                raise Unavailable(
                    f"Another control plane runs on the {self.place}; only one may. Stop it first.",
                    code="database_claimed",
                )
            time.sleep(0.1)


def _note_idle(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_IDLE] = time.monotonic()


def _try_idle(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Ask a connection that nobody used lately whether it is alive; the pool makes another in place of a dead one."""
    if time.monotonic() - record.info.get(_IDLE, time.monotonic()) < IDLE_SECONDS:
        return
    raw = cast("Raw", connection)
    try:
        raw.autocommit = True
        raw.execute("")
        raw.autocommit = False
    except psycopg.Error:
        raise DisconnectionError from None


def _take_turn(connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCKS}, {WRITER})")


def _is_outage(cause: BaseException | None, state: str | None) -> bool:
    if state is None:  # the driver's own: it did not get as far as an answer
        return isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in OUTAGES
