"""Functions and table functions: which may be called, and which may be handed over by name to what calls them."""

from collections.abc import Callable, Sequence

from stronghouse.engine.boundary.texts import READERS, arguments, check_text
from stronghouse.engine.boundary.vocabulary import Vocabulary
from stronghouse.engine.errors import DatabaseError, access_denied, not_implemented
from stronghouse.engine.tokens import Token

Tokens = Sequence[Token]

CALLING = frozenset({"apply"})
"""Words that call what is handed to them."""


def check_calls(vocabulary: Vocabulary) -> Callable[[Tokens], None]:
    """A rule: no refused function is called, or handed over by name to something that calls it."""

    def known(name: str) -> None:
        _check_known(name, vocabulary)

    def check(tokens: Tokens) -> None:
        callers: list[str | None] = []
        closed: str | None = None
        for place, token in enumerate(tokens):
            if token.says("("):
                callers.append(_caller(tokens, place, closed) or (callers[-1] if callers else None))
            elif token.says(")") and callers:
                closed = callers.pop()
            elif is_call(tokens, place):
                _check_name(token, vocabulary)
                name = token.text.lower()
                if name in READERS or name.startswith("groupformat"):
                    check_text(name, arguments(tokens, place + 2), check, known)
            elif token.is_name and (token.text.lower() in vocabulary.handed or _is_parameter(tokens, place)):
                _check_handed(tokens, place, callers[-1] if callers else None, vocabulary)

    return check


def check_new_function(name: str, vocabulary: Vocabulary) -> None:
    """Refuse a function of a user's own with a name that the engine understands, or that looks as if it did.

    `_check_handed` tells users' functions by their names. Raises DatabaseError 609.
    """
    if vocabulary.of_engine(name.lower()) and name.lower() not in vocabulary.built_in:
        raise DatabaseError(
            609, "FUNCTION_ALREADY_EXISTS", f"A function cannot be called {name}: the engine has something so called."
        )


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


def _caller(tokens: Tokens, place: int, closed: str | None) -> str | None:
    """The function, in lower case, whose arguments the parenthesis at `place` opens; None for one that only groups.

    In `f(1)(x)` it is still `f`, which is what was `closed` just before.
    """
    if place and tokens[place - 1].says(")") and tokens[place - 1].end == tokens[place].start:
        return closed
    return tokens[place - 1].text.lower() if place and is_call(tokens, place - 1) else None


def _is_parameter(tokens: Tokens, place: int) -> bool:
    """Whether this is the type of `{x:Identifier}`, whose value, a function's name perhaps, comes from elsewhere."""
    return tokens[place].says("IDENTIFIER") and place > 0 and tokens[place - 1].says(":")


def _check_handed(tokens: Tokens, place: int, caller: str | None, vocabulary: Vocabulary) -> None:
    """A function's name by itself is a column's name, unless it is an argument of something that calls it.

    Grouping parentheses change nothing: `arrayMap((file), …)` calls it too (measured). A function that a user made can
    hand what it is given to one that calls it.
    """
    before = place - 1
    if before >= 0 and tokens[before].says("."):
        return
    while before > 0 and tokens[before].says("("):
        before -= 1
    applied = before >= 0 and tokens[before].says("APPLY")
    calls = caller is not None and (
        caller in vocabulary.higher_order or caller in CALLING or not vocabulary.of_engine(caller)
    )
    if calls or applied:
        raise _refused(
            tokens[place].text, "it reaches beyond what this service can check where it is called by another"
        )


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
