"""The matrix document as rows of a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from stronghouse.kernel.canonical import Json

WORDS = {
    "pass": "proven",
    "fail": "failing",
    "error": "check failed",
    "stale": "out of date",
    "manual": "needs a person",
    "not_evidenced": "not evidenced",
    "not_applicable": "not applicable",
}


@dataclass(frozen=True)
class Row:
    """One responsibility, ready to be shown."""

    title: str
    owner: str
    state: str
    word: str
    reason: str


def home_rows(document: dict[str, Json]) -> tuple[Sequence[Row], str]:
    """The rows and a caption that counts them."""
    found = [cast("dict[str, Json]", row) for row in cast("list[Json]", document["rows"])]
    rows = [
        Row(str(row["title"]), str(row["owner"]), str(row["state"]), _word(str(row["state"])), str(row["reason"]))
        for row in found
    ]
    proven = sum(row.state == "pass" for row in rows)
    failing = sum(row.state in {"fail", "error"} for row in rows)
    return rows, f"{proven} of {len(rows)} responsibilities are fully proven, {failing} are failing."


def _word(state: str) -> str:
    return WORDS.get(state, state.replace("_", " "))
