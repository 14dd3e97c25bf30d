"""Conditions of row policies: the tables in them are named with their databases.

A condition is kept as text and read anew for each query, in the reader's context: there a table's name without a
database is of the reader's current database, or of a table that came with the request (measured: external data called
as the table in the condition took its place).
"""

from collections.abc import Iterator, Sequence

from stronghouse.engine.boundary.background import in_functions, tables_after_in
from stronghouse.engine.boundary.calls import is_call
from stronghouse.engine.errors import access_denied
from stronghouse.engine.tokens import Kind, Token

ROWS_OF_NO_TABLE = frozenset(
    {"numbers", "numbers_mt", "zeros", "zeros_mt", "generate_series", "generateseries", "view"}
)
"""Table functions that read no table by name; a query within `view` is checked by itself."""
_AFTER_TABLES = ("WHERE", "PREWHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "SETTINGS")


def check_condition(tokens: Sequence[Token]) -> None:
    """Refuse a condition that means another table in another context. Raises 497."""
    names = [*tables_after_in(tokens), *_sources(tokens)]
    if in_functions(tokens) or not all(map(_is_fixed, names)):
        raise access_denied(
            "The tables in a row policy's condition have to be written with their databases, in this service."
        )


def _sources(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """What follows each FROM, each JOIN, and each comma between them."""
    for place, token in enumerate(tokens[:-1]):
        if token.says("FROM") and token.kind is Kind.WORD:
            yield tokens[place + 1 :]
            yield from _joined(tokens[place + 1 :])


def _joined(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """What else a FROM names, up to where its clause ends."""
    depth, arrays = 0, False
    for place, token in enumerate(tokens[:-1]):
        depth += token.says("(", "[", "{") - token.says(")", "]", "}")
        if depth < 0 or (depth == 0 and token.says(*_AFTER_TABLES)):
            return
        if depth == 0 and token.says("JOIN"):
            arrays = place > 0 and tokens[place - 1].says("ARRAY")
        if depth == 0 and not arrays and token.says(",", "JOIN"):
            yield tokens[place + 1 :]


def _is_fixed(tokens: Sequence[Token]) -> bool:
    if tokens[0].says("("):
        return True  # a query, whose own FROM is looked at
    if is_call(tokens, 0):
        return tokens[0].text.lower() in ROWS_OF_NO_TABLE
    _, dot, table = (*tokens[:3], None, None, None)[:3]
    return dot is not None and dot.says(".") and table is not None and table.is_name
