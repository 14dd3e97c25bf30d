"""Reading an organization's log by filters: a page at a time in both directions, or all of it, oldest first.

Invariants: what is read is in the order of commits, and a page costs a bounded amount of work however long the log is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypedDict

from sqlalchemy import Connection

from stronghouse.audit import store
from stronghouse.audit.distinct import distinct_values, newest_of_each
from stronghouse.audit.filters import AuditQuery
from stronghouse.audit.search import Range, Search, prepare
from stronghouse.audit.store import Entry, audit_entry

__all__ = ["AuditQuery", "Choices", "Page", "choices", "export", "page"]

CANDIDATES = 15_000
"""So many entries are looked at for one page, where no index answers all of a query."""
PROBE_CANDIDATES = 200
"""So many to find out whether there is a page on the other side; if that is not enough, one is offered."""
CHUNK = 500
"""So many entries of an export are in memory at once."""
MAX_CHOICES = 1_000


@dataclass(frozen=True)
class Page:
    """Entries, newest first, and where to go on.

    `newer` is what to pass as `after` and `older` what to pass as `before`; None where nothing follows. A page that
    ended early for the work it took has `searched_until`: everything up to this index was looked at, and `older` (or
    `newer`, if the page was read that way) goes on from there.
    """

    entries: list[Entry]
    newer: int | None
    older: int | None
    searched_until: int | None = None


def page(
    connection: Connection,
    query: AuditQuery,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 100,
) -> Page:
    """The newest matches below index `before`, or the oldest above `after`; in either case newest first."""
    if before is not None and after is not None:
        raise ValueError("a page is read from one of its ends")
    search = prepare(connection, query)
    size = store.size(connection)
    if after is not None:
        return _newer_page(search, Range(after + 1, size), limit)
    if before is not None and before < size:
        return _older_page(search, Range(0, before, newest_first=True), Range(before, size), limit)
    return _older_page(search, Range(0, size, newest_first=True), None, limit)


def _older_page(search: Search, within: Range, behind: Range | None, limit: int) -> Page:
    found, stopped = search.read(within, limit=limit + 1, candidates=CANDIDATES)
    entries = found[:limit]
    older = entries[-1].index if len(found) > limit else stopped
    newer = None
    if behind is not None and _any(search, behind):
        newer = entries[0].index if entries else within.high - 1
    return Page(entries, newer, older, stopped)


def _newer_page(search: Search, within: Range, limit: int) -> Page:
    found, stopped = search.read(within, limit=limit + 1, candidates=CANDIDATES)
    entries = found[:limit][::-1]
    newer = entries[0].index if len(found) > limit else stopped
    older = None
    if _any(search, Range(0, within.low, newest_first=True)):
        older = entries[-1].index if entries else within.low
    return Page(entries, newer, older, stopped)


def _any(search: Search, within: Range) -> bool:
    """Whether there is a match, as far as a short look tells; one that was too short says yes."""
    found, stopped = search.read(within, limit=1, candidates=PROBE_CANDIDATES)
    return bool(found) or stopped is not None


def export(
    connection: Connection, query: AuditQuery, *, limit: int | None = None, after: int = -1, below: int | None = None
) -> Iterator[Entry]:
    """Every match in the order of commits, from above index `after` up to but without `below`, a part at a time.

    What a window of the past holds never changes, and neither does its order.
    """
    search = prepare(connection, query)
    size = store.size(connection)
    within, left = Range(after + 1, size if below is None else min(below, size)), limit
    while left is None or left > 0:
        wanted = CHUNK if left is None else min(CHUNK, left)
        entries, _ = search.read(within, limit=wanted)
        yield from entries
        if len(entries) < wanted:
            return
        within = within.beyond(entries[-1].index)
        left = None if left is None else left - len(entries)


class ActorChoice(TypedDict):
    """Somebody who appears in the log, by the readable name that they had last."""

    id: str
    details: str


class Choices(TypedDict):
    """What the log of an organization can be filtered by."""

    codes: list[str]
    actors: list[ActorChoice]


def choices(connection: Connection, organization_id: str) -> Choices:
    """Codes and actors that appear in an organization's log, in order; at most `MAX_CHOICES` of each."""
    codes = distinct_values(connection, audit_entry.c.code, organization_id=organization_id, limit=MAX_CHOICES)
    seen = newest_of_each(connection, audit_entry.c.actor_id, organization_id=organization_id, limit=MAX_CHOICES)
    return {"codes": codes, "actors": [{"id": entry.actor_id, "details": _details(entry)} for entry in seen]}


def _details(entry: Entry) -> str:
    """What an actor is called; nothing where the entry was damaged, which is for others to say."""
    try:
        actor: Any = entry.event()["actor"]
        return str(actor["details"])
    except (ValueError, KeyError, TypeError):
        return ""
