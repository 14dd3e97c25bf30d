"""One request's statement, from its text to its result: what a thread does while the event loop moves the bytes."""

import contextlib
import fcntl
import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stronghouse.engine.admission import Admission, Statement
from stronghouse.engine.connection import Connection, Counters
from stronghouse.engine.engine import Engine
from stronghouse.engine.errors import DatabaseError, cancelled, not_implemented, read_only, syntax_error
from stronghouse.worker.body import BodyReader, Source, decoded, read_piece
from stronghouse.worker.options import Options
from stronghouse.worker.preparation import ExternalTable, evaluating, external_tables, prepared, quoted
from stronghouse.worker.sessions import Session
from stronghouse.worker.statement_text import read_statement

PIPE_BYTES = 256 << 10
EXPRESSIONS_BYTES = 64 << 10
"""Longest text after VALUES that is looked through for expressions; longer ones may hold literals only."""
_LITERALS = re.compile(
    rb"(?:[^'A-Za-z_`\"$]++|'(?:[^'\\]|\\.|'')*+'|(?:NULL|null|true|false)\b|(?<=\d)e(?=[-+\d]))*+", re.DOTALL
)


@dataclass(eq=False)
class QueryJob:
    """A statement that is being run.

    Attributes:
        kill: ends the queries with an id; says whether there were any.
        token: random; what the statement's text begins with inside the engine.
        reading: the end of the pipe that a long result comes out of; the event loop's.
        output_format: the format of the result, known before its first byte.
        encoding: how the engine compresses the result; None when it does not.
        data: the whole result, of statements whose result is short.
        verb: for the log, the statement's first word.
        counters: what it did, once it is done.
    """

    engine: Engine
    admission: Admission
    options: Options
    body: BodyReader
    body_encoding: str
    username: str
    address: str
    kill: Callable[[str], bool]
    session: Session | None = None
    external: Sequence[ExternalTable] = ()
    output_format: str = ""
    encoding: str | None = None
    data: bytes = b""
    verb: str = ""
    counters: Counters = field(default_factory=Counters)
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.reading, self._writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.reading, False)
        with contextlib.suppress(OSError):  # the user's share of memory for pipes is used up: smaller steps do
            fcntl.fcntl(self._writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def cancel(self) -> None:
        """Stop as soon as possible. Called from the event loop; the engine's part is ended by `kill_statement`."""
        self._cancelled.set()
        self.body.abandon()

    def kill_statement(self) -> str:
        """The statement that ends this one inside the engine."""
        return f"KILL QUERY WHERE startsWith(query, '/*sh:{self.token} ') ASYNC"

    def run(self) -> None:
        """Run it to its end, in a thread. Raises DatabaseError, and ConnectionAbortedError when the client is gone."""
        try:
            self._check_cancelled()
            self._run()
        except (DatabaseError, ConnectionAbortedError):
            if self._cancelled.is_set():
                raise cancelled() from None
            raise
        finally:
            os.close(self._writing)

    def _run(self) -> None:
        source = decoded(self.body_encoding, self.body)
        text, data = read_statement(self.options.query, source, limit=self.options.max_query_size)
        statement = self.admission.admit(text, parameters=self.options.parameters)
        self.verb = statement.verb
        if statement.takes_data and data is None:
            # The engine's own reading of it would drop them, and report success.
            raise syntax_error(
                "The data of this INSERT cannot be found: write it without a byte order mark, # comments, $$ strings "
                "and unusual quotes or spaces, and with FORMAT or VALUES"
            )
        self._check_method(statement)
        with (
            prepared(self.engine, self.options, self.session) as connection,
            external_tables(connection, self.external, self.admission),
        ):
            self._check_cancelled()
            self._execute(connection, statement, data or b"", source)

    def _execute(self, connection: Connection, statement: Statement, data: bytes, source: Source) -> None:
        if statement.takes_data and statement.output_format == "Values":
            self._insert_values(connection, statement, data, source)
        elif statement.takes_data:
            self._insert(connection, statement, data, source)
        elif statement.verb == "KILL":
            self._kill(connection, statement)
        elif statement.selects:
            self._select(connection, statement)
        else:
            self._command(connection, statement)

    def _check_method(self, statement: Statement) -> None:
        harmless = statement.query_class == "READ_ONLY" or statement.verb in {"SET", "USE"}
        if self.options.read_only and not harmless and not statement.text.startswith("CREATE TEMPORARY TABLE "):
            raise read_only()

    def _insert_values(self, connection: Connection, statement: Statement, data: bytes, source: Source) -> None:
        """VALUES that are short and harmless may be expressions; all others are read as literals."""
        while len(data) <= EXPRESSIONS_BYTES and (piece := read_piece(source)):
            data += piece
        short = len(data) <= EXPRESSIONS_BYTES and not _LITERALS.fullmatch(data)
        if short and self.admission.expressions_allowed(data.decode("latin-1")):
            with evaluating(self.engine, connection, statement.target) as other:
                self._insert(other, statement, data, source)
        else:
            self._insert(connection, statement, data, source)

    def _insert(self, connection: Connection, statement: Statement, data: bytes, source: Source) -> None:
        if statement.names_by_parameter:
            changes = [f"param_{name} = {quoted(value)}" for name, value in self.options.parameters.items()]
            connection.query(f"SET {', '.join(changes)}")
        insertion = connection.insert(statement.text, input_format=statement.output_format or "Values")
        try:
            while data or (data := read_piece(source)):
                self._check_cancelled()
                insertion.append(data)
                data = b""
        except BaseException:
            insertion.cancel()
            raise
        self.counters = insertion.finish()

    def _select(self, connection: Connection, statement: Statement) -> None:
        self.encoding = self.options.encoding
        self.output_format = statement.output_format or self.options.default_format
        compression = f" COMPRESSION '{self.encoding}'" if self.encoding else ""
        clause = statement.text[statement.tail :] or f" FORMAT {self.output_format}"
        outfile = f" INTO OUTFILE '/dev/fd/{self._writing}' TRUNCATE{compression} "
        sql = f"{self._prefix()}{statement.text[: statement.tail]}{outfile}{clause}"
        self.counters = connection.query(sql, parameters=self.options.parameters).counters

    def _command(self, connection: Connection, statement: Statement) -> None:
        self.output_format = statement.output_format or self.options.default_format
        sql = f"{self._prefix()}{statement.text}"
        result = connection.query(sql, output_format=self.output_format, parameters=self.options.parameters)
        self.data, self.counters = result.data, result.counters
        if statement.verb == "SET" and self.session is not None:
            self.session.baseline.clear()

    def _kill(self, connection: Connection, statement: Statement) -> None:
        """KILL by the id that the front gave, which the engine does not know; the answer has the engine's columns."""
        if statement.text.startswith("KILL MUTATION "):
            self._command(connection, statement)
            return
        if statement.killed is None:
            raise not_implemented("In this service a query is killed by its id: KILL QUERY WHERE query_id = '…'")
        # The literal is in SQL's notation already.
        rows = f"SELECT 'waiting' AS kill_status, '{statement.killed}' AS query_id, {quoted(self.username)} AS user"
        query_id = connection.value(f"SELECT '{statement.killed}'")
        found = self.kill(query_id)
        self.output_format = statement.output_format or self.options.default_format
        self.data = connection.query(f"{rows} WHERE {int(found)}", output_format=self.output_format).data

    def _prefix(self) -> str:
        """Who asks, before the statement's own text, where nobody else can put it: that text has no comments."""
        attribution = {"q": self.options.query_id, "u": self.username, "a": self.address}
        return f"/*sh:{self.token} {json.dumps(attribution).replace('/', chr(92) + '/')}*/ "

    def _check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise cancelled()
