"""Reading an access statement token by token, from left to right.

Invariants:
- A keyword is a word in upper case without quotes: the engine writes them so, whatever was given. The engine leaves the
  quotes of a name such as `TO` out too, so a name that reads as a keyword is refused.
- What is not understood is refused with code 48. A refusal quotes keywords and signs only, never a name or a string.
"""

from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from stronghouse.engine.access import notation
from stronghouse.engine.errors import not_implemented
from stronghouse.engine.tokens import Kind, Token

_T = TypeVar("_T")
_KEYWORDS = """
ADD ALL ANY AS CHANGEABLE_IN_READONLY CLUSTER CONST CURRENT CURRENT_USER DEFAULT DROP EXCEPT FINAL FOR FORMAT FROM
GRANTEES HOST IDENTIFIED IF IN INHERIT INTO IS KEYED MAX MIN MODIFY NONE NOT ON OR PARALLEL PROFILE PROFILES READONLY
RENAME RESET ROLE SETTING SETTINGS TO USING VALID WITH WRITABLE
"""
KEYWORDS = frozenset(_KEYWORDS.split())
"""Words that can come before or after a name of a user, role, policy, profile, quota or setting."""
_EXPLANATIONS = {
    "@": "Names with a host (name@host) are not supported in this service: use HOST.",
    "*": "Wildcards after a part of a name are not supported in this service.",
    "{": "Query parameters cannot stand in access statements in this service.",
    "CLUSTER": "ON CLUSTER is not supported in this service: it has one node.",
    "IN": "This service has one place for access entities: leave the storage's name out.",
    "FROM": "This service has one place for access entities: leave the storage's name out.",
    "EXCEPT": "EXCEPT is supported after ALL or ANY only in this service.",
    "PARALLEL": "PARALLEL WITH is not supported in this service.",
    "INTO": "INTO OUTFILE is not supported in this service.",
}


class Reader:
    """A place in a statement. Methods that read move on to what follows; all raise DatabaseError 48.

    Attributes:
        text: the statement.
    """

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text = text
        self._tokens = tokens
        self._place = 0
        self._respelled: list[tuple[int, int, str]] = []

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self._place >= len(self._tokens)

    @property
    def offset(self) -> int:
        """Where in the text the next token begins, or the text ends."""
        return len(self.text) if self.ended else self._tokens[self._place].start

    @property
    def end_of_last(self) -> int:
        """Where in the text the token before ended."""
        return self._tokens[self._place - 1].end if self._place else 0

    @property
    def remaining(self) -> Sequence[Token]:
        """The tokens that follow."""
        return self._tokens[self._place :]

    def at(self, *words: str) -> bool:
        """Whether these keywords and signs follow."""
        following = self._tokens[self._place : self._place + len(words)]
        return len(following) == len(words) and all(map(_is, following, words))

    def take(self, *words: str) -> bool:
        """Read these keywords and signs if they follow; whether they did."""
        found = self.at(*words)
        if found:
            self._place += len(words)
        return found

    def need(self, *words: str) -> None:
        """Read these keywords and signs."""
        if not self.take(*words):
            self.refuse()

    def one_of(self, *words: str) -> str | None:
        """Read one of these keywords if it follows."""
        return next((word for word in words if self.take(word)), None)

    def skip(self, count: int) -> None:
        """Go on by `count` tokens."""
        self._place += count

    def name(self) -> str:
        """Read a name of something that a keyword can come after."""
        if not self.ended and self._tokens[self._place].kind is Kind.WORD:
            self._check_word(self._tokens[self._place].text)
        return self.any_name()

    def new_name(self) -> str:
        """Read a name that is to be given: also as a string, and never one that reads as a keyword."""
        start, is_string = self.offset, not self.ended and self._tokens[self._place].kind is Kind.STRING
        name = self.string() if is_string else self.any_name()
        if is_string:
            self.respell(start, self.end_of_last, notation.name(name))
        self._check_word(name)
        return name

    def new_name_in_string(self) -> str:
        """Read a name that is to be given where the engine always writes a string."""
        name = self.string()
        self._check_word(name)
        return name

    def any_name(self) -> str:
        """Read a name of a database, table or column, where no keyword can come."""
        if self.ended or not self._tokens[self._place].is_name:
            self.refuse()
        token = self._tokens[self._place]
        self._place += 1
        return notation.unescaped(token.text) if token.kind is Kind.QUOTED else token.text

    def string(self) -> str:
        """Read a string literal; its meaning."""
        return notation.unescaped(self._read(Kind.STRING))

    def number(self) -> str:
        """Read a number without a sign, as written."""
        return self._read(Kind.NUMBER)

    def literal(self) -> str:
        """Read a string, number or word such as `true`, as written."""
        start = self.offset
        self.take("-")
        if self.ended or self._tokens[self._place].kind not in {Kind.STRING, Kind.NUMBER, Kind.WORD}:
            self.refuse()
        self._place += 1
        return self.text[start : self.end_of_last]

    def listed(self, item: Callable[[], _T], *, until: tuple[str, ...] = ()) -> tuple[_T, ...]:
        """Read items with commas between them, up to a comma before one of the keywords `until`."""
        items = [item()]
        while self.at(",") and not any(self.at(",", word) for word in until):
            self.need(",")
            items.append(item())
        return tuple(items)

    def end(self) -> None:
        """Nothing follows."""
        if not self.ended:
            self.refuse()

    def respell(self, start: int, end: int, text: str) -> None:
        """Note that what stands from `start` to `end` means the same as `text`, which `printing` would write."""
        self._respelled.append((start, end, text))

    def plain(self) -> str:
        """The statement with what was respelled as `printing` would write it."""
        pieces, position = [], 0
        for start, end, text in self._respelled:
            pieces += [self.text[position:start], text]
            position = end
        return "".join(pieces) + self.text[position:]

    def refuse(self, sentence: str | None = None) -> NoReturn:
        """Refuse the statement: with `sentence`, or because of what follows."""
        if sentence is None:
            following = [token.text for token in self.remaining[:2] if token.kind in {Kind.WORD, Kind.SIGN}]
            sentence = next((_EXPLANATIONS[word] for word in following if word in _EXPLANATIONS), None)
        raise not_implemented(sentence or "This form of the statement is not supported in this service.")

    def _read(self, kind: Kind) -> str:
        if self.ended or self._tokens[self._place].kind is not kind:
            self.refuse()
        self._place += 1
        return self._tokens[self._place - 1].text

    def _check_word(self, word: str) -> None:
        if word in KEYWORDS:
            self.refuse(f"The name {word} reads as a keyword, which is not supported in this service.")


def _is(token: Token, word: str) -> bool:
    return token.kind in {Kind.WORD, Kind.SIGN} and token.text == word
