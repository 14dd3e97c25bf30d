"""How a query finds its entries: by one index, and only then row by row.

The rarest filter leads, in the order of its index, which ends in the log's own; a code's beginning leads as the merged
ranges of all codes that have it. The other filters and the text are looked up for each entry that comes up, and there
is a bound on how many may.
"""

import json
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlalchemy.sql.selectable import CompoundSelect

from stronghouse.audit import windows
from stronghouse.audit.distinct import distinct_values
from stronghouse.audit.filters import AuditQuery
from stronghouse.audit.store import Entry, audit_entry, entry_of
from stronghouse.kernel.canonical import Json
from stronghouse.storage.portable import merged

RARE = 5_000
"""Filters that match more entries than this are all equally common: nobody counts further."""
PARSED = 1_000
"""So many entries whose bytes hold the text are opened for one page, to see whether it is where it should be."""
TEXT_ROWS = 200
MAX_CODES = 200
_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Range:
    """Entries from index `low` up to but without `high`, and from which end they are read."""

    low: int
    high: int
    newest_first: bool = False

    def cut(self, low: int, high: int) -> "Range":
        """The part of it that lies in [low, high)."""
        return Range(max(low, self.low), min(high, self.high), self.newest_first)

    def beyond(self, index: int) -> "Range":
        """What is still to be read after `index`."""
        if self.newest_first:
            return Range(self.low, index, newest_first=True)
        return Range(index + 1, self.high)


@dataclass(frozen=True)
class Search:
    """A query made ready for one connection."""

    connection: Connection
    leading: Sequence[Condition]  # each is a range of one index; together they hold every match
    others: Sequence[Condition]
    text: str | None
    spans: Sequence[windows.Span]

    def read(self, within: Range, *, limit: int, candidates: int | None = None) -> tuple[list[Entry], int | None]:
        """The first `limit` matches, and where the work ended if that came before their number and the range's end.

        At most `candidates` entries are looked at in each span of time, as far as filters have to be looked up.
        """
        found: list[Entry] = []
        if not self.leading:
            return found, None
        for low, high in reversed(self.spans) if within.newest_first else self.spans:
            part = within.cut(low, high)
            stop = self._bound(part, candidates)
            if stop is not None:
                part = part.cut(stop, part.high) if part.newest_first else part.cut(part.low, stop + 1)
            entries, given_up = self._matches(part, limit - len(found), bounded=candidates is not None)
            found += entries
            if len(found) == limit:
                return found, None
            if given_up is not None or stop is not None:
                return found, stop if given_up is None else given_up
        return found, None

    def _bound(self, part: Range, candidates: int | None) -> int | None:
        """The last index that may be looked at, if there are more than `candidates` to look at."""
        if candidates is None or not (self.others or self.text):
            return None
        return self.connection.execute(self._indexes(part, ()).offset(candidates - 1).limit(1)).scalar_one_or_none()

    def _matches(self, part: Range, limit: int, *, bounded: bool) -> tuple[list[Entry], int | None]:
        """The first matches of a part; for text also where it gave up because its bytes are in too many others."""
        if self.text is None:
            return self._rows(part, limit), None
        found: list[Entry] = []
        opened = 0
        while part.low < part.high:
            rows = self._rows(part, TEXT_ROWS)
            found += (entry for entry in rows if holds_text(entry.event(), self.text))
            opened += len(rows)
            if len(found) >= limit or len(rows) < TEXT_ROWS:
                break
            part = part.beyond(rows[-1].index)
            if bounded and opened >= PARSED:
                return found, rows[-1].index
        return found[:limit], None

    def _rows(self, part: Range, limit: int) -> list[Entry]:
        if part.low >= part.high:
            return []
        conditions = [*self.others, *([] if self.text is None else [_bytes_hold(self.text)])]
        indexes = list(self.connection.execute(self._indexes(part, conditions).limit(limit)).scalars())
        rows = self.connection.execute(select(audit_entry).where(audit_entry.c.index.in_(indexes)))
        return sorted((entry_of(row) for row in rows), key=lambda entry: entry.index, reverse=part.newest_first)

    def _indexes(self, part: Range, conditions: Sequence[Condition]) -> Select[int] | CompoundSelect[int]:
        index = audit_entry.c.index
        ranges = [
            select(index).where(leading, index >= part.low, index < part.high, *conditions) for leading in self.leading
        ]
        return merged(self.connection, ranges, descending=part.newest_first)


def prepare(connection: Connection, query: AuditQuery) -> Search:
    """Choose what leads a query."""
    own = audit_entry.c.organization_id == query.organization_id
    filters = _filters(connection, query)
    leader = _rarest(connection, own, filters)
    others = [_looked_up(name, values) for name, values in filters.items() if name != leader]
    leading = [own] if leader is None else [own & (audit_entry.c[leader] == value) for value in filters[leader]]
    if not all(filters.values()):
        leading = []  # no code begins like that
    spans = windows.spans(connection, since=query.since, until=query.until)
    return Search(connection, leading, others, query.text, spans)


def _filters(connection: Connection, query: AuditQuery) -> dict[str, list[str]]:
    """Columns and the values that each of them may have."""
    wanted = {
        "service_id": query.service_id,
        "actor_id": query.actor,
        "outcome": None if query.outcome is None else query.outcome.value,
        "address": query.address,
    }
    filters = {name: [value] for name, value in wanted.items() if value is not None}
    if query.code is not None:
        filters["code"] = _codes(connection, query.organization_id, query.code.removesuffix("."))
    return filters


def _codes(connection: Connection, organization_id: str, beginning: str) -> list[str]:
    """The code itself if it is in the log, and those that go on after a dot."""
    column = audit_entry.c.code
    # No character of a code is below the exclamation mark, so nothing but the code itself lies before that.
    whole = distinct_values(
        connection, column, organization_id=organization_id, limit=1, start=beginning, below=f"{beginning}!"
    )
    # The character after the dot is the slash: every text that begins with "service." is below "service/".
    return whole + distinct_values(
        connection,
        column,
        organization_id=organization_id,
        limit=MAX_CODES,
        start=f"{beginning}.",
        below=f"{beginning}/",
    )


def _rarest(connection: Connection, own: Condition, filters: dict[str, list[str]]) -> str | None:
    if len(filters) < 2:  # noqa: PLR2004 - nothing to choose from
        return next(iter(filters), None)

    def count(name: str) -> int:
        counted = select(audit_entry.c.index).where(own, audit_entry.c[name].in_(filters[name])).limit(RARE).subquery()
        return connection.execute(select(func.count()).select_from(counted)).scalar_one()

    return min(filters, key=count)


def _looked_up(name: str, values: list[str]) -> Condition:
    """That a column has one of these values, written so that no index is used for it: another one leads."""
    return (audit_entry.c[name] + "").in_(values)


def _bytes_hold(text: str) -> Condition:
    """That the event's JSON holds the text somewhere: true of every match, and of some that are none."""
    return audit_entry.c.body.icontains(json.dumps(text, ensure_ascii=False)[1:-1], autoescape=True)


def holds_text(event: dict[str, Json], text: str) -> bool:
    """Whether the text is in the event's summary or in a value of its data."""
    wanted = _lower(text)
    return any(wanted in _lower(part) for part in (str(event["summary"]), *_values(event["data"])))


def _values(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _values(item)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item)
    elif value is not None:
        yield json.dumps(value) if isinstance(value, bool | int) else str(value)


def _lower(text: str) -> str:
    """Text with its ASCII letters made small: what the databases' own lower() does."""
    return text.translate(_SMALL)
