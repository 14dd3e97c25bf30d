"""Functions and table functions: which may be called or handed over, and what text among their arguments may hold.

Several functions take text that the engine reads as SQL when it runs them; a check of the statement does not see into
it. Measured: the columns' DEFAULT in `format`, `values`, `generateRandom`, `structureToProtobufSchema` and
`structureToCapnProtoSchema`, and the parameters of an aggregate function named by text all ran `file('…')`.
"""

import re
from collections.abc import Callable, Sequence

from stronghouse.engine.boundary.storage import check_format
from stronghouse.engine.boundary.vocabulary import Vocabulary
from stronghouse.engine.errors import DatabaseError, access_denied, not_implemented
from stronghouse.engine.tokens import Kind, Token

Tokens = Sequence[Token]

STRUCTURES = {
    "format": 1,
    "values": 0,
    "generaterandom": 0,
    "null": 0,
    "structuretoprotobufschema": 0,
    "structuretocapnprotoschema": 0,
}
"""What takes columns as text, and as which argument."""
FEWEST_ARGUMENTS = {"format": 3, "values": 2}
"""With fewer, there are no columns among their arguments."""
COLUMN_EXPRESSIONS = ("default", "materialized", "alias", "ephemeral")
AGGREGATES = frozenset({"arrayreduce", "arrayreduceinranges", "initializeaggregation"})
"""What takes the name of an aggregate function, with its parameters, as text."""
FORMATS = frozenset({"formatrow", "formatrownonewline", "groupformat"})
"""What takes a format's name as its first argument. The table function `format` does too, but not the function."""
_EXPLAIN = re.compile(r"[A-Za-z0-9_ =,]*", re.ASCII)
_AGGREGATE = re.compile(r"(\w+)(?:\([^()\[\]{}`\"]*\))?", re.ASCII)


def check_calls(vocabulary: Vocabulary) -> Callable[[Tokens], None]:
    """A rule: no refused function is called, or handed over by name to something that calls it."""

    def check(tokens: Tokens) -> None:
        callers: list[str | None] = []
        for place, token in enumerate(tokens):
            if token.says("("):
                callers.append(_caller(tokens, place) or (callers[-1] if callers else None))
            elif token.says(")") and callers:
                callers.pop()
            elif is_call(tokens, place):
                _check_name(token, vocabulary)
                _check_text(token.text.lower(), arguments(tokens[place + 2 :]), vocabulary)
            elif token.is_name and (token.text.lower() in vocabulary.handed or _is_parameter(tokens, place)):
                _check_handed(tokens, place, callers[-1] if callers else None, vocabulary)

    return check


def administrative_call(tokens: Tokens, vocabulary: Vocabulary) -> str | None:
    """Why the statement is for the owner only, if a function in it is."""
    for place, token in enumerate(tokens):
        if token.is_name and token.text.lower() in vocabulary.administrative and is_call(tokens, place):
            return (
                f"Function {token.text} is for this service's owner only: "
                f"{vocabulary.administrative[token.text.lower()]}."
            )
    return None


def is_call(tokens: Tokens, place: int) -> bool:
    """Whether a name is followed at once by its arguments, as canonical text has it for calls alone."""
    token = tokens[place]
    if not token.is_name or place + 1 == len(tokens):
        return False
    return tokens[place + 1].says("(") and tokens[place + 1].start == token.end


def arguments(tokens: Tokens) -> list[list[Token]]:
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


def _caller(tokens: Tokens, place: int) -> str | None:
    """The function, in lower case, whose arguments the parenthesis at `place` opens; None for one that only groups."""
    return tokens[place - 1].text.lower() if place and is_call(tokens, place - 1) else None


def _is_parameter(tokens: Tokens, place: int) -> bool:
    """Whether this is the type of `{x:Identifier}`, whose value, a function's name perhaps, comes from elsewhere."""
    return tokens[place].says("IDENTIFIER") and place > 0 and tokens[place - 1].says(":")


def _check_handed(tokens: Tokens, place: int, caller: str | None, vocabulary: Vocabulary) -> None:
    """A function's name by itself is a column's name, unless it is an argument of something that calls it.

    Grouping parentheses change nothing: `arrayMap((file), …)` calls it too (measured).
    """
    before = place - 1
    if before >= 0 and tokens[before].says("."):
        return
    while before > 0 and tokens[before].says("("):
        before -= 1
    applied = before >= 0 and tokens[before].says("APPLY")
    if caller in vocabulary.higher_order or caller == "apply" or applied:
        raise _refused(tokens[place].text, "it reaches beyond the service's tables")


def _check_name(token: Token, vocabulary: Vocabulary) -> None:
    name = token.text.lower()
    if name == "input":
        raise not_implemented("The input table function is not supported: insert into a table with FORMAT.")
    _check_known(token.text, vocabulary)


def _check_known(name: str, vocabulary: Vocabulary) -> None:
    reason = vocabulary.refused.get(name.lower())
    if reason is None and name.lower().startswith(("flamegraph", "aggthrow")):  # with a combinator: flameGraphIf
        reason = vocabulary.refused.get("flamegraph")
    if reason is not None:
        raise _refused(name, reason)


def _refused(name: str, reason: str) -> DatabaseError:
    return access_denied(f"Function {name} is not allowed in this service: {reason}.")


def _check_text(name: str, given: list[list[Token]], vocabulary: Vocabulary) -> None:
    first = given[0]
    written_out = first[0].text if len(first) == 1 and first[0].kind is Kind.STRING else None
    if name == "format" and written_out is not None and "{" in written_out:
        return  # the function `format('{} {}', …)`, not the table function: no format's name has a brace
    if name in STRUCTURES:
        _check_columns(name, given)
    if name in AGGREGATES:
        _check_aggregate(name, written_out, vocabulary)
    elif name in FORMATS:
        _check_row_format(name, written_out)
    elif name == "viewexplain":
        _check_explain(given)
    elif name == "format" and len(first) == 1 and (first[0].is_name or written_out):
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


def _check_columns(name: str, given: list[list[Token]]) -> None:
    """Columns given as text are one written-out string without expressions.

    `format(name, columns, data)`; for the others they come first, for `values` only before rows and only as a string.
    """
    if len(given) < FEWEST_ARGUMENTS.get(name, 1) or not given[0]:
        return
    columns = given[STRUCTURES[name]]
    written_out = len(columns) == 1 and columns[0].kind is Kind.STRING
    if not written_out and (name != "values" or any(token.says("{") for token in columns)):
        raise access_denied(f"The columns of {name}() have to be written out as one string in this service.")
    if written_out and any(word in columns[0].text.lower() for word in COLUMN_EXPRESSIONS):
        raise access_denied(f"The columns of {name}() cannot have default expressions in this service.")


def _check_aggregate(name: str, text: str | None, vocabulary: Vocabulary) -> None:
    """An aggregate function's name is one written-out string, whose parameters call nothing."""
    match = _AGGREGATE.fullmatch(text.replace("\\'", "'")) if text is not None else None
    if match is None:
        raise access_denied(
            f"The function's name in {name}() has to be written out as a string, "
            "with plain values for parameters, in this service."
        )
    _check_known(match[1], vocabulary)
