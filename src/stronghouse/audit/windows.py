"""Which entries of the log lie in a window of time, found without an index on time.

Between two backward steps of the clock, time only grows along the log, so a moment is found by halving. Every step is
kept in `audit_clock_step`; an event that was recorded under a wrong clock is in the window that its own time names.
"""

from datetime import datetime
from itertools import pairwise

from sqlalchemy import Connection

from stronghouse.audit import store

Span = tuple[int, int]
"""Indexes from the first one on, up to but without the second."""


def spans(connection: Connection, *, since: datetime | None, until: datetime | None) -> list[Span]:
    """Where the entries with a time in [since, until) are, in order."""
    size = store.size(connection)
    if since is None and until is None:
        return [(0, size)]
    found: list[Span] = []
    for start, end in pairwise([0, *store.clock_steps(connection), size]):
        low = start if since is None else _first_at(connection, since, start, end)
        high = end if until is None else _first_at(connection, until, start, end)
        if low >= high:
            continue
        if found and found[-1][1] == low:
            low = found.pop()[0]
        found.append((low, high))
    return found


def _first_at(connection: Connection, moment: datetime, start: int, end: int) -> int:
    """The first entry of [start, end) with this time or a later one; `end` if there is none."""
    last = store.time_of(connection, end - 1) if start < end else None
    if last is None or last < moment:
        return end
    while start < end:
        middle = (start + end) // 2
        found = store.time_of(connection, middle)
        if found is None or found >= moment:
            end = middle
        else:
            start = middle + 1
    return start
