"""Finding where an INSERT's text ends and its data begin, in bytes of which only the beginning may be there."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import Token, scan

MAX_HEAD = 256 << 10
"""Longest INSERT before its data, in bytes: ClickHouse's default `max_query_size`."""
_FIRST_WORD = re.compile(rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*+([A-Za-z]+(?=[^A-Za-z])|[^A-Za-z\s/-])", re.DOTALL)
_AFTER_FORMAT = re.compile(rb"[ \t\f]*(?:;[ \t]*(?=\r?\n|\Z))?\r?\n?")


@dataclass(frozen=True)
class InsertText:
    """An INSERT as far as its FORMAT or VALUES, and the offset of its data."""

    text: str
    data: int


def first_word(beginning: bytes) -> str | None:
    """The first word of a statement that begins so, in upper case; None while it is not whole."""
    match = _FIRST_WORD.match(beginning)
    return match[1].decode("latin-1").upper() if match else None


def find_data(beginning: bytes, *, complete: bool) -> InsertText | None:
    """The head of an INSERT whose data follow in the text; None when it has none (INSERT … SELECT) or is not whole yet.

    Args:
        beginning: the first bytes of the statement.
        complete: whether there are no more; without, a word that ends the bytes might go on.
    """
    # Latin-1 keeps offsets: a character is a byte. The words that count are ASCII.
    sql = beginning[:MAX_HEAD].decode("latin-1")
    head = _Head()
    try:
        for token in scan(sql, comments=True):
            end = head.take(token)
            if end is _End.NONE or (end is not None and token.end == len(beginning) and not complete):
                return None
            if end is not None:
                match = _AFTER_FORMAT.match(beginning, token.end) if end is _End.FORMAT else None
                return InsertText(
                    beginning[: token.end].decode("utf-8", "replace"), match.end() if match else token.end
                )
    except DatabaseError:
        return None
    return None


class _End(Enum):
    NONE = auto()
    VALUES = auto()
    FORMAT = auto()


class _Head:
    """Reads `INSERT INTO [TABLE] name[.name] [(columns)] [SETTINGS …]` word by word, to the word that ends it."""

    def __init__(self) -> None:
        self._named = False
        self._parameter = False
        self._depth = 0
        self._formatting = False

    def take(self, token: Token) -> _End | None:
        """What ends here, if anything does."""
        if not self._named or token.says("."):
            self._take_name(token)
            return None
        self._depth += token.says("(") - token.says(")")
        if self._formatting:
            return _End.FORMAT if token.is_name else _End.NONE
        if self._depth == 0:
            if token.says("VALUES"):
                return _End.VALUES
            if token.says("SELECT", "WITH", "FROM", "FUNCTION"):
                return _End.NONE
            self._formatting = token.says("FORMAT")
        return None

    def _take_name(self, token: Token) -> None:
        if token.says("."):
            self._named = False
        elif self._parameter or token.says("{"):
            self._parameter = not token.says("}")
            self._named = not self._parameter
        elif not token.says("INSERT", "INTO", "TABLE"):
            self._named = True


def data_place(canonical: str) -> int:
    """Where in an INSERT without data and FORMAT, in canonical form, the clause that names its data belongs.

    That is before SETTINGS. Raises DatabaseError when the text has something that is no token.
    """
    depth = 0
    for place, token in enumerate(scan(canonical)):
        depth += token.says("(") - token.says(")")
        if token.says("SETTINGS") and depth == 0 and place > _NAME_PLACE:
            return token.start
    return len(canonical)


_NAME_PLACE = 2
"""`INSERT INTO name`: what stands there is a name, whatever it says."""
