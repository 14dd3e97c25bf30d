"""Tables of advisories: the entries of the present feed, what is known of the feed itself, and the trusted keys."""

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import JSON, Column, Connection, Integer, String, Table, Text, delete, insert, select

from stronghouse.storage.columns import Timestamp, metadata
from stronghouse.vulnerabilities.model import Advisory, Boundary, Ecosystem, Event, Feed, FeedState, TrustedKey

advisory = Table(
    "advisory",
    metadata,
    Column("ecosystem", String(32), primary_key=True),
    Column("package", String(200), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("ranges", Text, nullable=False),
    Column("versions", Text, nullable=False),
    Column("aliases", Text, nullable=False),
    Column("severity", String(200), nullable=True),
    Column("summary", Text, nullable=False),
    Column("withdrawn_at", Timestamp, nullable=True),
)
advisory_feed = Table(
    "advisory_feed",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("feed_time", Timestamp, nullable=False),
    Column("imported_at", Timestamp, nullable=False),
    Column("source", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("signed_by", String(8), nullable=True),
    Column("entries", JSON, nullable=False),
    Column("ignored", Integer, nullable=False),
    Column("unreadable", Integer, nullable=False),
)
advisory_key = Table(
    "advisory_key",
    metadata,
    Column("id", String(8), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("verifier_key", String(400), nullable=False),
    Column("added_at", Timestamp, nullable=False),
)
_THE_FEED = 1
_ASKED_AT_ONCE = 500
_WRITTEN_AT_ONCE = 2000


def replace_feed(connection: Connection, feed: Feed, advisories: Sequence[Advisory]) -> None:
    """Put a feed and its advisories in the place of the former ones."""
    connection.execute(delete(advisory))
    for start in range(0, len(advisories), _WRITTEN_AT_ONCE):
        connection.execute(insert(advisory), [_row(one) for one in advisories[start : start + _WRITTEN_AT_ONCE]])
    connection.execute(delete(advisory_feed))
    connection.execute(
        insert(advisory_feed).values(**{**feed.__dict__, "entries": dict(feed.entries), "id": _THE_FEED})
    )


def feed(connection: Connection) -> Feed | None:
    """What was imported last; None before the first import."""
    row = connection.execute(select(advisory_feed)).one_or_none()
    if row is None:
        return None
    fields = row._asdict()
    del fields["id"]
    return Feed(**fields)


def feed_state(connection: Connection) -> FeedState | None:
    """The feed and whether the key that signed it is trusted still."""
    found = feed(connection)
    if found is None:
        return None
    return FeedState(found, found.signed_by is None or any(key.id == found.signed_by for key in keys(connection)))


def about(connection: Connection, ecosystem: str, packages: Iterable[str]) -> dict[str, list[Advisory]]:
    """The advisories about these packages, by package; names as `matching.normal_name` spells them."""
    wanted = sorted(set(packages))
    found: dict[str, list[Advisory]] = {}
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        query = select(advisory).where(
            advisory.c.ecosystem == ecosystem, advisory.c.package.in_(wanted[start : start + _ASKED_AT_ONCE])
        )
        for row in connection.execute(query):
            fields = row._asdict()
            ranges = tuple(
                tuple(Event(Boundary(edge), version) for edge, version in events)
                for events in json.loads(fields["ranges"])
            )
            fields |= {
                "ecosystem": Ecosystem(fields["ecosystem"]),
                "ranges": ranges,
                "versions": tuple(json.loads(fields["versions"])),
                "aliases": tuple(json.loads(fields["aliases"])),
            }
            found.setdefault(row.package, []).append(Advisory(**fields))
    return found


def keys(connection: Connection) -> list[TrustedKey]:
    """The trusted keys, oldest first."""
    query = select(advisory_key).order_by(advisory_key.c.added_at, advisory_key.c.id)
    return [TrustedKey(**row._asdict()) for row in connection.execute(query)]


def insert_key(connection: Connection, key: TrustedKey) -> None:
    """Keep a key."""
    connection.execute(insert(advisory_key).values(**key.__dict__))


def delete_key(connection: Connection, key_id: str) -> None:
    """Forget a key."""
    connection.execute(delete(advisory_key).where(advisory_key.c.id == key_id))


def _row(one: Advisory) -> dict[str, object]:
    ranges = [[[event.edge.value, event.version] for event in events] for events in one.ranges]
    return {
        **one.__dict__,
        "ecosystem": one.ecosystem.value,
        "ranges": json.dumps(ranges),
        "versions": json.dumps(one.versions),
        "aliases": json.dumps(one.aliases),
    }
