"""One request's statement, from its text to its result, in the one thread that serves the request."""

import contextlib
import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stronghouse.engine.admission import Admission, Statement
from stronghouse.engine.connection import Connection, Counters
from stronghouse.engine.errors import DatabaseError, cancelled, read_only, syntax_error
from stronghouse.engine.room import Room
from stronghouse.engine.tokens import split
from stronghouse.worker.body import Source, read_piece
from stronghouse.worker.caller import Caller, in_comment
from stronghouse.worker.connections import TOO_LONG, Connections, Kind, kind_of
from stronghouse.worker.exchange import Exchange
from stronghouse.worker.execution import execute
from stronghouse.worker.options import Options
from stronghouse.worker.preparation import ExternalTable, external_tables, prepared
from stronghouse.worker.progress import Progress, watched
from stronghouse.worker.responses import progress_header
from stronghouse.worker.result import ResultStream
from stronghouse.worker.running import Running
from stronghouse.worker.sessions import Session
from stronghouse.worker.sizes import Sizes
from stronghouse.worker.statement_text import read_statement
from stronghouse.worker.system_database import SystemDatabase

KNOWN_BYTES = 8 << 10
"""Longest statement that is looked up before anything else is done with it."""
MOST_PROGRESS = 32
"""Lines of progress in a response's head, for which clients have limits."""
USAGE_TABLES = frozenset({"quota_usage", "quotas_usage", "quota_counts"})
FREEING = frozenset({"DROP", "TRUNCATE"})
"""What makes room on a full disk, so is not refused there."""
_PROCESS = secrets.token_hex(6)
_numbers = itertools.count(1)


def next_token() -> str:
    """A word that names one statement inside the engine, never used again."""
    return f"{_PROCESS}{next(_numbers):x}"


@dataclass(frozen=True)
class Tools:
    """What queries are run with."""

    admission: Admission
    connections: Connections
    running: Running
    system: SystemDatabase
    sizes: Sizes
    room: Room


@dataclass(eq=False)
class Query:
    """A statement that is being run, as `running.Job` for who watches it.

    Attributes:
        token: names it inside the engine; its text begins with it there.
        written: the statement as the client wrote it, from when it is read until it is admitted.
        statement: once it is admitted.
        output_format: the format of the result, known before its first byte.
        encoding: how the engine compresses the result; None when it does not.
        data: the whole result, of statements whose result is short.
        new_stream: makes what carries a result that can be long.
        stream: that, once there is one.
        counters: what it did, once it is done.
        in_engine: whether the engine has seen it.
        quick: whether its result is taken from memory, for it was short the last time.
        ran_quickly: the kind of connection, if its result was taken from memory.
        tag: random; marks an error in the middle of a result that has begun. None where it cannot hold one.
        progress: headers that tell of it, as they came up.
    """

    tools: Tools
    exchange: Exchange
    caller: Caller
    address: str
    query_id: str
    options: Options
    source: Source
    new_stream: Callable[["Query"], ResultStream]
    session: Session | None = None
    external: Sequence[ExternalTable] = ()
    written: str = ""
    statement: Statement | None = None
    output_format: str = ""
    encoding: str | None = None
    data: bytes = b""
    stream: ResultStream | None = None
    counters: Counters = field(default_factory=Counters)
    in_engine: bool = False
    quick: bool = False
    ran_quickly: Kind | None = None
    tag: str | None = None
    progress: list[tuple[str, str]] = field(default_factory=list)
    token: str = field(default_factory=next_token)
    started: float = field(default_factory=time.monotonic)
    cancelled_at: float | None = None
    _told: float = 0.0
    _stopped: bool = False

    # --- what who watches it asks

    @property
    def user_id(self) -> str:
        """Whose it is."""
        return self.caller.user.id

    @property
    def text(self) -> str:
        """The statement in canonical form; empty before it is admitted."""
        return self.statement.text if self.statement is not None else ""

    @property
    def database(self) -> str:
        """The database that the request names, else the user's."""
        return self.options.database or self.caller.user.default_database or "default"

    @property
    def kind(self) -> str:
        """The kind of a statement that the engine has not seen, by ClickHouse's names; of others the engine says it."""
        if self.in_engine or self.statement is None:
            return ""
        return self.statement.verb.capitalize()

    @property
    def is_plain(self) -> bool:
        """Whether the result is sent as it is, so that an error can be written into it."""
        return self.encoding is None and not self.options.compress

    @property
    def is_plain_wanted(self) -> bool:
        """Whether the client takes the result as it is."""
        return self.options.encoding is None and not self.options.compress

    @property
    def sent_bytes(self) -> int:
        """How long the result is, as it was or would be sent."""
        return self.stream.size if self.stream is not None else len(self.data)

    def carry(self) -> None:
        """Its result may be long: begin to send it."""
        if self.stream is not None:
            self.stream.carry()

    def hung_up(self) -> bool:
        """Whether its client is gone."""
        return self.exchange.hung_up()

    def cancel(self) -> None:
        """Note that it is to end, and stop reading its body."""
        self._stopped = True
        self.exchange.body.abandon()

    def abort(self) -> None:
        """Close its connection."""
        self.exchange.abort()

    # --- what its own thread does

    def read(self) -> tuple[Statement, bytes]:
        """Read the statement and admit it; it, and what was already read of its data. Raises DatabaseError."""
        text, data = self._read_text()
        self.written = text
        statement = self.tools.admission.admit(
            text,
            parameters=self.options.parameters,
            administrator=self.caller.is_owner,
            protected=self._is_protected,
        )
        self.statement, self.written = statement, ""
        if statement.takes_data and data is None:
            # The engine's own reading of it would drop them, and report success.
            raise syntax_error(
                "The data of this INSERT cannot be found: write it without a byte order mark, # comments, $$ strings "
                "and unusual quotes or spaces, and with FORMAT or VALUES"
            )
        self._check_method(statement)
        return statement, data or b""

    def _read_text(self) -> tuple[str, bytes | None]:
        options, body = self.options, self.exchange.body
        if options.query or self.source is not body or not body.length or body.length > KNOWN_BYTES:
            return read_statement(options.query, self.source, limit=options.max_query_size)
        # Most requests bring a short statement that came before: then nobody has to look where its text ends.
        read = read_piece(body)
        ended = len(read) == body.length
        text = read.decode("utf-8", "replace")
        if ended and self.tools.admission.known(text):
            return text, None
        return read_statement("", body, limit=options.max_query_size, read=read, ended=ended)

    def run(self, statement: Statement, data: bytes) -> None:
        """Run it to its end. Raises DatabaseError, and ConnectionAbortedError when the client is gone."""
        # Policies may have come since the statement was read, and reading its data may have taken long.
        self.tools.admission.admit_again(statement, administrator=self.caller.is_owner, protected=self._is_protected)
        try:
            self.check_cancelled()
            self._run(statement, data)
        except (DatabaseError, ConnectionAbortedError):
            if self._stopped:
                raise cancelled() from None
            raise

    def _run(self, statement: Statement, data: bytes) -> None:
        kind = self._kind(statement)
        try:
            self._run_on(kind, statement, data)
        except DatabaseError as error:
            if error.number != TOO_LONG or kind is None or not kind.quick:
                raise
            self.tools.sizes.forget(statement.text)  # it was short the last time
            self._run_on(kind_of(read_only=kind.read_only, quick=False), statement, data)

    def _run_on(self, kind: Kind | None, statement: Statement, data: bytes) -> None:
        if kind is None or self.session is not None or self.options.database is not None or self.options.settings:
            with (
                prepared(self.tools.connections, self.caller, self.options, self.session) as connection,
                external_tables(connection, self.external, self.tools.admission, self.caller),
            ):
                self._execute(connection, statement, data)
            return
        self.quick = kind.quick
        connection = self.tools.connections.take(self.caller, kind)
        try:
            self._execute(connection, statement, data)
        except BaseException:
            connection.close()
            raise
        self.tools.connections.give_back(connection, self.caller, kind)

    def _kind(self, statement: Statement) -> Kind | None:
        """The kind of connection that will do; None if the statement may change something on it."""
        if self.external or not (statement.selects or statement.takes_data) or self.options.progress_seconds:
            return None
        if statement.takes_data and statement.names_by_parameter:
            return None  # the parameter would stay for the next request
        return kind_of(read_only=self.options.read_only, quick=self._is_quick(statement))

    def _is_quick(self, statement: Statement) -> bool:
        """Whether the result is expected to be short, and nothing is said of how it is to be made."""
        return (
            statement.selects
            and self.is_plain_wanted
            and self.tools.sizes.is_short(statement.text)
            and not self.caller.limits_results
            and "SETTINGS" not in statement.text
        )

    def _execute(self, connection: Connection, statement: Statement, data: bytes) -> None:
        room = self.tools.room
        writes = statement.query_class.startswith("MUTATING") and statement.verb not in FREEING
        if writes:
            room.need()
        self._execute_any(connection, statement, data)
        if writes:
            room.check_left()

    def _execute_any(self, connection: Connection, admitted: Statement, data: bytes) -> None:
        self.check_cancelled()
        statement = self.caller.own(admitted)
        if reads_usage(statement.text):
            self.tools.system.refresh_usage(self.caller.catalogue)
        self.in_engine = True
        with self._watched(connection):
            execute(self, connection, statement, data)

    def _check_method(self, statement: Statement) -> None:
        harmless = statement.query_class == "READ_ONLY" or statement.verb in {"SET", "USE"}
        if self.options.read_only and not harmless and not statement.text.startswith("CREATE TEMPORARY TABLE "):
            raise read_only()

    def _watched(self, connection: Connection) -> contextlib.AbstractContextManager[None]:
        """Note now and then what the query has done: for headers, and for quotas should it fail."""
        if self.options.progress_seconds is None and not self.caller.catalogue.quotas:
            return contextlib.nullcontext()
        return watched(connection, self._tell, failed=self._count)

    def _tell(self, progress: Progress) -> None:
        """Have the response's head tell of it, if it is time."""
        seconds = self.options.progress_seconds
        if seconds is not None and len(self.progress) < MOST_PROGRESS and progress.elapsed - self._told >= seconds:
            self._told = progress.elapsed
            self.progress.append(progress_header(progress.done, progress.elapsed, total_rows=progress.total_rows))

    def _count(self, counters: Counters) -> None:
        self.counters = counters

    def prefix(self) -> str:
        """Who asks, before the statement's own text, where nobody else can put it: that text has no comments."""
        about = f'"q":{in_comment(self.query_id)},"u":{self.caller.name_in_comment},"a":{in_comment(self.address)}'
        return f"/*sh:{self.user_id} {self.token} {{{about}}}*/ "

    def _is_protected(self, database: str | None, table: str | None) -> bool:
        """Whether a table has row policies. None is any; the current database could be any."""
        policies = self.caller.catalogue.policies.values()
        return any(table in {None, policy.table} and database in {None, policy.database} for policy in policies)

    def check_cancelled(self) -> None:
        """Raise DatabaseError if it is to end."""
        if self._stopped:
            raise cancelled()


def reads_usage(text: str) -> bool:
    """Whether a statement names a table of `system` that tells what was used of quotas up to now."""
    return "quota" in text and any(token.is_name and token.text in USAGE_TABLES for token in split(text))
