"""The log's tables. `audit_entry` holds bodies, `audit_node` the complete subtrees, `audit_checkpoint` signed heads.

Columns beside `body` repeat what is in it, so that the log can be filtered; `verification` compares the two. Every
index for a filter ends in `index`, so that a page is read in the log's own order without sorting.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    tuple_,
)

from stronghouse.audit import tree
from stronghouse.kernel.canonical import Json
from stronghouse.storage.columns import Timestamp, identifier, metadata
from stronghouse.storage.streams import streamed

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", identifier(), nullable=False, unique=True),
    Column("created_at", Timestamp, nullable=False, index=True),
    Column("organization_id", identifier(), nullable=True),
    Column("service_id", identifier(), nullable=True),
    Column("code", String(80), nullable=False),
    Column("activity", String(80), nullable=True),
    Column("body", Text, nullable=False),
    Column("leaf_hash", LargeBinary(32), nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("address", String(64), nullable=True),
    Index(None, "organization_id", "index"),
    Index(None, "organization_id", "code", "index"),
    Index(None, "organization_id", "service_id", "index"),
    Index(None, "organization_id", "actor_id", "index"),
    Index(None, "organization_id", "outcome", "index"),
    Index(None, "organization_id", "address", "index"),
)
audit_clock_step = Table(
    "audit_clock_step",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    comment="entries whose time is before that of the entry before them; between two of these, time only grows",
)
audit_node = Table(
    "audit_node",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)
audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("created_at", Timestamp, nullable=False),
    Column("note", Text, nullable=False),
)


@dataclass(frozen=True)
class Entry:
    """One leaf of the log with the event it commits to."""

    index: int
    event_id: str
    created_at: datetime
    organization_id: str | None
    service_id: str | None
    code: str
    activity: str | None
    body: str
    leaf_hash: bytes
    actor_id: str
    outcome: str
    address: str | None

    def event(self) -> dict[str, Json]:
        """The event as it was recorded."""
        return cast("dict[str, Json]", json.loads(self.body))


def size(connection: Connection) -> int:
    """How many leaves the log has."""
    last = connection.execute(select(func.max(audit_entry.c.index))).scalar_one()
    return 0 if last is None else int(last) + 1


def nodes(connection: Connection) -> tree.Nodes:
    """Access to stored subtree hashes for the tree functions."""

    def node(level: int, index: int) -> bytes:
        query = select(audit_node.c.hash).where(audit_node.c.level == level, audit_node.c.index == index)
        return bytes(connection.execute(query).scalar_one())

    return node


Peaks = dict[tuple[int, int], bytes]
"""Hashes of complete subtrees by (level, index)."""


def peaks(connection: Connection, size: int) -> Peaks:
    """What the first `size` leaves are made of, in one query: a server would be asked for each node otherwise.

    One that is missing from the database is missing here.
    """
    places = tuple_(audit_node.c.level, audit_node.c.index).in_(tree.peaks(size))
    query = select(audit_node.c.level, audit_node.c.index, audit_node.c.hash).where(places)
    return {(level, index): bytes(value) for level, index, value in connection.execute(query)}


def append(connection: Connection, entries: Sequence[Entry], known: Peaks) -> None:
    """Add leaves at the end and the subtrees that they complete; `known` are the peaks before, and those after too."""
    rows: list[dict[str, object]] = []
    for entry in entries:
        for level, index, value in tree.append(entry.index, entry.leaf_hash, lambda *place: known[place]):
            known[level, index] = value
            rows.append({"level": level, "index": index, "hash": value})
    connection.execute(insert(audit_entry), [entry.__dict__ for entry in entries])
    connection.execute(insert(audit_node), rows)


def time_of(connection: Connection, index: int) -> datetime | None:
    """The time of entry `index`, or of the next one that is there; None beyond the end."""
    query = select(audit_entry.c.created_at).where(audit_entry.c.index >= index).order_by(audit_entry.c.index).limit(1)
    return connection.execute(query).scalar_one_or_none()


def add_clock_step(connection: Connection, index: int) -> None:
    """Note that the clock ran backwards before entry `index`."""
    connection.execute(insert(audit_clock_step).values(index=index))


def clock_steps(connection: Connection) -> list[int]:
    """The entries before which the clock ran backwards, in order."""
    return list(connection.execute(select(audit_clock_step.c.index).order_by(audit_clock_step.c.index)).scalars())


def add_checkpoint(connection: Connection, *, size: int, created_at: datetime, note: str) -> None:
    """Keep a signed head."""
    connection.execute(insert(audit_checkpoint).values(size=size, created_at=created_at, note=note))


def latest_checkpoint(connection: Connection) -> str | None:
    """The newest signed head, or None for an empty log."""
    query = select(audit_checkpoint.c.note).order_by(audit_checkpoint.c.size.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


def checkpoint_of(connection: Connection, size: int) -> str | None:
    """The signed head of the first `size` entries, if a transaction ended there."""
    query = select(audit_checkpoint.c.note).where(audit_checkpoint.c.size == size)
    return connection.execute(query).scalar_one_or_none()


def checkpoints(connection: Connection) -> Iterator[tuple[int, str]]:
    """Every signed head as (size, note), oldest first."""
    for row in connection.execute(
        select(audit_checkpoint.c.size, audit_checkpoint.c.note).order_by(audit_checkpoint.c.size)
    ):
        yield int(row.size), str(row.note)


def entries(connection: Connection, *, start: int = 0, count: int | None = None) -> Iterator[Entry]:
    """Entries of the whole log in order, from leaf `start`."""
    query = select(audit_entry).where(audit_entry.c.index >= start).order_by(audit_entry.c.index).limit(count)
    for row in streamed(connection, query):
        yield entry_of(row)


def latest_time(connection: Connection) -> datetime | None:
    """The latest time that any entry carries; it is the newest entry's as long as the clock ran forward."""
    latest: datetime | None = connection.execute(select(func.max(audit_entry.c.created_at))).scalar_one()
    return latest


def entries_of(connection: Connection, codes: Iterable[str]) -> Iterator[Entry]:
    """Entries with one of these codes, in order."""
    query = select(audit_entry).where(audit_entry.c.code.in_(list(codes))).order_by(audit_entry.c.index)
    for row in streamed(connection, query):
        yield entry_of(row)


def page(
    connection: Connection,
    *,
    organization_id: str,
    before: int | None = None,
    limit: int | None = 100,
    activities_only: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Entry]:
    """An organization's entries, newest first, with an index below `before`, within [since, until)."""
    query = select(audit_entry).where(audit_entry.c.organization_id == organization_id)
    if before is not None:
        query = query.where(audit_entry.c.index < before)
    if activities_only:
        query = query.where(audit_entry.c.activity.is_not(None))
    if since is not None:
        query = query.where(audit_entry.c.created_at >= since)
    if until is not None:
        query = query.where(audit_entry.c.created_at < until)
    return [entry_of(row) for row in connection.execute(query.order_by(audit_entry.c.index.desc()).limit(limit))]


def find(connection: Connection, *, organization_id: str, event_id: str) -> Entry | None:
    """An organization's entry by its event id."""
    query = select(audit_entry).where(
        audit_entry.c.organization_id == organization_id, audit_entry.c.event_id == event_id
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else entry_of(row)


def entry_of(row: Row[tuple[object, ...]]) -> Entry:
    """A row of `audit_entry`."""
    return Entry(**{**row._asdict(), "leaf_hash": bytes(row.leaf_hash)})
