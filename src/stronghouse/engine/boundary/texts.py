"""Text among a function's arguments that the engine reads as SQL when it runs the function.

A check of the statement does not see into such text, and text that is computed is not there to be seen. Measured: the
columns' DEFAULT in `format`, `values`, `generateRandom`, `structureToProtobufSchema` and `structureToCapnProtoSchema`,
and the parameters of an aggregate function named by text all ran `file('…')`. `values` took its columns also from an
alias, from an expression in parentheses and from a function made by SQL.

Invariant: such text stands in the statement as one string, and holds no call that the statement itself could not make.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from stronghouse.engine.boundary.storage import check_format
from stronghouse.engine.errors import DatabaseError, access_denied
from stronghouse.engine.tokens import Kind, Token, split

Tokens = Sequence[Token]

STRUCTURES = {
    "format": 1,
    "values": 0,
    "sqlstandardvalues": 0,
    "generaterandom": 0,
    "null": 0,
    "structuretoprotobufschema": 0,
    "structuretocapnprotoschema": 0,
}
"""What takes columns as text, and as which argument."""
ROWS = frozenset({"values", "sqlstandardvalues"})
"""Those that take rows too, of which the first stands where the columns would."""
FEWEST_ARGUMENTS = {"format": 3, "values": 2, "sqlstandardvalues": 2}
"""With fewer, there are no columns among their arguments."""
COLUMN_EXPRESSIONS = ("default", "materialized", "alias", "ephemeral")
AGGREGATES = frozenset({"arrayreduce", "arrayreduceinranges", "initializeaggregation"})
"""What takes the name of an aggregate function, with its parameters, as text."""
FORMATS = frozenset({"formatrow", "formatrownonewline", "groupformat"})
"""What takes a format's name as its first argument. The table function `format` does too, but not the function."""
EXPLAINS = frozenset({"viewexplain"})
READERS = frozenset({*STRUCTURES, *AGGREGATES, *FORMATS, *EXPLAINS})
"""All that read text."""
HANDED = frozenset({"structuretoprotobufschema", "structuretocapnprotoschema", *AGGREGATES, *FORMATS})
"""Those that are functions, and so can be handed to another by name: their text would be data."""
NEVER_TEXT = frozenset(
    {
        *("tuple", "array", "map", "now", "today", "todate", "todate32", "todatetime", "todatetime64", "touuid"),
        *(f"to{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64, 128, 256)),
        *("tofloat32", "tofloat64", "todecimal32", "todecimal64", "todecimal128", "todecimal256"),
    }
)
"""Functions whose result cannot be columns: rows of `values` may begin with a call of one."""
MOST_ARGUMENTS = 3
"""How many arguments a rule here looks at."""
_EXPLAIN = re.compile(r"[A-Za-z0-9_ =,]*", re.ASCII)
_AGGREGATE = re.compile(r"(\w+)(?:\([^()\[\]{}`\"]*\))?", re.ASCII)
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)


def arguments(tokens: Tokens, place: int) -> list[list[Token]]:
    """The first arguments of a call whose opening parenthesis is just before `place`."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for index in range(place, len(tokens)):
        token = tokens[index]
        depth += token.says("(", "[", "{") - token.says(")", "]", "}")
        if depth < 0:
            break
        if depth == 0 and token.says(","):
            if len(parts) == MOST_ARGUMENTS:
                break
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def touching(tokens: Tokens) -> list[Token]:
    """The same tokens without room between them, so that `f (x)` is seen as the call that it is."""
    return [replace(token, start=place, end=place + 1) for place, token in enumerate(tokens)]


def check_text(
    name: str, given: list[list[Token]], check: Callable[[Tokens], None], known: Callable[[str], None]
) -> None:
    """Refuse text that could hold SQL.

    Args:
        name: one of READERS, or `groupformat` with a combinator.
        given: its arguments.
        check: raises for tokens with a call that is refused.
        known: raises for a function's name that is refused.

    Raises:
        DatabaseError: 497, or 73 for a format that is none.
    """
    first = given[0]
    written_out = first[0].text if len(first) == 1 and first[0].kind is Kind.STRING else None
    if name == "format":
        if written_out is not None and "{" in written_out:
            return  # the function `format('{} {}', …)`, not the table function: no format's name has a brace
        _check_format(first)
    if name in STRUCTURES:
        _check_columns(name, given, check)
    elif name in AGGREGATES:
        _check_aggregate(name, written_out, known)
    elif name in EXPLAINS:
        _check_explain(given)
    else:
        _check_row_format(name, written_out)


def _check_format(first: list[Token]) -> None:
    if len(first) != 1 or first[0].kind is Kind.SIGN:
        raise access_denied("The first argument of format() has to be written out in this service.")
    if first[0].kind is not Kind.NUMBER:  # of which the engine says itself that it is neither format nor pattern
        check_format(first[0].text)


def _check_row_format(name: str, written_out: str | None) -> None:
    if written_out is None:
        raise access_denied(f"The format in {name}() has to be written out as a string in this service.")
    check_format(written_out)


def _check_explain(given: list[list[Token]]) -> None:
    """`viewExplain('EXPLAIN', 'option = 1', (SELECT …))` is how `SELECT … FROM (EXPLAIN …)` is printed."""
    words = given[:2]
    for part in words:
        if len(part) != 1 or part[0].kind is not Kind.STRING or not _EXPLAIN.fullmatch(part[0].text):
            raise access_denied("The options of viewExplain() have to be written out, and plain, in this service.")


def _check_columns(name: str, given: list[list[Token]], check: Callable[[Tokens], None]) -> None:
    """Columns given as text are one written-out string without expressions.

    `format(name, columns, data)`; for the others they come first, for `values` only before rows and only as a string.
    """
    if len(given) < FEWEST_ARGUMENTS.get(name, 1) or not given[0]:
        return
    columns = given[STRUCTURES[name]]
    if len(columns) != 1 or columns[0].kind is not Kind.STRING:
        if name in ROWS and _is_row(columns):
            return
        raise access_denied(
            f"The columns of {name}() have to be written out as one string in this service"
            f"{', and its first row as a number, a tuple or an array' if name in ROWS else ''}."
        )
    text = _ESCAPE.sub(lambda match: match[1] or "'", columns[0].text)
    if any(word in text.lower() for word in COLUMN_EXPRESSIONS):
        raise access_denied(f"The columns of {name}() cannot have default expressions in this service.")
    try:
        check(touching(split(text)))
    except DatabaseError:
        raise access_denied(f"The columns of {name}() have to be plain names and types in this service.") from None


def _is_row(tokens: list[Token]) -> bool:
    """Whether this can never be a string: a number, NULL, a truth value, or a whole tuple, array or call."""
    signed = tokens[1:] if tokens[0].says("-") else tokens
    if len(signed) == 1:
        return signed[0].kind is Kind.NUMBER or (signed is tokens and signed[0].says("NULL", "TRUE", "FALSE"))
    opening = tokens[0].is_name and tokens[0].text.lower() in NEVER_TEXT
    inside = tokens[opening:]
    if not inside[0].says("(") if opening else not inside[0].says("(", "["):
        return False
    depth = commas = 0
    for place, token in enumerate(inside):
        depth += token.says("(", "[", "{") - token.says(")", "]", "}")
        commas += depth == 1 and token.says(",")
        if depth == 0 and place + 1 < len(inside):
            return False  # something follows: an operator, an alias, an index
    return bool(opening or inside[0].says("[") or commas)


def _check_aggregate(name: str, text: str | None, known: Callable[[str], None]) -> None:
    """An aggregate function's name is one written-out string, whose parameters call nothing."""
    match = _AGGREGATE.fullmatch(text.replace("\\'", "'")) if text is not None else None
    if match is None or match[1].lower().startswith("groupformat"):
        raise access_denied(
            f"The function's name in {name}() has to be written out as a string, "
            "with plain values for parameters, in this service."
        )
    known(match[1])
