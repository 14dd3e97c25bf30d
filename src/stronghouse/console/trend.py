"""A month of history as bars: what is proven grows from the bottom, what is failing hangs from the top."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DAYS = 30
HEIGHT = 100
BAD = ("fail", "error")


@dataclass(frozen=True)
class Bar:
    """One day: how many rows were proven, failing and neither, and where its bars are drawn (of 100 high)."""

    day: str
    proven: int
    failing: int
    other: int
    proven_height: float
    failing_height: float


def bars(entries: Sequence[dict[str, Any]]) -> list[Bar]:
    """From the entries of `responsibility.history.trend`."""
    return [_bar(entry) for entry in entries]


def _bar(entry: dict[str, Any]) -> Bar:
    rows: dict[str, int] = entry["rows"]
    total = sum(rows.values())
    proven, failing = rows["pass"], sum(rows[state] for state in BAD)
    unit = HEIGHT / total if total else 0
    return Bar(
        day=entry["day"],
        proven=proven,
        failing=failing,
        other=total - proven - failing,
        proven_height=round(proven * unit, 1),
        failing_height=round(failing * unit, 1),
    )
