"""How values are shown on pages: states in words, times, commands within sentences."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from markupsafe import Markup

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import parse_rfc3339, rfc3339
from stronghouse.responsibility.derivation import in_words

WORDS = {
    "pass": "proven",
    "partial": "partly proven",
    "accepted": "accepted",
    "fail": "failing",
    "error": "check failed",
    "stale": "out of date",
    "manual": "needs a person",
    "not_evidenced": "not evidenced",
    "not_applicable": "not applicable",
    "aws": "AWS",
    "gcp": "Google Cloud",
    "azure": "Azure",
    "own": "machines of one's own",
}
KIB = 1024
_CODE = re.compile(r"`([^`]+)`")


def word(state: object) -> str:
    """A state, kind or status in words."""
    return WORDS.get(str(state), str(state).replace("_", " "))


def with_code(sentence: str | None) -> Markup:
    """A sentence in which what stands between backticks is shown as code."""
    parts = _CODE.split(sentence or "")
    shown = [
        Markup("<code>{}</code>").format(part) if at % 2 else Markup("{}").format(part) for at, part in enumerate(parts)
    ]
    return Markup("").join(shown)


def moment(value: str | datetime | None, now: datetime) -> Markup | str:
    """A time as its distance from now, with the absolute time behind it."""
    if value is None:
        return "never"
    when = parse_rfc3339(value) if isinstance(value, str) else value
    distance = in_words(abs(now - when))
    text = f"{distance} ago" if when <= now else f"in {distance}"
    absolute = when.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(rfc3339(when), absolute, text)


def pretty(document: Json) -> str:
    """A JSON document for people."""
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True)


def size(count: int) -> str:
    """A number of bytes for people."""
    if count < KIB:
        return f"{count} bytes"
    return f"{count / KIB:.0f} KiB" if count < KIB**2 else f"{count / KIB**2:.1f} MiB"


FILTERS: Mapping[str, Callable[..., object]] = {
    "word": word,
    "with_code": with_code,
    "moment": moment,
    "pretty": pretty,
    "size": size,
}
"""Filters of the templates."""
