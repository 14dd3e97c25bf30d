"""Splitting SQL into tokens: the engine's canonical form, and the beginnings of INSERT statements as people write them.

The splitter is total: text with a character that it does not know raises. Strings and quoted names keep their quotes'
meaning, so that a word inside one is never taken for a word of SQL.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from stronghouse.engine.errors import syntax_error


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted"
    STRING = "string"
    NUMBER = "number"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL.

    Attributes:
        kind: what it is. A quoted name (`a b` in back quotes) is never a keyword.
        text: as written, without quotes for names and strings.
        start, end: where it stands, quotes included.
    """

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        """Whether it can be an identifier."""
        return self.kind in {Kind.WORD, Kind.QUOTED}

    def says(self, *words: str) -> bool:
        """Whether it is one of these keywords (or signs), given in upper case."""
        return self.kind in {Kind.WORD, Kind.SIGN} and self.text.upper() in words


_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*(?:\n|\Z)|/\*.*?\*/)
  | (?P<unclosed>/\*)
  | (?P<string>'(?:[^'\\]|\\.|'')*')
  | (?P<quoted>`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*")
  | (?P<number>\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w$]))
  | (?P<word>[A-Za-z_][\w$]*|0[xXbB][0-9A-Fa-f_]+)
  | (?P<sign>->|::|[()\[\]{},.;:+*/%=<>!|?@^&~-])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


def split(sql: str, *, comments: bool = False) -> list[Token]:
    """The tokens of `sql`.

    Args:
        sql: the text.
        comments: whether comments may stand between tokens. There are none in canonical text.

    Raises:
        DatabaseError: 62, at something that is no token.
    """
    return list(scan(sql, comments=comments))


def scan(sql: str, *, comments: bool = False) -> Iterator[Token]:
    """As `split`, one by one: for text whose end is not SQL."""
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        kind = match.lastgroup if match else None
        # Taken for two signs, an unclosed comment would be looked for again at each that follows.
        if match is None or kind in {None, "unclosed"} or (kind == "comment" and not comments):
            raise syntax_error(f"Syntax error: failed at position {position + 1}: the text cannot be read here.")
        if kind not in {"space", "comment"}:
            text = match[0][1:-1] if kind in {"string", "quoted"} else match[0]
            yield Token(Kind(kind), text, position, match.end())
        position = match.end()
