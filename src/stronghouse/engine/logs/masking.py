"""Masking what may be a secret: in statements before they are recorded, and in texts of errors before clients get them.

Secrets are found by where they stand in a statement (arguments of `encrypt`, passwords of IDENTIFIED and of sources,
settings by their names) and by how they look (in addresses, headers, JSON, keys and tokens of known forms).

Invariants:
- Masking never fails. What cannot be split into tokens but may hold a secret loses everything from its first quote or
  suspicious word on.
- When a secret may stand elsewhere than where it is used (`WITH 'x' AS k … encrypt(…, k)`), all strings are masked.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stronghouse.engine.access.hiding import hidden
from stronghouse.engine.errors import CUT, DatabaseError
from stronghouse.engine.logs.arguments import arguments_of, defined_names
from stronghouse.engine.logs.lookalikes import find
from stronghouse.engine.logs.records import MAX_QUERY
from stronghouse.engine.tokens import Kind, Token, split

HIDDEN: Final = "[HIDDEN]"
MAX_TOKENS_TEXT: Final = 64 << 10
"""A longer statement is not split: if it may hold a secret, it goes from its first quote on."""

_FUNCTIONS: Final = frozenset(
    {"encrypt", "decrypt", "trydecrypt", "aes_encrypt_mysql", "aes_decrypt_mysql", "hmac", "siphash64keyed"}
    | {"siphash128keyed", "siphash128referencekeyed"}
)
"""Functions that take a key: the first argument is a mode or the key, the second what is worked on, the rest keys."""
_SOURCES: Final = frozenset(
    {"mysql", "postgresql", "mongodb", "redis", "sqlite", "odbc", "jdbc", "remote", "remotesecure", "cluster", "url"}
    | {"s3", "s3cluster", "s3queue", "gcs", "cosn", "oss", "azureblobstorage", "azurequeue", "hdfs", "iceberg"}
    | {"icebergs3", "icebergazure", "deltalake", "deltalakes3", "deltalakeazure", "hudi", "paimon", "kafka", "rabbitmq"}
    | {"nats", "headers", "materializedpostgresql", "materializedmysql", "arrowflight", "ytsaurus", "urlcluster"}
)
"""Table functions and engines that take credentials, anywhere after the address."""
_SECRET_NAME: Final = re.compile(
    r"passw(?:or)?d|passphrase|secret|credential|api_?key|access_?key|private_?key|key_hex|authorization"
    r"|(?:\A|[_-])(?:pwd|token|signature)\Z",
    re.IGNORECASE,
)
_SUSPECT_WORDS: Final = (
    *("crypt", "hmac", "keyed", "identif", "passw", "passphrase", "pwd", "secret", "credential", "key"),
    *("authorization", "token", "signature", *sorted(_SOURCES)),
)
_MODE: Final = re.compile(r"aes-\d+-[a-z0-9]+|(?:md|sha)[0-9_-]+", re.IGNORECASE)
_FAILED_AT: Final = "failed at position "
_PLACE: Final = re.compile(r"\d+(?: \(line \d+, col \d+\))?")
_EXPECTED: Final = ". Expected "
_QUOTED: Final = re.compile(
    r"'(?:[^'\\]|\\.|'')*(?:'|\Z)|`(?:[^`\\]|\\.)*(?:`|\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\Z)", re.DOTALL
)
_QUOTE: Final = re.compile(r"['\"`$\u2018\u201c]|\bby\b", re.IGNORECASE)
_QUOTES: Final = ("'", '"', "`", "$", "\u2018", "\u201c")
_ABOUT_SIGNING_IN: Final = re.compile(r"identif|passw|_hash|secret|credential", re.IGNORECASE)
_USER: Final = re.compile("user", re.IGNORECASE)
_BY: Final = re.compile(r"\bby\b", re.IGNORECASE)
_READING: Final = ("select", "with", "(")
MAX_SETTING: Final = 2_000
"""Characters of a setting's value that are kept."""
_SHORT: Final = 4
"""A secret with fewer characters is looked for in quotes only: as it is, it would be found everywhere."""


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What was masked in a statement.

    Attributes:
        values: the texts.
        everything: whether any string of it may be one.
        quotation: whether an error's quotation of it may hold one, though nothing that was found.
    """

    values: frozenset[str] = frozenset()
    everything: bool = False
    quotation: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Masked:
    """A statement as it may be recorded, and what it held, for `scrub`."""

    text: str
    secrets: Secrets


NOTHING: Final = Secrets()
"""Of a statement in which nothing was masked, or that was never read."""


def mask(sql: str, patterns: Callable[[str], str] | None = None) -> Masked:
    """`sql` without what may be secrets, cut to what a record holds. Any text will do.

    Args:
        sql: the statement, best in canonical form.
        patterns: the operator's own rules (`Patterns.apply`).
    """
    text, secrets = _by_place(sql) if _first_suspect(sql) is not None else (sql, NOTHING)
    text, found = _by_look(text[:MAX_QUERY])
    if found:
        secrets = Secrets(secrets.values | found, secrets.everything)
    return Masked(patterns(text) if patterns is not None else text, secrets)


def mask_written(sql: str, patterns: Callable[[str], str] | None = None) -> Masked:
    """As `mask`, for a statement that was not admitted: as the client wrote it, and maybe not SQL at all.

    A misspelt word can hide what a secret stands behind, so a word that is like one suffices.
    """
    quoted = any(quote in sql for quote in _QUOTES)
    if _may_sign_in(sql):
        text, secrets = _from_first_quote(sql)
    elif quoted and _first_suspect(sql) is not None:
        text, secrets = _by_place(sql, everything=True)
    else:
        text, secrets = sql, NOTHING
    text, found = _by_look(text[:MAX_QUERY])
    secrets = Secrets(secrets.values | found, secrets.everything, quotation=quoted)
    return Masked(patterns(text) if patterns is not None else text, secrets)


def scrub(text: str, secrets: Secrets, patterns: Callable[[str], str] | None = None) -> str:
    """The text of an error without what was masked in the statement that it is about."""
    if secrets.values and text.endswith(CUT):  # one of them may have been cut, and then is not found
        longest = max(map(len, secrets.values))
        text = f"{text[: max(len(text) - len(CUT) - longest, 0)]}{CUT}"
    if secrets.everything or secrets.quotation:
        text = _without_quotation(text)
    if secrets.everything:
        text = _QUOTED.sub(f"'{HIDDEN}'", text)
    for value in sorted(secrets.values, key=len, reverse=True):
        quote = "" if len(value) >= _SHORT else "'"
        text = text.replace(f"{quote}{value}{quote}", f"{quote}{HIDDEN}{quote}")
    text, _ = _by_look(text)
    return patterns(text) if patterns is not None else text


def mask_text(text: str) -> str:
    """Text that is no statement (a header, an address) without what looks like a secret."""
    return _by_look(text)[0]


def mask_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings without the values of those whose names say that they are secrets, and without what looks like one."""
    return {
        name: HIDDEN if _SECRET_NAME.search(name) else mask_text(value[:MAX_SETTING])
        for name, value in settings.items()
    }


def _may_sign_in(sql: str) -> bool:
    """Whether it may have been meant to say how somebody signs in, misspelt as it may be."""
    if _ABOUT_SIGNING_IN.search(sql):
        return True
    return bool(_USER.search(sql) and _BY.search(sql)) and not sql.lstrip().lower().startswith(_READING)


def _without_quotation(text: str) -> str:
    """A syntax error's text without the part of the statement that it quotes."""
    place = text.find(_FAILED_AT)
    number = _PLACE.match(text, place + len(_FAILED_AT)) if place >= 0 else None
    if number is None:
        return text
    # What was expected are the engine's own words, unless the statement has such words, too.
    expected = text.find(_EXPECTED, number.end())
    own = expected >= 0 and text.find(_EXPECTED, expected + 1) < 0
    return f"{text[: number.end()]} {HIDDEN}{text[expected:] if own else ''}"


def _by_place(sql: str, *, everything: bool = False) -> tuple[str, Secrets]:
    if len(sql) > MAX_TOKENS_TEXT:
        return _from_first_quote(sql)
    shown = hidden(sql)
    try:
        before, tokens = split(sql, comments=True), split(shown, comments=True)
    except DatabaseError:
        return _from_first_quote(sql)
    kept = {token.text for token in tokens}
    values = {token.text for token in before if token.text not in kept}
    search = _Search(tokens, everything=everything)
    pieces, position = [], 0
    for start, end in search.spans():
        if start >= position:
            pieces += [shown[position:start], f"'{HIDDEN}'"]
            position = end
    values |= search.values
    forms = {form for value in values for form in (value, _unescaped(value)) if form and HIDDEN not in form}
    return "".join(pieces) + shown[position:], Secrets(frozenset(forms), search.everything)


def _first_suspect(sql: str) -> int | None:
    """Where the first word ends that may have to do with secrets."""
    lowered = sql.lower()
    found = [place + len(word) for word in _SUSPECT_WORDS if (place := lowered.find(word)) >= 0]
    return min(found, default=None)


def _from_first_quote(sql: str) -> tuple[str, Secrets]:
    quote, suspect = _QUOTE.search(sql), _first_suspect(sql)
    kept = min(quote.start() if quote else len(sql), len(sql) if suspect is None else suspect)
    return f"{sql[:kept]}{HIDDEN}", Secrets(everything=True)


def _by_look(text: str) -> tuple[str, frozenset[str]]:
    spans = list(find(text))
    found = frozenset(text[start:end] for start, end in spans)
    pieces, position = [], 0
    for start, end in spans:
        pieces += [text[position:start], HIDDEN]
        position = end
    values = frozenset(value for value in found if len(value) >= _SHORT and value != HIDDEN)
    return "".join(pieces) + text[position:], values


class _Search:
    """One pass over a statement's tokens."""

    def __init__(self, tokens: Sequence[Token], *, everything: bool) -> None:
        self._tokens = tokens
        self._defined = defined_names(tokens)
        self._spans: list[tuple[int, int]] = []
        self.values: set[str] = set()
        self.everything = everything

    def spans(self) -> list[tuple[int, int]]:
        """Where the statement's secrets are, in order."""
        place = 0
        while place < len(self._tokens):
            place = self._look(place) + 1
        if self.everything:
            self._literals((token for token in self._tokens if token.kind is Kind.STRING), modes=True)
        return sorted(self._spans, key=lambda span: (span[0], -span[1]))

    def _look(self, place: int) -> int:
        """Look at the token there; the place up to which all was looked at."""
        token = self._tokens[place]
        name = token.text.lower()
        if token.is_name and place + 1 < len(self._tokens) and self._tokens[place + 1].says("("):
            if name in _FUNCTIONS:
                arguments, end = arguments_of(self._tokens, place + 1)
                self._keys(arguments)
                return end
            if name in _SOURCES:
                arguments, end = arguments_of(self._tokens, place + 1)
                self._literals(token for argument in arguments[1:] for token in argument)
                return end
        if token.kind is not Kind.SIGN and _SECRET_NAME.search(token.text):
            self._literals(_values_after(self._tokens, place))
        return place

    def _keys(self, arguments: Sequence[Sequence[Token]]) -> None:
        for number, argument in enumerate(arguments):
            if not argument or argument[0].says("{"):
                continue  # a query parameter: its value is not in the text
            names = {token.text for token in _names(argument)}
            if number > 1:
                self._spans.append((argument[0].start, argument[-1].end))
                self.values |= names | {token.text for token in argument if token.kind in _LITERALS}
                self.everything |= bool(names)
            else:
                self._literals(argument, modes=number == 0)
                self.everything |= bool(names & self._defined)

    def _literals(self, tokens: Iterable[Token], *, modes: bool = False) -> None:
        """Mask literals, all but (`modes`) names of ways to encrypt."""
        for token in tokens:
            if token.kind in _LITERALS and not (modes and _MODE.fullmatch(token.text)):
                self._spans.append((token.start, token.end))
                self.values.add(token.text)


_LITERALS: Final = frozenset({Kind.STRING, Kind.NUMBER})


def _names(argument: Sequence[Token]) -> Iterator[Token]:
    """Names in an expression that are no functions."""
    for place, token in enumerate(argument):
        if token.is_name and not (place + 1 < len(argument) and argument[place + 1].says("(")):
            yield token


def _values_after(tokens: Sequence[Token], place: int) -> Iterator[Token]:
    """The literals that a name is compared with or set to: `= 'x'`, `IN ('x', 'y')`, `: 'x'`."""
    after = place + 1
    if after == len(tokens) or not tokens[after].says("=", "!", "<", ">", ":", "IN", "NOT", "LIKE", "ILIKE", "TO"):
        return
    for token in (tokens[each] for each in range(after + 1, len(tokens))):
        if token.kind in _LITERALS:
            yield token
        elif not token.says("=", ">", "(", ",", "IN", "LIKE", "ILIKE"):
            return


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)|''", lambda match: match[1] or "'", value)
