"""Quotas: how much somebody may do within an interval. The embedded engine only knows their names, so we count.

What a statement used is known when it ends: a limit on rows, bytes or time stops the next statement, not the one that
goes past it. Counts are in memory, as in ClickHouse, and begin anew when the worker does.

Invariants:
- Every quota that applies to somebody limits them; the order of quotas means nothing.
- An interval begins at a multiple of its length since 1970, UTC; a randomized one is moved by an offset of its own.
- Memory is bounded: what is over is forgotten first, then what was used longest ago.
"""

import secrets
from collections import Counter as Keys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Literal

from stronghouse.engine.access.catalogue import Catalogue, Quota, QuotaInterval
from stronghouse.engine.access.notation import quoted_name
from stronghouse.engine.errors import DatabaseError
from stronghouse.kernel.clock import Clock

AMOUNTS = (
    "queries",
    "query_selects",
    "query_inserts",
    "errors",
    "result_rows",
    "result_bytes",
    "read_rows",
    "read_bytes",
    "execution_time",
    "written_bytes",
    "failed_sequential_authentications",
)
"""What can be limited, by ClickHouse's names and in the order of its tables."""
SIGN_IN = "failed_sequential_authentications"
MOST_COUNTED = 20_000
"""Counters kept at most, one for each quota, interval and key."""

Kind = Literal["select", "insert", "other"]


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who uses something: the user, the roles in force, the client's address, and the key it sent (X-ClickHouse-Quota).

    `user_id` is None for a name that nobody has.
    """

    user_id: str | None
    user_name: str
    roles: frozenset[str] = frozenset()
    address: str = ""
    client_key: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """A row of `system.quotas_usage`: the interval is None for a quota without intervals.

    Attributes:
        start, end: seconds since 1970.
        used: by the names of AMOUNTS.
        users: ids of the users who were counted.
    """

    quota_id: str
    key: str
    interval: QuotaInterval | None = None
    start: int = 0
    end: int = 0
    used: Mapping[str, float] = field(default_factory=dict)
    users: frozenset[str] = frozenset()


_Place = tuple[str, str, int, bool]
"""A counter's quota, key, and interval."""


class _Counter:
    __slots__ = ("end", "interval", "offset", "used", "users")

    def __init__(self, interval: QuotaInterval) -> None:
        self.interval = interval
        self.offset = secrets.randbelow(interval.seconds) if interval.randomized else 0
        self.end = 0
        self.used: dict[str, float] = {}
        self.users: set[str] = set()

    def renew(self, now: float) -> None:
        if now >= self.end:
            seconds = self.interval.seconds
            self.end = (int(now) - self.offset) // seconds * seconds + self.offset + seconds
            self.used = {}


class QuotaKeeper:
    """Counts and refuses, from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = Lock()
        self._catalogue = Catalogue()
        self._applying: dict[tuple[str | None, frozenset[str]], tuple[Quota, ...]] = {}
        self._counters: dict[_Place, _Counter] = {}

    def check(self, catalogue: Catalogue, consumer: Consumer, kind: Kind) -> None:
        """Count a statement before it runs.

        Raises:
            DatabaseError: 201, it is one too many, or another limit was passed before; 496, a quota needs a client key.
        """
        if not catalogue.quotas:
            return
        amounts = {"queries": 1.0}
        if kind != "other":
            amounts["query_selects" if kind == "select" else "query_inserts"] = 1.0
        self._count(catalogue, consumer, amounts, beyond=tuple(name for name in AMOUNTS if name != SIGN_IN))

    def charge(self, catalogue: Catalogue, consumer: Consumer, amounts: Mapping[str, float]) -> None:
        """Count what a statement used, by the names of AMOUNTS except those that `check` counts."""
        if catalogue.quotas:
            self._count(catalogue, consumer, amounts, beyond=())

    def check_sign_in(self, catalogue: Catalogue, consumer: Consumer) -> None:
        """Refuse (201) somebody who failed to sign in too often in a row."""
        if catalogue.quotas:
            self._count(catalogue, consumer, {}, beyond=(SIGN_IN,))

    def signed_in(self, catalogue: Catalogue, consumer: Consumer, *, success: bool) -> None:
        """Count a failure to sign in; a success ends the row of them."""
        if not catalogue.quotas:
            return
        if not success:
            self._count(catalogue, consumer, {SIGN_IN: 1.0}, beyond=())
            return
        with self._turn:
            for _, _, counter in self._counters_of(catalogue, consumer):
                counter.used.pop(SIGN_IN, None)

    def usage(self, catalogue: Catalogue, consumer: Consumer | None = None) -> tuple[Usage, ...]:
        """What was used, of all quotas or of those that apply to `consumer` under its keys."""
        now = self._clock.now().timestamp()
        with self._turn:
            self._follow(catalogue)
            if consumer is not None:
                return self._usage_of(catalogue, consumer)
            found = []
            for (quota_id, key, _, _), counter in self._counters.items():
                counter.renew(now)
                found.append(_usage(quota_id, key, counter))
        counted = {usage.quota_id for usage in found}
        return (
            *found,
            *(Usage(id_, _key_of_all(quota)) for id_, quota in catalogue.quotas.items() if id_ not in counted),
        )

    def _usage_of(self, catalogue: Catalogue, consumer: Consumer) -> tuple[Usage, ...]:
        found = [_usage(quota.id, key, counter) for quota, key, counter in self._counters_of(catalogue, consumer)]
        unlimited = (quota for quota in self._quotas_of(catalogue, consumer) if not quota.intervals)
        return (*found, *(Usage(quota.id, _key(quota, consumer)) for quota in unlimited))

    def _count(
        self, catalogue: Catalogue, consumer: Consumer, amounts: Mapping[str, float], *, beyond: tuple[str, ...]
    ) -> None:
        """Add `amounts`; raises 201 when one of the amounts named in `beyond` is past its limit then."""
        with self._turn:
            exceeded: DatabaseError | None = None
            for quota, _, counter in self._counters_of(catalogue, consumer):
                if consumer.user_id is not None:
                    counter.users.add(consumer.user_id)
                for name, amount in amounts.items():
                    counter.used[name] = counter.used.get(name, 0.0) + amount
                exceeded = exceeded or _exceeded(quota, counter, consumer, beyond)
        if exceeded is not None:
            raise exceeded

    def _counters_of(self, catalogue: Catalogue, consumer: Consumer) -> list[tuple[Quota, str, _Counter]]:
        quotas = self._quotas_of(catalogue, consumer)
        if not quotas:
            return []
        now = self._clock.now().timestamp()
        found = []
        for quota in quotas:
            key = _key(quota, consumer)
            for interval in quota.intervals:
                place = (quota.id, key, interval.seconds, interval.randomized)
                counter = self._counters.pop(place, None) or _Counter(interval)
                counter.interval = interval
                counter.renew(now)
                self._counters[place] = counter  # the newest are the last
                found.append((quota, key, counter))
        if len(self._counters) > MOST_COUNTED:
            self._forget(now)
        return found

    def _quotas_of(self, catalogue: Catalogue, consumer: Consumer) -> tuple[Quota, ...]:
        self._follow(catalogue)
        who = (consumer.user_id, consumer.roles)
        quotas = self._applying.get(who)
        if quotas is None:
            ids = {*consumer.roles, *((consumer.user_id,) if consumer.user_id is not None else ())}
            quotas = tuple(quota for quota in catalogue.quotas.values() if ids and quota.targets.include(ids))
            self._applying[who] = quotas
        return quotas

    def _follow(self, catalogue: Catalogue) -> None:
        if catalogue is self._catalogue:
            return
        self._catalogue = catalogue
        self._applying = {}
        kept = {
            (quota.id, interval.seconds, interval.randomized)
            for quota in catalogue.quotas.values()
            for interval in quota.intervals
        }
        self._counters = {
            place: counter for place, counter in self._counters.items() if (place[0], place[2], place[3]) in kept
        }

    def _forget(self, now: float) -> None:
        over = [place for place, counter in self._counters.items() if counter.end <= now]
        for place in over:
            del self._counters[place]
        excess = len(self._counters) - MOST_COUNTED
        if excess > 0:
            # Of the quota with the most keys: whoever makes up keys can push out nobody else's count.
            quota_id, _ = Keys(place[0] for place in self._counters).most_common(1)[0]
            own = [place for place in self._counters if place[0] == quota_id]
            for place in own[: excess + len(own) // 10]:
                del self._counters[place]


def _key(quota: Quota, consumer: Consumer) -> str:
    if quota.key == "user_name":
        return consumer.user_name
    if quota.key in {"ip_address", "forwarded_ip_address"}:
        return consumer.address
    if quota.key == "client_key":
        if not consumer.client_key:
            raise DatabaseError(
                496,
                "QUOTA_REQUIRES_CLIENT_KEY",
                f"Quota {quoted_name(quota.name)} (for user {quoted_name(consumer.user_name)}) "
                "requires a client supplied key.",
            )
        return consumer.client_key
    return ""


def _key_of_all(quota: Quota) -> str:
    return "" if quota.key == "none" else quota.name


def _usage(quota_id: str, key: str, counter: _Counter) -> Usage:
    start = counter.end - counter.interval.seconds
    return Usage(quota_id, key, counter.interval, start, counter.end, dict(counter.used), frozenset(counter.users))


def _exceeded(quota: Quota, counter: _Counter, consumer: Consumer, names: tuple[str, ...]) -> DatabaseError | None:
    for name, limit in counter.interval.limits:
        used = counter.used.get(name, 0.0)
        if name in names and used > limit:
            end = datetime.fromtimestamp(counter.end, UTC).strftime("%Y-%m-%d %H:%M:%S")
            return DatabaseError(
                201,
                "QUOTA_EXCEEDED",
                f"Quota for user {quoted_name(consumer.user_name)} for {counter.interval.seconds}s has been exceeded: "
                f"{name} = {_number(used)}/{_number(limit)}. Interval will end at {end}. "
                f"Name of quota template: {quoted_name(quota.name)}",
            )
    return None


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6g}"
