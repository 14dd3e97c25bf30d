"""One byte string for one JSON value, so that hashes and signatures mean something (RFC 8785)."""

import json
from typing import cast

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

# RFC 8785 section 3.2.2.3: numbers are IEEE 754 doubles; integers beyond this lose digits elsewhere.
MAX_EXACT_INTEGER = 2**53 - 1


def canonical_json(value: Json) -> bytes:
    """UTF-8 JSON with sorted keys and no white space.

    Keys are sorted by UTF-16 code units as RFC 8785 asks. Floats are refused rather than formatted: nothing that
    we sign needs one, and their text form is where implementations disagree.

    Raises:
        ValueError: a float, an integer that a double cannot hold, or text that is not valid Unicode.
    """
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


def _ordered(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=_utf16)}
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    if isinstance(value, float):
        raise ValueError("floats have no canonical form here; use an integer or text")  # noqa: TRY004 - one error type
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_EXACT_INTEGER:
        raise ValueError("an integer beyond 2^53 has no canonical form; use text")
    return value


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def parse_json(text: bytes | str) -> Json:
    """Parse JSON from outside; raises ValueError on bad JSON, duplicate keys, NaN or Infinity."""
    return cast("Json", json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant))


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key in JSON object")
    return result


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
