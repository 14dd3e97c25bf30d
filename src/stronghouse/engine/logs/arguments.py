"""Finding a function's arguments, and the names that a statement defines itself, in a statement's tokens."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from stronghouse.engine.tokens import Token

Argument = list[Token]
MAX_PARAMETERS: Final = 100
"""How far back from an arrow its parameters are looked for, in tokens."""


def arguments_of(tokens: Sequence[Token], opening: int) -> tuple[list[Argument], int]:
    """The arguments in the parentheses that begin at `opening`, and the place of the token that closes them.

    What is never closed reaches to the end.
    """
    arguments: list[Argument] = [[]]
    depth = 0
    for place in range(opening, len(tokens)):
        token = tokens[place]
        if token.says("(", "[", "{"):
            depth += 1
            if depth == 1:
                continue
        elif token.says(")", "]", "}"):
            depth -= 1
            if depth == 0:
                return arguments, place
        elif token.says(",") and depth == 1:
            arguments.append([])
            continue
        arguments[-1].append(token)
    return arguments, len(tokens)


def defined_names(tokens: Sequence[Token]) -> frozenset[str]:
    """Names that stand for something within the statement: after AS, and parameters of `->`.

    Where rows are given in the statement (`values(…)`), any name may be one of their columns: then it is all of them.
    """
    if any(token.says("VALUES", "FORMAT") and after.says("(") for token, after in pairwise(tokens)):
        return frozenset(token.text for token in tokens if token.is_name)
    found = set()
    for place, token in enumerate(tokens):
        if token.says("AS") and place + 1 < len(tokens):
            found.add(tokens[place + 1].text)
        elif token.says("->"):
            found |= _parameters(tokens, place - 1)
    return frozenset(found)


def _parameters(tokens: Sequence[Token], place: int) -> set[str]:
    """The names before an arrow: one, or several in parentheses."""
    if place >= 0 and tokens[place].is_name:
        return {tokens[place].text}
    names = set()
    for token in reversed(tokens[max(place - MAX_PARAMETERS, 0) : max(place, 0)]):
        if token.says("("):
            break
        if token.is_name:
            names.add(token.text)
    return names
