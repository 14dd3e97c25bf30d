"""What a request's field should have been, in plain words: never the library's wording, never the value that came."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

PLACES = {"body", "query", "path", "header", "cookie"}
"""Where the framework found a field; callers know it by its name alone."""
# By the beginning of pydantic's error types (https://docs.pydantic.dev/2/errors/validation_errors/), the longest first.
EXPECTED = {
    "missing": "is missing",
    "string_too_long": "has at most {max_length} characters",
    "string_too_short": "has at least {min_length} characters",
    "string_pattern_mismatch": "does not have the form that it should",
    "string": "is a text",
    "too_long": "has at most {max_length} entries",
    "too_short": "has at least {min_length} entries",
    "int": "is a whole number",
    "float": "is a number",
    "finite_number": "is a number",
    "bool": "is true or false",
    "datetime": "is a time, as in 2027-01-31T00:00:00Z",
    "timezone": "is a time with its zone, as in 2027-01-31T00:00:00Z",
    "date": "is a date, as in 2027-01-31",
    "greater_than_equal": "is at least {ge}",
    "greater_than": "is more than {gt}",
    "less_than_equal": "is at most {le}",
    "less_than": "is less than {lt}",
    "list": "is a list",
    "dict": "is an object",
    "model": "is an object",
    "uuid": "is a UUID",
    "extra_forbidden": "is not known here",
}
CHOICES = {"enum", "literal_error"}
_ONE = re.compile(r"\b1 (characters|entries)$")
_SINGULAR = {"characters": "1 character", "entries": "1 entry"}


def sentence(error: Mapping[str, Any]) -> str:
    """One sentence on the first thing that is wrong, from an entry of pydantic's `errors()`."""
    field = _name(error["loc"])
    kind, details = str(error["type"]), error.get("ctx", {})
    if kind in CHOICES:
        # The library writes its list of choices with quotes and an "or" before the last.
        return f"{field} is one of {str(details['expected']).replace(chr(39), '')}."
    for beginning in sorted(EXPECTED, key=len, reverse=True):
        if kind.startswith(beginning):
            expected = EXPECTED[beginning].format_map(details)
            return f"{field} {_ONE.sub(lambda found: _SINGULAR[found[1]], expected)}."
    return f"{field} does not have the form that it should."


def _name(location: Sequence[str | int]) -> str:
    """The field as it stands in the request: `ipAccessList[0].source`."""
    parts = location[1:] if location and location[0] in PLACES else location
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.lstrip(".")[:200] or "The body"
