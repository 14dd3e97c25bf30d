"""Whether a command printed what a documentation page shows.

It did if both are the same but for ids, times, numbers and the width of columns. On the page, `…` stands for the rest
of a line or the middle of it, and on a line of its own for any number of lines. An id that is shown twice is one id;
later commands of the page are run with the one that was really printed.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

WRITTEN = date(2026, 11, 25)  # the pages' today; dates in commands are moved by what has passed since
DATE = re.compile(r"\b\d{4}-\d\d-\d\d(?!\d)")
KINDS = {
    "gap": (r"…", r"[^\n]*"),
    "uuid": (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",) * 2,
    "time": (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| UTC)?)?",) * 2,
    "hex": (r"\b(?=[a-f]*\d)[0-9a-f]{12,}\b", r"[0-9a-f]{12,}"),
    "secret": (r"\b(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{16,}", r"[\w~!-]{16,}"),
    "number": (r"\d[\d,]*(?:\.\d+)?",) * 2,
    "blank": (r"[ \t]+",) * 2,
}
TOKEN = re.compile("|".join(f"(?P<{kind}>{shown})" for kind, (shown, _) in KINDS.items()))
IDS = ("uuid", "hex", "secret")


def learn(shown: tuple[str, ...], printed: str, known: Mapping[str, str]) -> dict[str, str] | None:
    """What really stands where the page shows an id, or None where something else was printed than what is shown."""
    groups: dict[str, str] = {}
    pattern = "".join(_line(line, known, groups) for line in shown)
    tidy = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())
    found = re.fullmatch(pattern, tidy)
    return None if found is None else {text: found[group] for text, group in groups.items()}


def as_typed(text: str, known: Mapping[str, str], *, today: date | None = None) -> str:
    """A command or file of the page with what a reader has instead of what is shown."""
    passed = (today or datetime.now(UTC).date()) - WRITTEN
    moved = DATE.sub(lambda found: str(date.fromisoformat(found[0]) + passed), text)
    return _known(known).sub(lambda found: known[found[0]], moved) if known else moved


def _line(line: str, known: Mapping[str, str], groups: dict[str, str]) -> str:
    if line.strip() == "…":
        return r"(?:[^\n]*\n)*?"
    parts, at = "", 0
    text = line.rstrip()
    while at < len(text):
        fixed = _known(known).match(text, at) if known else None
        token = TOKEN.match(text, at)
        if fixed is not None:
            parts, at = parts + re.escape(known[fixed[0]]), fixed.end()
        elif token is not None:
            parts, at = parts + _token(token, groups), token.end()
        else:
            parts, at = parts + re.escape(text[at]), at + 1
    return parts + r"\n"


def _token(token: re.Match[str], groups: dict[str, str]) -> str:
    kind, text = str(token.lastgroup), token[0]
    if kind not in IDS:
        return KINDS[kind][1]
    if text in groups:
        return f"(?P={groups[text]})"
    groups[text] = f"id{len(groups)}"
    return f"(?P<{groups[text]}>{KINDS[kind][1]})"


def _known(known: Mapping[str, str]) -> re.Pattern[str]:
    longest_first = sorted(known, key=len, reverse=True)
    return re.compile("|".join(rf"(?<![\w-]){re.escape(text)}(?![\w-])" for text in longest_first))
