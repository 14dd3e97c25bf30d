"""The matrix as the home page shows it: the column of each responsibility, what is wrong with it, the tally."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

Row = dict[str, Any]
COLUMNS = ("cloud", "platform", "customer")
SPANS = {"cloud": (0, 1), "platform": (1, 1), "customer": (2, 1), "shared": (1, 2), "third party": (0, 3)}
"""First column and number of columns of each owner: what is shared is shared by platform and customer."""
OWNERS = {
    "cloud": "Cloud",
    "platform": "Platform",
    "customer": "Customer",
    "shared": "Platform and customer",
    "third party": "Independent third party",
}
STATES = (
    "fail",
    "error",
    "stale",
    "not_evidenced",
    "manual",
    "partial",
    "accepted",
    "pass",
    "not_applicable",
)
"""States of a row, the worst first."""
SEVERITIES = ("critical", "high", "medium", "low")
BAD = ("error", "stale")
SHOWN_REASONS = 2
BAR_WIDTH = 1000


@dataclass(frozen=True)
class Line:
    """A row of the matrix. `before` and `after` are the columns left and right of its cell that are not its own."""

    row: Row
    owner: str
    before: int
    span: int
    after: int
    problems: list[dict[str, Any]]


@dataclass(frozen=True)
class Portion:
    """A state's share of the bar, in thousandths of its width."""

    state: str
    count: int
    start: int
    width: int


@dataclass(frozen=True)
class Wanted:
    """What the address asks to see; None for everything."""

    state: str | None = None
    owner: str | None = None
    text: str = ""

    def matches(self, row: Row) -> bool:
        """Whether a row is to be shown."""
        words = f"{row['title']} {row['id']} {row['group']}".lower()
        return (
            self.state in {None, row["state"]}
            and self.owner in {None, row["owner"]}
            and all(word in words for word in self.text.lower().split())
        )


def groups(rows: Sequence[Row], wanted: Wanted) -> list[tuple[str, list[Line]]]:
    """The rows that are wanted, by group, in each group the worst first."""
    shown = [row for row in rows if wanted.matches(row)]
    return [
        (name, [_line(row) for row in sorted(found, key=_badness)])
        for name, found in groupby(shown, key=lambda row: row["group"])
    ]


def tally(rows: Sequence[Row]) -> list[Portion]:
    """How many rows are in which state, the worst first, laid side by side."""
    counted = Counter(row["state"] for row in rows)
    found, start = [], 0
    for state in STATES:
        if counted[state]:
            width = counted[state] * BAR_WIDTH // len(rows)
            found.append(Portion(state, counted[state], start, width))
            start += width
    return found


def problems(row: Row) -> list[dict[str, Any]]:
    """Everything in a row that fails or could not be looked at, each once, the most severe first."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for check in (check for control in row["controls"] for check in control["checks"]):
        for place in check["places"]:
            bad = [result for result in place["results"] if result["state"] == "fail"]
            if not bad and place["state"] in BAD:
                bad = [{"resource": "", "state": place["state"], "reason": place["reason"], "evidenceId": None}]
            for result in bad:
                told = {"findingId": None, **result, "check": check, "place": place["place"]}
                found.setdefault((check["id"], place["place"], result["resource"]), told)
    return sorted(found.values(), key=lambda one: SEVERITIES.index(one["check"]["severity"]))


def summary(rows: Sequence[Row]) -> str:
    """The whole in a sentence."""
    proven = sum(row["state"] == "pass" for row in rows)
    failing = sum(row["state"] in {"fail", "error"} for row in rows)
    return f"{proven} of {len(rows)} responsibilities are fully proven, {failing} are failing."


def _line(row: Row) -> Line:
    first, span = SPANS[row["owner"]]
    return Line(
        row=row,
        owner=OWNERS[row["owner"]],
        before=first,
        span=span,
        after=len(COLUMNS) - first - span,
        problems=problems(row)[:SHOWN_REASONS],
    )


def _badness(row: Row) -> int:
    return STATES.index(row["state"])
