"""Expressions that the engine evaluates later, by itself: they may look at their own table's rows and nothing else.

Mutations, columns' defaults, TTLs, indices, projections and constraints run when parts are written and merged. The
engine does so as nobody: without grants, row policies or roles (measured: a mutation's `IN (SELECT …)` reads tables
that its author may not read, by way of a view that is changed between the statement and the mutation). So there are no
subqueries in them, no tables by name, and no SQL functions, whose text could hold either. What a SQL function says can
come to stand in any expression, so none of it is in there either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stronghouse.engine.boundary.calls import is_call
from stronghouse.engine.boundary.classification import Table, by_lower_case
from stronghouse.engine.boundary.statements import alter_commands
from stronghouse.engine.connection import Connection
from stronghouse.engine.errors import DatabaseError, access_denied
from stronghouse.engine.tokens import Kind, Token

Tokens = Sequence[Token]

IN_FUNCTIONS = frozenset(
    f"{scope}{operator}{ending}"
    for scope in ("", "global")
    for operator in ("in", "notin", "nullin", "notnullin")
    for ending in ("", "ignoreset")
)
"""Functions that take a table's name as their second argument, in lower case. The engine prints the operator as IN."""
WITH_PARENTHESES = frozenset({"codec", "statistics", "columns", "except", "replace", "apply", "any", "all", "settings"})
"""Words of SQL that canonical text may have a parenthesis after, at once."""
INDEX_TYPES = frozenset(
    {"minmax", "set", "bloom_filter", "ngrambf_v1", "tokenbf_v1", "sparse_grams", "text", "vector_similarity"}
)
_AFTER_COLUMNS = ("ENGINE", "AS", "ORDER", "PARTITION", "PRIMARY", "SAMPLE", "TTL", "SETTINGS", "INDEX")
_LATER = "because the engine evaluates it later, without anybody's rights"


@dataclass(frozen=True)
class BuiltIns:
    """What is no SQL function although a parenthesis follows, in lower case.

    Attributes:
        names: functions, types, engines and codecs by their whole names.
        combinators: what the names of aggregate functions can end with.
    """

    names: frozenset[str]
    combinators: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether `name` is one of them, or one with combinators."""
        rest = name.lower()
        while rest not in self.names:
            ending = next((ending for ending in self.combinators if rest.endswith(ending)), None)
            if ending is None:
                return False
            rest = rest.removesuffix(ending)
        return True


def read_built_ins(connection: Connection) -> BuiltIns:
    """The built-ins of the engine behind `connection`. Functions and engines are those of the reviewed tables."""
    types = connection.value("SELECT lower(name) FROM system.data_type_families").split("\n")
    combinators = connection.value("SELECT lower(name) FROM system.aggregate_function_combinators").split("\n")
    reviewed = (Table.FUNCTIONS, Table.TABLE_FUNCTIONS, Table.TABLE_ENGINES, Table.CODECS)
    names = {name for table in reviewed for name in by_lower_case(table)}
    # A type's name can have several words: NATIONAL CHARACTER VARYING(10).
    names |= {word for name in types for word in (name, name.split()[-1])}
    return BuiltIns(frozenset(names | INDEX_TYPES | WITH_PARENTHESES), tuple(filter(None, combinators)))


def check_background(built_ins: BuiltIns) -> Callable[[Tokens], None]:
    """A rule: what the engine evaluates later reads no table but its own, whoever asks for it. Raises 497, or 609."""

    def check(tokens: Tokens) -> None:
        first = tokens[0]
        if first.says("CREATE") and _is_function(tokens):
            _check_function(tokens, built_ins)
        elif first.says("CREATE", "REPLACE"):
            _check(_before_query(tokens), built_ins)
        elif first.says("ALTER") and tokens[1].says("TABLE"):
            for command in alter_commands(tokens):
                if not (command[0].says("MODIFY") and command[1].says("QUERY")):
                    _check(command, built_ins)
        elif first.says("DELETE", "UPDATE"):
            _check(tokens, built_ins)

    return check


def tables_after_in(tokens: Tokens) -> list[Tokens]:
    """What stands on the right of each IN and may be a table's name: `name`, `database.name`, a parameter, a call.

    The engine puts parentheses around every right side that is not a call (measured).
    """
    found: list[Tokens] = []
    for place, token in enumerate(tokens[:-1]):
        if not (token.kind is Kind.WORD and token.text == "IN") or tokens[place + 1].says("PARTITION"):
            continue
        following = tokens[place + 1 :]
        inner = _within(following) if following[0].says("(") else following
        if _may_be_table(inner):
            found.append(inner)
    return found


def in_functions(tokens: Tokens) -> list[Token]:
    """The names of IN's functions, called or handed over."""
    return [
        token
        for token in tokens
        if token.kind is Kind.WORD and token.text != "IN" and token.text.lower() in IN_FUNCTIONS
    ]


def _check_function(tokens: Tokens, built_ins: BuiltIns) -> None:
    place = next(place for place, token in enumerate(tokens) if token.says("FUNCTION")) + 1
    name = tokens[place + 3] if tokens[place].says("IF") else tokens[place]
    if built_ins.has(name.text):
        raise DatabaseError(609, "FUNCTION_ALREADY_EXISTS", f"The function '{name.text}' already exists")
    what = "a SQL function of this service, because a function can come to be where the engine evaluates it later"
    _check_tables(tokens[place + 1 :], what)


def _check(tokens: Tokens, built_ins: BuiltIns) -> None:
    projections = _projections(tokens)
    plain = [token for place, token in enumerate(tokens) if place not in projections]
    what = f"mutations, columns, TTLs, indices, projections and constraints of this service, {_LATER}"
    _check_tables(plain, what)
    for place, token in enumerate(tokens):
        if is_call(tokens, place) and not built_ins.has(token.text):
            raise access_denied(f"{token.text}(), which is no function of ClickHouse itself, is not allowed in {what}.")


def _check_tables(tokens: Tokens, what: str) -> None:
    if any(token.says("SELECT") for token in tokens):
        raise access_denied(f"A subquery is not allowed in {what}.")
    if tables_after_in(tokens) or in_functions(tokens):
        raise access_denied(f"IN with anything but values is not allowed in {what}.")


def _projections(tokens: Tokens) -> set[int]:
    """The places of the one SELECT each in `PROJECTION name ([WITH …] SELECT …)`, which is of the projection itself.

    They are told by where they stand, at the beginning of a command or of an item among the columns: an expression can
    have a column called PROJECTION.
    """
    if tokens[0].says("ADD", "MODIFY"):
        starts = [1] if tokens[1].says("PROJECTION") else []
    elif tokens[0].says("CREATE") or (tokens[0].says("REPLACE") and tokens[1].says("TABLE")):
        starts = [place for place in _items(tokens) if tokens[place].text == "PROJECTION"]
    else:
        starts = []
    found = set()
    for start in starts:
        opening = start + (5 if tokens[start + 1].says("IF") and tokens[start + 2].says("NOT") else 2)
        if tokens[opening].says("("):
            first = next((token for token in _top_level(tokens[opening + 1 :]) if token.says("SELECT")), None)
            found |= {place for place, token in enumerate(tokens) if token is first}
    return found


def _items(tokens: Tokens) -> list[int]:
    """Where the items of a CREATE's list of columns begin."""
    begin = next((place for place, token in enumerate(tokens) if token.says("(")), len(tokens))
    if any(token.says(*_AFTER_COLUMNS) for token in tokens[:begin]):
        return []
    depth, found = 0, []
    for place in range(begin, len(tokens) - 1):
        depth += tokens[place].says("(", "[", "{") - tokens[place].says(")", "]", "}")
        if depth == 0:
            break
        if depth == 1 and tokens[place].says("(", ","):
            found.append(place + 1)
    return found


def _is_function(tokens: Tokens) -> bool:
    return next(token for token in tokens if not token.says("CREATE", "OR", "REPLACE")).says("FUNCTION")


def _before_query(tokens: Tokens) -> Tokens:
    """A CREATE without the query that it takes its rows from: that runs at once, or as a view's definer or reader."""
    depth = 0
    for place, token in enumerate(tokens[:-1]):
        depth += token.says("(") - token.says(")")
        if depth == 0 and token.says("AS") and tokens[place + 1].says("SELECT", "WITH", "("):
            return tokens[:place]
    return tokens


def _within(tokens: Tokens) -> Tokens:
    """What is in the parenthesis that `tokens` begin with."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += token.says("(") - token.says(")")
        if depth == 0:
            return tokens[1:place]
    return tokens[1:]


def _may_be_table(tokens: Tokens) -> bool:
    """Whether it is a name, or something that can become one. A subquery is none."""
    if not tokens or tokens[0].says("SELECT", "WITH"):
        return False
    if tokens[0].says("{"):
        return any(token.says("IDENTIFIER") for token in tokens[:4])
    if not tokens[0].is_name:
        return tokens[0].says("(") and _may_be_table(_within(tokens))
    if is_call(tokens, 0):
        name = tokens[0].text.lower()
        return name in by_lower_case(Table.TABLE_FUNCTIONS) and name not in by_lower_case(Table.FUNCTIONS)
    if tokens[0].kind is Kind.WORD and tokens[0].text in {"NULL", "true", "false"}:
        return False
    return not any(token.says(",") for token in _top_level(tokens))


def _top_level(tokens: Tokens) -> list[Token]:
    depth, found = 0, []
    for token in tokens:
        depth += token.says("(", "[", "{") - token.says(")", "]", "}")
        if depth < 0:
            break
        if depth == 0:
            found.append(token)
    return found
