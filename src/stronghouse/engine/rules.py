"""What a statement may say, each rule over the tokens of its canonical form. A rule raises DatabaseError or returns.

In canonical form a function's name and its parenthesis touch, and keywords are in upper case: `f(x)`, but
`INSERT INTO f (x)`.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

from stronghouse.engine.configuration import DATABASE_ENGINES, TABLE_ENGINES
from stronghouse.engine.engine import Vocabulary
from stronghouse.engine.errors import DatabaseError, access_denied, not_implemented
from stronghouse.engine.settings import check_setting
from stronghouse.engine.tokens import Kind, Token

Tokens = Sequence[Token]
ONE_USER = (
    "This service has exactly one database user for now, its owner: users, roles and policies cannot be changed by SQL."
)

TABLE_FUNCTIONS = frozenset(
    {
        "dictionary",
        "format",
        "generaterandom",
        "generateseries",
        "generate_series",
        "loop",
        "merge",
        "mergetreeanalyzeindexes",
        "mergetreeindex",
        "mergetreeprojection",
        "null",
        "numbers",
        "numbers_mt",
        "primes",
        "sqlstandardvalues",
        "values",
        "view",
        "viewifpermitted",
        "zeros",
        "zeros_mt",
    }
)
"""Table functions that reach nothing but the service's own tables. All others that the engine has are refused."""
STRUCTURES = {"format": 1, "values": 0, "generaterandom": 0, "null": 0}
"""Table functions that take columns as text, and as which argument."""
FEWEST_ARGUMENTS = {"format": 3, "values": 2}
"""With fewer, there are no columns among their arguments."""
FUNCTIONS = frozenset({"file"})
"""Functions that reach files or the network; `ai…` are refused by their beginning."""
COLUMN_EXPRESSIONS = ("default", "materialized", "alias", "ephemeral")
"""What brings SQL into a list of columns that is given as text (measured: `format(JSONEachRow, 'a String, b String
DEFAULT file(\'/etc/hostname\')', …)` read the file)."""

SYSTEM = (
    "FLUSH LOGS",
    "FLUSH ASYNC INSERT QUEUE",
    "START MERGES",
    "STOP MERGES",
    "START TTL MERGES",
    "STOP TTL MERGES",
    "START MOVES",
    "STOP MOVES",
    "START VIEW",
    "STOP VIEW",
    "START VIEWS",
    "STOP VIEWS",
    "REFRESH VIEW",
    "CANCEL VIEW",
    "WAIT VIEW",
    "CLEAR",
    "DROP",
)
CACHES = ("MARK CACHE", "UNCOMPRESSED CACHE", "QUERY CACHE", "QUERY CONDITION CACHE", "PRIMARY INDEX CACHE")
ACCESS_OBJECTS = ("USER", "ROLE", "ROW", "POLICY", "QUOTA", "SETTINGS", "PROFILE", "MASKING")
READS = ("SELECT", "WITH", "(", "SHOW", "DESCRIBE", "EXPLAIN", "EXISTS", "CHECK")
CHANGES = ("INSERT", "RENAME", "EXCHANGE", "TRUNCATE", "OPTIMIZE", "DELETE", "UPDATE", "UNDROP", "KILL", "USE")


def check_verb(tokens: Tokens) -> None:
    """The statement is one of those that are known."""
    first = tokens[0]
    if any(token.says("PARALLEL") and following.says("WITH") for token, following in _pairs(tokens)):
        raise not_implemented("PARALLEL WITH is not supported: send the statements one by one.")
    if first.says("GRANT", "REVOKE", "EXECUTE") or (first.says("SET") and tokens[1].says("ROLE", "DEFAULT")):
        _check_role(tokens)
    elif first.says("CREATE", "DROP", "ALTER", "REPLACE"):
        _check_object(tokens)
    elif first.says("SYSTEM"):
        _check_system(tokens)
    elif first.says("KILL"):
        if not tokens[1].says("QUERY", "MUTATION"):
            raise not_implemented("Only queries and mutations can be killed.")
    elif not first.says("SET", *READS, *CHANGES):
        raise access_denied(f"{first.text.upper()} statements are not allowed in this service.")


def _check_role(tokens: Tokens) -> None:
    own = (
        tokens[0].says("SET")
        and tokens[1].says("ROLE")
        and tokens[2].says("DEFAULT", "ALL", "NONE")
        and tokens[2] is tokens[-1]
    )
    if not own:
        raise access_denied(ONE_USER)


def _check_object(tokens: Tokens) -> None:
    kinds = {
        "CREATE": ("TABLE", "VIEW", "MATERIALIZED", "DATABASE", "FUNCTION", "INDEX"),
        "DROP": ("TABLE", "VIEW", "DATABASE", "FUNCTION", "INDEX"),
        "ALTER": ("TABLE",),
        "REPLACE": ("TABLE",),
    }[tokens[0].text.upper()]
    place = 1
    while tokens[place].says("OR", "REPLACE", "TEMPORARY"):
        place += 1
    kind = tokens[place]
    if kind.says(*ACCESS_OBJECTS):
        raise access_denied(ONE_USER)
    if not kind.says(*kinds):
        raise access_denied(f"{tokens[0].text.upper()} {kind.text.upper()} is not allowed in this service.")
    if tokens[0].says("CREATE") and kind.says("FUNCTION"):
        _check_function(tokens[place + 1 :])


def _check_function(tokens: Tokens) -> None:
    """Only functions that are an expression: `CREATE FUNCTION [IF NOT EXISTS] name AS …`."""
    rest = tokens[3:] if tokens[0].says("IF") else tokens
    if not rest[1].says("AS"):
        raise access_denied("Only functions defined by an SQL expression can be created in this service.")


def _check_system(tokens: Tokens) -> None:
    words = " ".join(token.text.upper() for token in tokens[1:] if token.kind is Kind.WORD)
    for allowed in SYSTEM:
        if words == allowed or words.startswith(f"{allowed} "):
            rest = words.removeprefix(allowed).strip()
            if allowed not in {"CLEAR", "DROP"} or rest in CACHES:
                return
    raise access_denied("This SYSTEM statement is not allowed in this service.")


def check_destinations(tokens: Tokens) -> None:
    """Nothing goes to or comes from a file, a disk or a foreign directory by name."""
    first = tokens[0]
    for token, following in _pairs(tokens):
        if token.says("INTO") and following.says("OUTFILE"):
            raise access_denied("INTO OUTFILE is not allowed in this service: the result is the response.")
        if token.says("FROM") and following.says("INFILE"):
            raise access_denied("FROM INFILE is not allowed in this service: send the data in the request's body.")
        if first.says("INSERT") and token.says("INTO", "TABLE") and following.says("FUNCTION"):
            raise access_denied("INSERT INTO FUNCTION is not allowed in this service.")
        if first.says("ALTER") and token.says("FETCH"):
            raise access_denied("FETCH is not allowed in this service.")


def check_engines(tokens: Tokens) -> None:
    """Tables and databases are of the engines that keep their data encrypted or in memory."""
    if tokens[0].says(*READS, "INSERT"):
        return
    database = tokens[0].says("CREATE") and tokens[1].says("DATABASE")
    allowed = DATABASE_ENGINES if database else TABLE_ENGINES
    for place, token in enumerate(tokens[:-2]):
        # Upper case only: keywords are, and a column may be called `engine`.
        if token.kind is Kind.WORD and token.text == "ENGINE" and tokens[place + 1].says("="):
            name = tokens[place + 2]
            if not name.is_name or name.text not in allowed:
                raise access_denied(
                    f"{'Database' if database else 'Table'} engine {name.text} is not allowed in this service: "
                    f"use one of {', '.join(allowed)}."
                )


def check_definer(tokens: Tokens) -> None:
    """Nobody's rights but the caller's are named: everybody is the same user inside the engine."""
    if tokens[0].says(*READS):
        return
    for place, token in enumerate(tokens[:-2]):
        if token.says("DEFINER") and tokens[place + 1].says("="):
            raise access_denied("DEFINER is not allowed in this service: leave it out.")
        if token.says("SQL") and tokens[place + 1].says("SECURITY") and not tokens[place + 2].says("INVOKER"):
            raise access_denied("SQL SECURITY other than INVOKER is not allowed in this service.")


def check_functions(vocabulary: Vocabulary) -> Callable[[Tokens], None]:
    """A rule: no function reaches a file, the network or another process, called or handed over by name."""
    refused = (vocabulary.table_functions - TABLE_FUNCTIONS) | FUNCTIONS

    def check(tokens: Tokens) -> None:
        callers: list[str | None] = []
        for place, token in enumerate(tokens):
            after = tokens[place + 1] if place + 1 < len(tokens) else None
            if token.says("("):
                callers.append(_caller(tokens, place) or (callers[-1] if callers else None))
            elif token.says(")") and callers:
                callers.pop()
            elif token.is_name and after and after.says("(") and after.start == token.end:
                _check_call(token, refused)
                if token.text.lower() in STRUCTURES:
                    _check_columns(token.text.lower(), tokens[place + 2 :])
            elif token.is_name and (token.text in FUNCTIONS or _is_name_parameter(tokens, place)):
                _check_handed(tokens, place, callers[-1] if callers else None, vocabulary.higher_order)

    return check


def _caller(tokens: Tokens, place: int) -> str | None:
    """The function, in lower case, whose arguments the parenthesis at `place` opens; None for one that only groups."""
    before = tokens[place - 1] if place else None
    return before.text.lower() if before and before.is_name and before.end == tokens[place].start else None


def _is_name_parameter(tokens: Tokens, place: int) -> bool:
    """Whether this is the type of `{x:Identifier}`, whose value, a function's name perhaps, comes from elsewhere."""
    return tokens[place].says("IDENTIFIER") and place > 0 and tokens[place - 1].says(":")


def _check_handed(tokens: Tokens, place: int, caller: str | None, higher_order: frozenset[str]) -> None:
    """A function's name by itself is a column's name, unless it is an argument of something that calls it.

    Grouping parentheses change nothing: `arrayMap((file), …)` calls it too (measured).
    """
    before = place - 1
    if before >= 0 and tokens[before].says("."):
        return
    while before > 0 and tokens[before].says("("):
        before -= 1
    if caller in higher_order or caller == "apply" or (before >= 0 and tokens[before].says("APPLY")):
        raise _refused_function(tokens[place])


def _check_call(token: Token, refused: frozenset[str]) -> None:
    name = token.text.lower()
    if name == "input":
        raise not_implemented("The input table function is not supported: insert into a table with FORMAT.")
    if name in refused or token.text.startswith(("ai", "AI")):
        raise _refused_function(token)


def _refused_function(token: Token) -> DatabaseError:
    return access_denied(
        f"Function {token.text} is not allowed in this service: it reaches beyond the service's tables."
    )


def _check_columns(name: str, arguments: Tokens) -> None:
    """Columns given as text are one written-out string without expressions.

    `format(name, columns, data)`; for the others they come first, for `values` only before rows and only as a string.
    """
    parts = _arguments(arguments)
    if len(parts) < FEWEST_ARGUMENTS.get(name, 1) or not parts[0]:
        return
    columns = parts[STRUCTURES[name]]
    written_out = len(columns) == 1 and columns[0].kind is Kind.STRING
    if not written_out and (name != "values" or any(token.says("{") for token in columns)):
        raise access_denied(f"The columns of {name}() have to be written out as one string in this service.")
    if written_out and any(word in columns[0].text.lower() for word in COLUMN_EXPRESSIONS):
        raise access_denied(f"The columns of {name}() cannot have default expressions in this service.")


def _arguments(tokens: Tokens) -> list[list[Token]]:
    """The arguments of a call whose opening parenthesis is just before `tokens`."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.says("(", "[", "{") - token.says(")", "]", "}")
        if depth < 0:
            break
        if depth == 0 and token.says(","):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def check_settings(tokens: Tokens) -> None:
    """Every setting that is set anywhere in the statement may be set."""
    for name, value in _assignments(tokens):
        check_setting(name, value)


def _assignments(tokens: Tokens) -> Iterator[tuple[str, str | None]]:
    """Names and values after each SETTINGS and after SET. A name may come up that is none: then too much is refused."""
    inside = tokens[0].says("SET")
    depth = 0
    for place, token in enumerate(tokens[:-1]):
        if token.says("SETTINGS", "SETTING"):
            inside, depth = True, 0
        elif token.says("("):
            depth += 1
        elif token.says(")"):
            depth -= 1
            inside = inside and depth >= 0
        elif inside and depth == 0 and token.is_name:
            before = tokens[place - 1]
            if tokens[place + 1].says("="):
                yield token.text, _value(tokens[place + 2])
            elif before.says("SETTING", "SETTINGS", "RESET") or (before.says(",") and tokens[0].says("ALTER")):
                yield token.text, None


def _value(token: Token) -> str | None:
    """The text of a value; empty, which no setting with a list of values has, for what is no plain value."""
    if token.says("DEFAULT"):
        return None
    return token.text if token.kind in {Kind.STRING, Kind.NUMBER} else ""


def _pairs(tokens: Tokens) -> Iterator[tuple[Token, Token]]:
    return itertools.pairwise(tokens)
