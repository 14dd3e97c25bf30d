"""CSV for people who open it in a spreadsheet: no cell of ours is ever a formula."""

import csv
from collections.abc import Iterable
from datetime import datetime
from typing import TextIO

from stronghouse.kernel.clock import rfc3339

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
MAX_CELL = 32_000  # a spreadsheet's cell holds 32,767 characters


class CsvWriter:
    """Writes rows; what a spreadsheet would take for a formula gets an apostrophe before it (OWASP CSV injection)."""

    def __init__(self, file: TextIO, columns: Iterable[str]) -> None:
        self._rows = csv.writer(file, lineterminator="\r\n")  # RFC 4180; and so both are quoted
        self._rows.writerow(list(columns))
        self.count = 0

    def add(self, *cells: object) -> None:
        """Write one row."""
        self._rows.writerow([cell_text(cell) for cell in cells])
        self.count += 1


def cell_text(value: object) -> str:
    """A cell's text."""
    if value is None:
        return ""
    text = rfc3339(value) if isinstance(value, datetime) else str(value)
    text = text[:MAX_CELL].replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text
