"""Deciding whether a statement may run. It runs in the canonical form that was checked, never as it was written.

The engine prints back what it parsed: one statement, no comments, keywords in upper case, names and strings in one
notation. The rules read that form, and that form is what runs, so what was checked and what runs cannot differ.

An admitted statement is the same for everybody who sends it, and is kept: who may run it (`admit`) and what it says
for whom (`Statement.for_user`) is decided for each run. Statements with passwords in them are never kept.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

from stronghouse.engine import rules
from stronghouse.engine.boundary.background import check_background, read_built_ins
from stronghouse.engine.boundary.calls import administrative_call, check_calls, check_new_function
from stronghouse.engine.boundary.classification import Entry, Verdict
from stronghouse.engine.boundary.databases import check_databases, check_stopping
from stronghouse.engine.boundary.protection import Protected, touched_tables
from stronghouse.engine.boundary.statements import kind_of
from stronghouse.engine.boundary.storage import check_codecs, check_engines, check_format
from stronghouse.engine.boundary.texts import READERS
from stronghouse.engine.boundary.vocabulary import read_vocabulary
from stronghouse.engine.connection import Classification, Connection
from stronghouse.engine.engine import Engine
from stronghouse.engine.errors import DatabaseError, access_denied, query_too_large, syntax_error
from stronghouse.engine.rewriting import IDENTITIES, OWN_DATABASE, find_marks
from stronghouse.engine.statement import Statement, describe
from stronghouse.engine.tokens import Kind, Token, split

__all__ = ["Admission", "Statement"]

MAX_TEXT = 4 << 20
"""Longest statement in characters that is looked at; `max_query_size` (256 KiB unless set) is the engine's limit."""
REOPENING_SECONDS = 60.0
"""How long a statement waits for an engine that is being reopened."""
CACHED_TEXT = 8 << 10
CACHED_STATEMENTS = 1024
_CLAUSES = frozenset({"select", "with", "settings", "from"})
_SCOPE = ": In scope SELECT formatQuerySingleLine("


class Admission:
    """Admits statements for one engine. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connected = threading.Condition()
        self._connection: Connection | None = None
        self.open()
        with self._connected, engine.connect() as connection:
            self._vocabulary = read_vocabulary(connection)
            self._check_background = check_background(read_built_ins(connection))
        self._check_calls = check_calls(self._vocabulary)
        self._risky = _CLAUSES | READERS - {"null"} | IDENTITIES | frozenset(self._vocabulary.refused)
        self._lock = threading.Lock()
        self._admitted: OrderedDict[str, Statement] = OrderedDict()

    def admit(
        self,
        sql: str,
        *,
        parameters: Mapping[str, str] | None = None,
        administrator: bool = False,
        protected: Protected | None = None,
    ) -> Statement:
        """The statement that `sql` is, ready to run once `for_user` has been asked.

        Args:
            sql: the statement as the client sent it.
            parameters: the query parameters that come with it.
            administrator: whether the service's owner sends it.
            protected: whether a table has row policies; None when none has.

        Raises:
            DatabaseError: it is no statement, or not one that this caller may run.
        """
        statement = self._known(sql) or self._examine(sql)
        for value in (parameters or {}).values():
            # A parameter that stands for a name can stand for a function's: arrayMap({f:Identifier}, …).
            named = "\\" in value or OWN_DATABASE in value or value.lower() in self._vocabulary.handed
            if statement.names_by_parameter and named:
                raise access_denied("This name cannot be given by a query parameter in this service.")
        if not administrator:
            _check_caller(statement, protected)
        return statement

    def admit_again(self, statement: Statement, *, administrator: bool, protected: Protected | None) -> None:
        """Ask again whether this caller may run it, where time has passed since; raises DatabaseError 497."""
        if not administrator:
            _check_caller(statement, protected)

    def known(self, sql: str) -> bool:
        """Whether this very text was admitted lately as a statement without data behind it."""
        statement = self._admitted.get(sql)
        return statement is not None and not statement.takes_data

    def expressions_allowed(self, data: str) -> bool:
        """Whether the text after VALUES may be evaluated: no subquery, and nothing refused, in it or for one user."""
        try:
            tokens = [Token(Kind.WORD, "INSERTED", 0, 0), *split(data, comments=False)]
            if any(_is_apart(token, following) for token, following in pairwise(tokens[1:])):
                return False  # nothing says that it is no call, as the canonical form of a statement does
            self._check_calls(tokens)
            special = find_marks(tokens) or administrative_call(tokens, self._vocabulary)
        except (DatabaseError, IndexError):
            return False
        return not special and not any(
            token.is_name and (token.text.lower() in self._risky or "\\" in token.text) for token in tokens
        )

    def close(self) -> None:
        """Give the connection back. Statements that come from now on wait for `open`."""
        with self._connected:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def open(self) -> None:
        """Have a connection again, of an engine that was reopened."""
        with self._connected:
            connection = self._engine.connect()
            connection.query(f"SET max_query_size = {2 * MAX_TEXT}")
            self._connection = connection
            self._connected.notify_all()

    def ours(self, sql: str, *, output_format: str | None) -> Statement:
        """A query of our own, which answers another statement, as if it were admitted. Nothing in it is a client's."""
        return Statement(
            text=sql,
            kind="query",
            verb="SELECT",
            query_class="READ_ONLY",
            output_format=output_format,
            tail=len(sql),
            takes_data=False,
            names_by_parameter=False,
            target=None,
            killed=None,
        )

    def _known(self, sql: str) -> Statement | None:
        with self._lock:
            statement = self._admitted.get(sql)
            if statement is not None:
                self._admitted.move_to_end(sql)
            return statement

    def _examine(self, sql: str) -> Statement:
        canonical, classification = self._canonical(sql)
        tokens = rules.read_tokens(canonical)
        if not tokens:
            raise syntax_error("Empty query")
        try:
            entry = kind_of(tokens)
            created = rules.check_form(tokens)
            if created is not None:
                check_new_function(created, self._vocabulary)
            rules.check_names(tokens)
            self._check_calls(tokens)
            if entry.verdict is Verdict.ACCESS:
                find_marks(tokens)  # a policy's condition would be the same for everybody
                return describe(canonical, tokens, classification.query_class, "access")
            statement = self._describe_query(canonical, tokens, classification.query_class, entry)
        except IndexError:  # a form that a rule does not expect
            raise access_denied("This statement cannot be classified, so this service does not run it.") from None
        if len(sql) <= CACHED_TEXT:
            with self._lock:
                self._admitted[sql] = statement
                while len(self._admitted) > CACHED_STATEMENTS:
                    self._admitted.popitem(last=False)
        return statement

    def _describe_query(self, canonical: str, tokens: rules.Tokens, query_class: str, entry: Entry) -> Statement:
        for rule in (*_RULES, self._check_background):
            rule(tokens)
        statement = describe(canonical, tokens, query_class, "query")
        if statement.output_format is not None:
            check_format(statement.output_format)
        owner_only = administrative_call(tokens, self._vocabulary)
        if entry.verdict is Verdict.ADMIN:
            owner_only = f"{entry.name} is for this service's owner only: {entry.because}."
        return replace(statement, marks=find_marks(tokens), touched=touched_tables(tokens), owner_only=owner_only)

    def _canonical(self, sql: str) -> tuple[str, Classification]:
        if len(sql) > MAX_TEXT:
            raise query_too_large()
        with self._connected:
            self._connected.wait_for(lambda: self._connection is not None, REOPENING_SECONDS)
            if self._connection is None:
                raise DatabaseError(159, "TIMEOUT_EXCEEDED", "The service is applying a change of access; try again.")
            canonical = _format(self._connection, sql)
            written, formatted = self._connection.classify(sql), self._connection.classify(canonical)
        if written != formatted or formatted.statements != 1 or formatted.query_class == "UNKNOWN":
            raise access_denied("This statement cannot be classified, so this service does not run it.")
        return canonical, formatted


_RULES: tuple[Callable[[rules.Tokens], None], ...] = (
    rules.check_destinations,
    rules.check_definer,
    rules.check_settings,
    check_engines,
    check_codecs,
    check_databases,
    check_stopping,
)


def _check_caller(statement: Statement, protected: Protected | None) -> None:
    if statement.owner_only is not None:
        raise access_denied(statement.owner_only)
    if protected is not None and any(protected(database, table) for database, table in statement.touched):
        raise access_denied(
            "A table in this statement has row policies, which it could get around: only this service's owner may "
            "run it."
        )


def _format(connection: Connection, sql: str) -> str:
    escaped = (
        sql.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")
    )
    try:
        printed = connection.query(
            "SELECT formatQuerySingleLine({sql:String})", output_format="TSVRaw", parameters={"sql": escaped}
        )
        return printed.data.decode().removesuffix("\n")
    except DatabaseError as error:
        message = error.public.split(_SCOPE, 1)[0]
        raise DatabaseError(error.number, error.name, message) from None
    except UnicodeError:  # of the statement, or of what an escape in it stands for
        raise syntax_error("The statement, or a string in it, is not valid UTF-8.") from None


def _is_apart(token: Token, following: Token) -> bool:
    return token.is_name and following.says("(") and following.start != token.end
