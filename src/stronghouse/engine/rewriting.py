"""Putting the real user's name where a statement asks for it.

Inside the engine everybody is the same user, and roles have names of the engine's own. So `currentUser()` and its
like become literals before a plain statement runs, and `system.processes` becomes the service's own list. A literal
carries the replaced call as its alias, so that columns keep the names that they have in ClickHouse: measured, even for
columns made of expressions around the call.

A statement is examined once and run by many, so what is kept is a template: `Mark`s say where what goes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from stronghouse.engine.boundary.calls import is_call
from stronghouse.engine.errors import access_denied, not_implemented
from stronghouse.engine.sql import text as literal
from stronghouse.engine.tokens import Kind, Token

OWN_DATABASE = "_stronghouse"
"""The database of the service's own tables, which no statement of a user's names."""
PROCESSES = f"{OWN_DATABASE}.processes"
"""The service's list of running queries, which takes the place of the engine's."""
USER = frozenset({"currentuser", "user", "current_user", "session_user", "authuser", "authenticateduser"})
ROLES = {"currentroles": "current", "enabledroles": "enabled", "defaultroles": "default"}
IDENTITIES = USER | frozenset(ROLES)
"""All functions that are answered here, in lower case."""
_BARE = ("CURRENT_USER", "SESSION_USER", "CURRENTUSER")
"""Names that the engine takes for the function where no column has them."""
_QUERIES = ("SELECT", "WITH", "(", "INSERT", "EXPLAIN", "DESCRIBE", "KILL")
_CONDITIONS = ("DELETE", "UPDATE")
_VIEWS = ("CREATE", "REPLACE", "ALTER")


class Place(Enum):
    """What a mark stands for."""

    USER = auto()
    CURRENT_ROLES = auto()
    ENABLED_ROLES = auto()
    DEFAULT_ROLES = auto()
    DEFINER = auto()
    FIXED = auto()


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of the statement's text that is replaced.

    Attributes:
        start, end: where it is.
        place: by what.
        text: for FIXED, the text itself; for DEFINER, the name that was given (empty for CURRENT_USER); for others
            the alias in SQL's notation, or empty for none.
    """

    start: int
    end: int
    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who runs a statement: what its marks become.

    Attributes:
        user: the user's name.
        definer: the engine's user that the user's views run as; None where a view cannot name one.
        current_roles, enabled_roles, default_roles: names of roles.
    """

    user: str
    definer: str | None = None
    current_roles: tuple[str, ...] = ()
    enabled_roles: tuple[str, ...] = ()
    default_roles: tuple[str, ...] = ()


def find_marks(tokens: Sequence[Token]) -> tuple[Mark, ...]:
    """What of a statement in canonical form is to be replaced.

    Raises:
        DatabaseError: 48 where something would be kept and evaluated later, for somebody else.
    """
    marks = sorted((*_identities(tokens), *_processes(tokens), *_definers(tokens)), key=lambda mark: mark.start)
    return tuple(marks)


def fill(text: str, marks: Sequence[Mark], caller: Caller) -> str:
    """`text` with its marks replaced for one caller; raises DatabaseError 497 for another's name as DEFINER."""
    pieces: list[str] = []
    position = 0
    for mark in marks:
        pieces += (text[position : mark.start], _replacement(mark, caller))
        position = mark.end
    return "".join((*pieces, text[position:]))


def kill_selection(text: str, tokens: Sequence[Token]) -> str:
    """For `KILL QUERY WHERE condition [ASYNC|SYNC|TEST]`, the query for the ids that it means."""
    end = tokens[-1].start if tokens[-1].says("ASYNC", "SYNC", "TEST") else len(text)
    condition = text[tokens[3].start : end].rstrip()
    return f"SELECT query_id FROM {PROCESSES} WHERE ({condition})"  # noqa: S608 - admitted, and run as its user


def _identities(tokens: Sequence[Token]) -> Iterator[Mark]:
    first = tokens[0]
    bare = not any(token.says("FROM") for token in tokens)
    for place, token in enumerate(tokens):
        what = _identity(tokens, place)
        last = place + 2 if what is not None else place
        if what is None and bare and first.says("SELECT") and _stands_alone(tokens, place):
            what = Place.USER
        if what is None:
            continue
        if first.says(*_VIEWS):
            raise not_implemented(
                f"{token.text}() is not supported in views, column expressions and policies of this service: "
                "inside its engine it would be the same for everybody."
            )
        aliased = first.says(*_QUERIES) and not (last + 1 < len(tokens) and tokens[last + 1].says("AS"))
        name = token.text if last == place else f"{token.text}()"
        yield Mark(token.start, tokens[last].end, what, f"`{name}`" if aliased else "")


def _identity(tokens: Sequence[Token], place: int) -> Place | None:
    """What a call without arguments asks for."""
    token = tokens[place]
    if not is_call(tokens, place) or place + 2 >= len(tokens) or not tokens[place + 2].says(")"):
        return None
    name = token.text.lower()
    if name in USER:
        return Place.USER
    return Place[f"{ROLES[name].upper()}_ROLES"] if name in ROLES else None


def _stands_alone(tokens: Sequence[Token], place: int) -> bool:
    token = tokens[place]
    if token.kind is not Kind.WORD or token.text.upper() not in _BARE or is_call(tokens, place):
        return False
    before, after = tokens[place - 1], tokens[place + 1] if place + 1 < len(tokens) else None
    return not before.says(".", "AS", ":", "SETTINGS") and not (after and after.says(".", "="))


def _processes(tokens: Sequence[Token]) -> Iterator[Mark]:
    if tokens[0].says("SHOW") and tokens[1].says("PROCESSLIST"):
        yield Mark(tokens[0].start, tokens[1].end, Place.FIXED, f"SELECT * FROM {PROCESSES}")  # noqa: S608 - a constant
    for place, token in enumerate(tokens[:-2]):
        table = tokens[place + 2]
        named = token.is_name and token.text == "system" and tokens[place + 1].says(".")
        if not named or not table.is_name or table.text != "processes" or (place and tokens[place - 1].says(".")):
            continue
        if tokens[0].says(*_VIEWS):
            raise not_implemented("Views over system.processes are not supported in this service: query it directly.")
        if tokens[0].says(*_QUERIES, "EXISTS"):
            yield Mark(token.start, table.end, Place.FIXED, PROCESSES)


def _definers(tokens: Sequence[Token]) -> Iterator[Mark]:
    """`DEFINER = name` becomes the engine's user for the caller, if the name is the caller's own."""
    if not tokens[0].says("CREATE", "REPLACE"):
        return
    for place, token in enumerate(tokens[:-2]):
        if token.kind is Kind.WORD and token.text == "DEFINER" and tokens[place + 1].says("="):
            name = tokens[place + 2]
            if not (name.is_name or name.kind is Kind.STRING):
                raise access_denied("A DEFINER has to be named in this service.")
            own = name.kind is Kind.WORD and name.text == "CURRENT_USER"
            yield Mark(token.start, name.end, Place.DEFINER, "" if own else name.text)


def _replacement(mark: Mark, caller: Caller) -> str:
    if mark.place is Place.FIXED:
        return mark.text
    if mark.place is Place.DEFINER:
        if mark.text not in {"", caller.user, caller.definer} or caller.definer is None:
            raise access_denied("A view's DEFINER can only be its creator in this service.")
        return f"DEFINER = {caller.definer}"
    value = literal(caller.user) if mark.place is Place.USER else _array(_roles(mark.place, caller))
    return f"({value} AS {mark.text})" if mark.text else value


def _roles(place: Place, caller: Caller) -> tuple[str, ...]:
    return {
        Place.CURRENT_ROLES: caller.current_roles,
        Place.ENABLED_ROLES: caller.enabled_roles,
        Place.DEFAULT_ROLES: caller.default_roles,
    }[place]


def _array(names: tuple[str, ...]) -> str:
    return f"CAST([{', '.join(map(literal, names))}], 'Array(String)')"
