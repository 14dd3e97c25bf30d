"""Deciding whether a statement may run. It runs in the canonical form that was checked, never as it was written.

The engine prints back what it parsed: one statement, no comments, keywords in upper case, names and strings in one
notation. The rules read that form, and that form is what runs, so what was checked and what runs cannot differ.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stronghouse.engine import rules
from stronghouse.engine.connection import Classification, Connection
from stronghouse.engine.engine import Engine
from stronghouse.engine.errors import DatabaseError, access_denied, query_too_large, syntax_error
from stronghouse.engine.tokens import Kind, Token, split

MAX_TEXT = 4 << 20
"""Longest statement in characters that is looked at; `max_query_size` (256 KiB unless set) is the engine's limit."""
CACHED_TEXT = 8 << 10
CACHED_STATEMENTS = 1024
_SCOPE = ": In scope SELECT formatQuerySingleLine("


@dataclass(frozen=True)
class Statement:
    """An admitted statement.

    Attributes:
        text: its canonical form, without the FORMAT clause of an INSERT.
        verb: its first word.
        query_class: what it does, by the engine (READ_ONLY, MUTATING, MUTATING_GLOBAL, CONTROL).
        output_format: the format that it names, for its result or for an INSERT's data.
        tail: where in `text` INTO OUTFILE belongs.
        takes_data: whether it is an INSERT whose data follow.
        names_by_parameter: whether a query parameter stands for an identifier.
        target: of an INSERT, the name of its table if it stands there without a database.
        killed: for `KILL QUERY WHERE query_id = '…'`, that id in SQL's notation.
    """

    text: str
    verb: str
    query_class: str
    output_format: str | None
    tail: int
    takes_data: bool
    names_by_parameter: bool
    target: str | None
    killed: str | None

    @property
    def selects(self) -> bool:
        """Whether it is a query whose result can be long."""
        return self.query_class == "READ_ONLY" and self.verb in {"SELECT", "WITH", "("}


class Admission:
    """Admits statements for one engine. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        vocabulary = engine.vocabulary()
        self._refused_names = rules.FUNCTIONS
        self._rules: tuple[Callable[[rules.Tokens], None], ...] = (
            rules.check_verb,
            rules.check_destinations,
            rules.check_engines,
            rules.check_definer,
            rules.check_functions(vocabulary),
            rules.check_settings,
        )
        self._vocabulary = vocabulary
        self._connection = engine.connect()
        self._connection.query(f"SET max_query_size = {2 * MAX_TEXT}")
        self._lock = threading.Lock()
        self._admitted: OrderedDict[str, Statement] = OrderedDict()

    def admit(self, sql: str, *, parameters: Mapping[str, str] | None = None) -> Statement:
        """The statement that `sql` is, ready to run.

        Raises:
            DatabaseError: it is no statement, or not one that may run.
        """
        statement = self._known(sql) or self._examine(sql)
        for value in (parameters or {}).values():
            # A parameter that stands for a name can stand for a function's: arrayMap({f:Identifier}, …).
            if statement.names_by_parameter and ("\\" in value or value in self._refused_names):
                raise access_denied("This name cannot be given by a query parameter in this service.")
        return statement

    def expressions_allowed(self, data: str) -> bool:
        """Whether the text after VALUES may be evaluated: it holds no subquery and no function that is refused."""
        try:
            tokens = split(data, comments=False)
            rules.check_functions(self._vocabulary)([Token(Kind.WORD, "INSERTED", 0, 0), *tokens])
        except DatabaseError:
            return False
        risky = {"SELECT", "WITH", "SETTINGS", "FROM", *(name.upper() for name in self._refused_names)}
        return not any(token.is_name and (token.text.upper() in risky or "\\" in token.text) for token in tokens)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _known(self, sql: str) -> Statement | None:
        with self._lock:
            statement = self._admitted.get(sql)
            if statement is not None:
                self._admitted.move_to_end(sql)
            return statement

    def _examine(self, sql: str) -> Statement:
        canonical, classification = self._canonical(sql)
        tokens = split(canonical)
        if not tokens:
            raise syntax_error("Empty query")
        try:
            for rule in self._rules:
                rule(tokens)
            statement = _describe(canonical, tokens, classification.query_class)
        except IndexError:  # a form that a rule does not expect
            raise access_denied("This statement cannot be classified, so this service does not run it.") from None
        if len(sql) <= CACHED_TEXT:
            with self._lock:
                self._admitted[sql] = statement
                while len(self._admitted) > CACHED_STATEMENTS:
                    self._admitted.popitem(last=False)
        return statement

    def _canonical(self, sql: str) -> tuple[str, Classification]:
        if len(sql) > MAX_TEXT:
            raise query_too_large()
        with self._lock:
            canonical = _format(self._connection, sql)
            written, formatted = self._connection.classify(sql), self._connection.classify(canonical)
        if written != formatted or formatted.statements != 1 or formatted.query_class == "UNKNOWN":
            raise access_denied("This statement cannot be classified, so this service does not run it.")
        return canonical, formatted


def _format(connection: Connection, sql: str) -> str:
    escaped = (
        sql.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")
    )
    try:
        return connection.value("SELECT formatQuerySingleLine({sql:String})", parameters={"sql": escaped})
    except DatabaseError as error:
        message = error.public.split(_SCOPE, 1)[0]
        raise DatabaseError(error.number, error.name, message) from None
    except UnicodeEncodeError:
        raise syntax_error("The statement is not valid UTF-8.") from None


def _describe(canonical: str, tokens: rules.Tokens, query_class: str) -> Statement:
    verb = tokens[0].text.upper()
    clause = _format_clause(tokens)
    takes_data = verb == "INSERT" and not any(token.says("SELECT", "INFILE") for token in tokens)
    tail = tokens[clause].start if clause is not None else len(canonical)
    return Statement(
        text=canonical[:tail].rstrip() if takes_data else canonical,
        verb=verb,
        query_class=query_class,
        output_format=tokens[clause + 1].text if clause is not None else None,
        tail=tail,
        takes_data=takes_data,
        names_by_parameter=any(
            token.says("IDENTIFIER") and tokens[place - 1].says(":") for place, token in enumerate(tokens)
        ),
        target=_target(tokens) if verb == "INSERT" else None,
        killed=_killed(tokens),
    )


def _target(tokens: rules.Tokens) -> str | None:
    """The table's name in `INSERT INTO name …`."""
    return tokens[2].text if tokens[2].is_name and not tokens[3].says(".") else None


def _format_clause(tokens: rules.Tokens) -> int | None:
    """The place of FORMAT where it begins the clause at the statement's end: `FORMAT name [SETTINGS …]`."""
    for place in range(len(tokens) - 2, 0, -1):
        token, name = tokens[place], tokens[place + 1]
        if token.says("FORMAT") and name.is_name and not name.says("ASC", "DESC"):
            rest = tokens[place + 2 :]
            return place if not rest or rest[0].says("SETTINGS") else None
    return None


def _killed(tokens: rules.Tokens) -> str | None:
    """The id in `KILL QUERY WHERE query_id = '…' [SYNC|ASYNC]`, in SQL's notation."""
    words = [token.text for token in tokens]
    if words[:5] != ["KILL", "QUERY", "WHERE", "query_id", "="] or tokens[5].kind is not Kind.STRING:
        return None
    return words[5] if words[6:] in ([], ["SYNC"], ["ASYNC"]) else None
