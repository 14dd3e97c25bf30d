"""Tables that a statement would take out of the reach of their row policies.

A policy belongs to a table's name. Whoever is subject to one must not read the rows under another name, or make them
pass: rename the table, take its parts, have a view fed by it (a policy does not apply to what a materialized view is
fed with), change the columns that the policy looks at, ask how many rows a condition would leave. ClickHouse lets
anybody do so who has the right to alter (or, for EXPLAIN, to read) the table; here, where tables have policies, only
the service's owner may.
"""

from collections.abc import Callable, Iterator, Sequence

from stronghouse.engine.boundary.statements import alter_commands
from stronghouse.engine.tokens import Kind, Token

Touched = tuple[str | None, str | None]
"""A database (None: whichever is current, or any) and a table (None: any)."""
Protected = Callable[[str | None, str | None], bool]
"""Whether a table has row policies; for None, whether any has that could be meant."""
ANY: Touched = (None, None)
HARMLESS_EXPLANATIONS = ("AST", "SYNTAX", "QUERY")
"""Explanations (QUERY is QUERY TREE) that look at no table's rows, nor at what indexes say of them."""
HARMLESS_COMMANDS = ("COMMENT", "REWRITE")
"""First words of commands of ALTER TABLE that evaluate nothing over the rows, and leave all of them as they were."""


def touched_tables(tokens: Sequence[Token]) -> tuple[Touched, ...]:
    """What of a statement must have no row policies, unless the service's owner asks for it."""
    return tuple(dict.fromkeys(_touched(tokens)))


def _touched(tokens: Sequence[Token]) -> Iterator[Touched]:
    first = tokens[0]
    if _explains_reading(tokens):
        yield ANY
    if first.says("RENAME", "EXCHANGE"):
        yield from _renamed(tokens)
    elif first.says("ALTER"):
        yield from _altered(tokens)
    elif first.says("DELETE", "UPDATE"):
        yield _name(tokens, 2 if first.says("DELETE") else 1)
    elif first.says("OPTIMIZE") and any(token.says("DEDUPLICATE") for token in tokens):
        yield _name(tokens, 2)
    elif first.says("UNDROP") and any(token.says("UUID") for token in tokens):
        yield ANY
    elif first.says("DROP") and tokens[1].says("INDEX"):
        yield _of_index(tokens)
    elif first.says("CREATE", "REPLACE"):
        yield from _created(tokens)


def _explains_reading(tokens: Sequence[Token]) -> bool:
    """Whether it tells how something would be read.

    That counts parts, granules and rows that a condition leaves, hidden ones too, of whatever the query reads; views
    can hide what that is. `viewExplain('EXPLAIN …', …)` is how an EXPLAIN in a subquery is printed.
    """
    if tokens[0].says("EXPLAIN") and not tokens[1].says(*HARMLESS_EXPLANATIONS):
        return True
    return any(
        token.is_name
        and token.text.lower() == "viewexplain"
        and tokens[place + 1].says("(")
        and tokens[place + 2].text.partition(" ")[2].partition(" ")[0] not in HARMLESS_EXPLANATIONS
        for place, token in enumerate(tokens[:-2])
    )


def _renamed(tokens: Sequence[Token]) -> Iterator[Touched]:
    database = tokens[1].says("DATABASE")
    for place, token in enumerate(tokens[:-1]):
        if place == 1 or token.says(",", "AND"):
            name = _name(tokens, place + 3 if tokens[place + 1].says("IF") else place + 1)
            yield (name[1], None) if database else name


def _altered(tokens: Sequence[Token]) -> Iterator[Touched]:
    if not tokens[1].says("TABLE"):
        return
    for command in alter_commands(tokens):
        if not command or not command[0].says(*HARMLESS_COMMANDS):
            yield _name(tokens, 2)
        for place, token in enumerate(command[:-1]):
            if token.says("FROM") or (token.says("TABLE") and command[place - 1].says("TO")):
                yield _name(command, place + 1)


def _created(tokens: Sequence[Token]) -> Iterator[Touched]:
    if any(token.says("INDEX") for token in tokens[1:3]):
        yield _of_index(tokens)
        return
    for place, token in enumerate(tokens[:-2]):
        if token.says("CLONE") and tokens[place + 1].says("AS"):
            yield _name(tokens, place + 2)
    if any(token.says("MATERIALIZED") for token in tokens[:4]):
        if any(token.says("IDENTIFIER") and tokens[place - 1].says(":") for place, token in enumerate(tokens)):
            yield ANY
        for place, token in enumerate(tokens):
            if token.is_name and not (place and tokens[place - 1].says(".")):
                yield _name(tokens, place)


def _of_index(tokens: Sequence[Token]) -> Touched:
    """The table of `CREATE [UNIQUE] INDEX [IF NOT EXISTS] name ON table` and `DROP INDEX [IF EXISTS] name ON table`."""
    name = 2 if tokens[1].says("INDEX") else 3
    if tokens[name].says("IF") and tokens[name + 1].says("NOT", "EXISTS"):
        name += 3 if tokens[name + 1].says("NOT") else 2
    return _name(tokens, name + 2)


def _name(tokens: Sequence[Token], place: int) -> Touched:
    """The table whose name begins at `place`: `table`, `database.table`; ANY for one that a parameter gives."""
    if place >= len(tokens) or not tokens[place].is_name:
        return ANY
    if place + 1 < len(tokens) and tokens[place + 1].says("."):
        second = tokens[place + 2] if place + 2 < len(tokens) else None
        if second is None or not second.is_name:
            return ANY
        return unquoted(tokens[place]), unquoted(second)
    return None, unquoted(tokens[place])


def unquoted(token: Token) -> str:
    """A name without the escapes of its quotes."""
    if token.kind is not Kind.QUOTED:
        return token.text
    return token.text.replace("\\`", "`").replace("``", "`").replace("\\\\", "\\")
