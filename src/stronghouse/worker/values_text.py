"""Telling literals from expressions in the text after VALUES, by its looks."""

import re

_LITERALS = re.compile(
    rb"(?:[^'A-Za-z_`\"$]++|'(?:[^'\\]|\\.|'')*+'|(?:NULL|null|true|false)\b|(?<=\d)e(?=[-+\d]))*+", re.DOTALL
)
_STRINGS = re.compile(rb"'(?:[^'\\]|\\.|'')*+'", re.DOTALL)
_OPERATORS = re.compile(rb"[*/%|<>=!?^&]|[\d)\]']\s*[-+]")


def holds_expressions(data: bytes) -> bool:
    """Whether the text after VALUES is more than literals, as far as can be told from its looks."""
    return not _LITERALS.fullmatch(data) or _OPERATORS.search(_STRINGS.sub(b"''", data)) is not None
