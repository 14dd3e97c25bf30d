"""What a statement may say, each rule over the tokens of its canonical form. A rule raises DatabaseError or returns.

In canonical form a function's name and its parenthesis touch, and keywords are in upper case: `f(x)`, but
`INSERT INTO f (x)`. What names may stand in it is for the reviewed tables (`boundary`) to say; these rules are about
its form.
"""

import itertools
from collections.abc import Iterator, Sequence

from stronghouse.engine.errors import DatabaseError, access_denied, not_implemented
from stronghouse.engine.rewriting import OWN_DATABASE
from stronghouse.engine.settings import check_setting
from stronghouse.engine.tokens import Kind, Token, scan

Tokens = Sequence[Token]

MAX_TOKENS = 100_000
"""Most words, names, values and signs in a statement: reading so many takes a second, in which nothing else runs."""
READS = ("SELECT", "WITH", "(", "SHOW", "DESCRIBE", "EXPLAIN", "EXISTS", "CHECK")


def read_tokens(canonical: str) -> list[Token]:
    """The tokens of a statement; raises DatabaseError 229 for more than are looked at."""
    tokens = list(itertools.islice(scan(canonical), MAX_TOKENS + 1))
    if len(tokens) > MAX_TOKENS:
        raise DatabaseError(
            229,
            "QUERY_IS_TOO_LARGE",
            f"Query is too large: in this service a statement can have {MAX_TOKENS} words, values and signs.",
        )
    return tokens


def check_names(tokens: Tokens) -> None:
    """Nobody names the service's own database, in which its logs are."""
    if any(token.is_name and OWN_DATABASE in token.text for token in tokens):
        raise access_denied("This database belongs to the service: its logs are read as tables of `system`.")


def check_form(tokens: Tokens) -> str | None:
    """It is one statement for this service alone, and one that makes a function makes it of an expression.

    Returns the name of the function that it makes, if it makes one.
    """
    for token, following in _pairs(tokens):
        if token.says("PARALLEL") and following.says("WITH"):
            raise not_implemented("PARALLEL WITH is not supported: send the statements one by one.")
        if token.says("ON") and following.says("CLUSTER") and not tokens[0].says(*READS, "INSERT"):
            raise not_implemented("ON CLUSTER is not supported: a service is one server.")
    if tokens[0].says("CREATE"):
        place = next(place for place, token in enumerate(tokens) if not token.says("CREATE", "OR", "REPLACE"))
        if tokens[place].says("FUNCTION"):
            return _check_function(tokens[place + 1 :])
    return None


def _check_function(tokens: Tokens) -> str:
    """Only functions that are an expression: `CREATE FUNCTION [IF NOT EXISTS] name AS …`."""
    rest = tokens[3:] if tokens[0].says("IF") else tokens
    if not rest[1].says("AS"):
        raise access_denied("Only functions defined by an SQL expression can be created in this service.")
    return rest[0].text


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
    if first.says("ALTER", "CREATE", "REPLACE"):
        for before, token, following in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if before.says("TO") and token.says("DISK", "VOLUME") and following.kind is Kind.STRING:
                raise access_denied("Moving data to a disk or a volume is not allowed in this service: it has one.")


def check_definer(tokens: Tokens) -> None:
    """A view runs with its creator's rights or with its reader's, never with all rights.

    `DEFINER = name` is left to the rewriting, which knows who asks.
    """
    if tokens[0].says(*READS):
        return
    for place, token in enumerate(tokens[:-2]):
        if token.says("SQL") and tokens[place + 1].says("SECURITY") and tokens[place + 2].says("NONE"):
            raise access_denied("SQL SECURITY NONE is not allowed in this service.")


def check_settings(tokens: Tokens) -> None:
    """Every setting that is set anywhere in the statement may be set."""
    for name, value in assignments(tokens):
        check_setting(name, value)


def assignments(tokens: Tokens) -> Iterator[tuple[str, str | None]]:
    """Names and values after each SETTINGS, SETTING and SET; the value is None for DEFAULT and RESET.

    A flag may stand without a value: `SET use_query_cache`. A column's and a projection's settings are in parentheses.
    Keywords are in upper case, so that a column may be called `settings`.
    """
    for place, token in enumerate(tokens):
        begins = token.kind is Kind.WORD and token.text in {"SETTINGS", "SETTING"} and not tokens[0].says("SHOW")
        if begins or (place == 0 and token.says("SET")):
            resets = token.text == "SETTING" and tokens[place - 1].says("RESET")
            parenthesis = place + 1 < len(tokens) and tokens[place + 1].says("(")
            yield from _listed(tokens, place + 1 + parenthesis, resets=resets)


def _listed(tokens: Tokens, place: int, *, resets: bool) -> Iterator[tuple[str, str | None]]:
    """The list `name = value, name, name.of.parts = value` that begins at `place`."""
    while place < len(tokens) and tokens[place].is_name:
        name = tokens[place].text
        place += 1
        while place + 1 < len(tokens) and tokens[place].says("."):
            name = f"{name}.{tokens[place + 1].text}"
            place += 2
        value: str | None = None if resets else "1"
        if place + 1 < len(tokens) and tokens[place].says("="):
            value = _value(tokens[place + 1])
            place = _after_value(tokens, place + 1)
        yield name, value
        if place >= len(tokens) or not tokens[place].says(","):
            return
        place += 1


def _value(token: Token) -> str | None:
    """The text of a value; empty, which no setting with a list of values has, for what is no plain value."""
    if token.says("DEFAULT"):
        return None
    return token.text if token.kind in {Kind.STRING, Kind.NUMBER} else ""


def _after_value(tokens: Tokens, place: int) -> int:
    """Where a value ends: a sign and a word, a string or a number, or something in brackets, or a call."""
    while place < len(tokens) and tokens[place].says("-", "+"):
        place += 1
    if place < len(tokens) and not tokens[place].says("(", "[", "{"):
        place += 1
    depth = 0
    while place < len(tokens) and (depth or tokens[place].says("(", "[", "{")):
        depth += tokens[place].says("(", "[", "{") - tokens[place].says(")", "]", "}")
        place += 1
    return place


def _pairs(tokens: Tokens) -> Iterator[tuple[Token, Token]]:
    return itertools.pairwise(tokens)
