"""Names, strings and intervals in SQL's notation, as the engine writes them in canonical text.

Invariant: whatever `name`, `quoted_name` or `string` writes, `unescaped` reads back.
"""

import re

UNITS = {
    "year": 31_556_952,
    "quarter": 7_889_238,
    "month": 2_629_746,
    "week": 604_800,
    "day": 86_400,
    "hour": 3_600,
    "minute": 60,
    "second": 1,
}
"""The engine's units of intervals in seconds, longest first. Measured on what it prints."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_QUOTED_WORDS = "ALL DISTINCT FALSE FROM INF INFINITY NAN NULL SELECT SOME TABLE TOP TRUE VALUES"
_RESERVED = frozenset(_QUOTED_WORDS.split())
"""Words that the engine puts in quotes where they are names."""
_ESCAPES = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\0": "0", "\\": "\\"}
_MEANINGS = {letter: character for character, letter in _ESCAPES.items()} | {"'": "'", "`": "`", '"': '"'}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def name(text: str) -> str:
    """A name, in quotes only where it needs them."""
    if _PLAIN.fullmatch(text) and text.upper() not in _RESERVED:
        return text
    return quoted_name(text)


def setting_name(text: str) -> str:
    """A name of a setting: the engine has no reserved words there."""
    return text if _PLAIN.fullmatch(text) else quoted_name(text)


def quoted_name(text: str) -> str:
    """A name in back quotes."""
    return _quoted(text, "`")


def string(text: str) -> str:
    """A string literal."""
    return _quoted(text, "'")


def interval(seconds: int) -> str:
    """A length of time in the longest unit of which it is a whole number."""
    unit = next((unit for unit, length in UNITS.items() if seconds and seconds % length == 0), "second")
    return f"{seconds // UNITS[unit]} {unit}"


def unescaped(text: str) -> str:
    """The meaning of what stands between a name's or a string's quotes. Unknown escapes stay as they are."""
    return _ESCAPE.sub(lambda match: _MEANINGS.get(match[1], match[0]), text)


def _quoted(text: str, quote: str) -> str:
    escapes = {**_ESCAPES, quote: quote}
    return quote + "".join(f"\\{escapes[one]}" if one in escapes else one for one in text) + quote
