"""Results that are read a part at a time, so that a large one is never in memory as a whole."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, CursorResult, Row, Select

BATCH = 1000
_OPEN = "stronghouse_streams"
Rows = Iterator[Row[*tuple[Any, ...]]]


def streamed(connection: Connection, query: Select[*tuple[Any, ...]], *, batch: int = BATCH) -> Rows:
    """The rows of a query, `batch` at a time from the database."""
    result = connection.execute(query, execution_options={"yield_per": batch})
    connection.info.setdefault(_OPEN, []).append(result)
    yield from result


def close_streams(connection: Connection) -> None:
    """Close the results that nobody read to their end.

    PostgreSQL keeps a cursor for each; one that is closed later, when its generator is collected, would be closed in
    the middle of somebody else's transaction on the same connection.
    """
    if connection.invalidated:  # the server is gone, and its cursors with it
        return
    opened: list[CursorResult[Any]] = connection.info.pop(_OPEN, [])
    for result in opened:
        result.close()
