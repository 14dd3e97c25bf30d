"""The words of the area: an advisory says which versions of a package are affected, a feed is what was imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MAX_FEED_AGE = timedelta(days=14)
"""A feed older than this proves nothing any more."""
MAX_LIST_AGE = timedelta(days=90)
"""The engine's list comes with a release of Stronghouse, so it may be older."""


class Ecosystem(StrEnum):
    """Where the names of packages come from, as OSV writes it; entries of no other ecosystem are kept."""

    PYPI = "PyPI"
    CLICKHOUSE = "ClickHouse"
    """The engine; its versions are compared for each release line."""
    BITNAMI = "Bitnami"
    """Has entries for programs that no language's registry knows: `envoy`, `python`."""


class Boundary(StrEnum):
    """What happens at a version of a range (OSV's events)."""

    INTRODUCED = "introduced"
    FIXED = "fixed"
    LAST_AFFECTED = "last_affected"
    LIMIT = "limit"


@dataclass(frozen=True)
class Event:
    """One boundary of a range; the version `0` stands before every other."""

    edge: Boundary
    version: str


@dataclass(frozen=True, kw_only=True)
class Advisory:
    """What one advisory says about one package.

    Attributes:
        ranges: each a list of boundaries.
        versions: affected ones, listed by name.
        severity: as the source gives it; None where it gives none.
        withdrawn_at: when its source took it back; such an advisory says nothing.
    """

    id: str
    ecosystem: Ecosystem
    package: str
    ranges: tuple[tuple[Event, ...], ...]
    versions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    severity: str | None = None
    summary: str = ""
    withdrawn_at: datetime | None = None


class Verdict(StrEnum):
    """Whether a version is affected by an advisory."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not_affected"
    UNKNOWN = "unknown"
    """The version or a boundary has a form that cannot be compared."""


@dataclass(frozen=True)
class Match:
    """An advisory that affects a component, or may: `verdict` is AFFECTED or UNKNOWN.

    `fixed` names the versions that mend it, the nearest first; empty where none is known.
    """

    advisory: Advisory
    verdict: Verdict
    fixed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What was imported last.

    Attributes:
        feed_time: the state of knowledge that the feed stands for, by its manifest or its newest entry.
        imported_at: when it was brought in.
        source: where it comes from, by its manifest, or the word of who imported it.
        sha256: of the file, hex.
        signed_by: id of the key that signed the manifest; None for a feed that was taken unsigned.
        entries: kept advisories by ecosystem, each counted once for each package.
        ignored: entries about packages of other ecosystems.
        unreadable: entries that could not be read.
    """

    feed_time: datetime
    imported_at: datetime
    source: str
    sha256: str
    signed_by: str | None
    entries: Mapping[str, int]
    ignored: int
    unreadable: int


@dataclass(frozen=True)
class TrustedKey:
    """A key whose manifests are believed. `id` is the hash in the C2SP verifier key, 8 hex digits."""

    id: str
    name: str
    verifier_key: str
    added_at: datetime


@dataclass(frozen=True)
class FeedState:
    """The feed and whether it may be relied on: `trusted` is False when the key that signed it no longer is."""

    feed: Feed
    trusted: bool

    def usable(self, now: datetime) -> bool:
        """Whether what it does not name counts as clean."""
        return self.trusted and now - self.feed.feed_time <= MAX_FEED_AGE
