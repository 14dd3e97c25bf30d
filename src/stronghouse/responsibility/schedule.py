"""Which looks are due, and how they are spread so that not everything looks at the same moment."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stronghouse.responsibility.facts import place_of, places_of
from stronghouse.responsibility.model import Check, CheckMeta
from stronghouse.responsibility.store import Run

RUNS_PER_MAX_AGE = 4
"""A look is due after this part of its maximum age, so that one that fails can be repeated before anything is stale."""
SPREAD = 0.2
"""A look may be due earlier by up to this part of its interval: which part is fixed for each collector and place."""
RETRY_AFTER = timedelta(seconds=60)
UNTOUCHED_BY_SERVICES = frozenset(
    {"plane_access", "components", "own_process", "host_system", "host_updates", "host_sshd", "host_firewall"}
    | {"host_access", "host_listening"}
)
"""Collectors of a region whose facts do not depend on its services: a service that changes makes none of them due."""


TOUCHED_BY: Mapping[str, Collection[str]] = {
    "advisories": ("components",),
    "advisory_key": ("components",),
    "agent": ("agents", "declared_state", "documents", "guidance"),
    "api_key": ("control_access", "declared_state", "guidance"),
    "disposition": ("findings",),
    "document": ("documents",),
    "finding": ("findings",),
    "guidance": ("guidance",),
    "hosting": ("documents",),
    "invitation": ("control_access", "declared_state"),
    "key_policy": ("control_access",),
    "member": ("control_access", "declared_state"),
    "notification_channel": ("notification_channels",),
    "package": ("packages",),
    "region": ("agents", "declared_state", "documents", "guidance"),
    "responsibility": ("guidance",),
    "role": ("control_access",),
    "user": ("control_access",),
}
"""By the first word of an audit event's code: whose facts it may have changed; they are looked at again soon."""


@dataclass(frozen=True)
class Group:
    """Checks that judge the same facts from the same place; `region` is None for the control plane."""

    collector: str
    region: str | None
    checks: tuple[Check, ...]

    @property
    def place(self) -> str:
        """As stored and shown: `control` or `region/<id>`."""
        return place_of(self.region)

    @property
    def key(self) -> tuple[str, str]:
        """Collector and place."""
        return self.collector, self.place


def groups_of(checks: Iterable[Check], regions: Sequence[str]) -> list[Group]:
    """The looks that give these checks their facts: each collector once in each of its places."""
    by_collector: dict[str, list[Check]] = {}
    for check in checks:
        by_collector.setdefault(check.meta.collector, []).append(check)
    return [
        Group(collector, region, tuple(found))
        for collector, found in by_collector.items()
        for region in places_of(collector, regions)
    ]


def touched_by(codes: Iterable[str]) -> set[str]:
    """The collectors whose facts events with these codes may have changed."""
    return {collector for code in codes for collector in TOUCHED_BY.get(code.partition(".")[0], ())}


def due(
    group: Group,
    runs: Mapping[tuple[str, str], Run],
    *,
    changed: Collection[str],
    touched: Collection[str] = (),
    now: datetime,
) -> bool:
    """Whether a look is due: it never was, its checks were changed, its time has come, or what it looks at changed.

    Args:
        group: the look.
        runs: the last look of every check, by check and place.
        changed: regions in which a service came to another state since they were looked at.
        touched: collectors whose facts an act may have changed since they looked.
        now: the time.
    """
    if is_touched(group, changed=changed, touched=touched):
        return True
    return any(_due(check.meta, group, runs.get((check.meta.id, group.place)), now) for check in group.checks)


def is_touched(group: Group, *, changed: Collection[str], touched: Collection[str]) -> bool:
    """Whether what happened may have changed the facts of a look; the arguments are those of `due`."""
    by_services = group.region in changed and group.collector not in UNTOUCHED_BY_SERVICES
    return by_services or group.collector in touched


def interval(meta: CheckMeta, place: str) -> timedelta:
    """How long after one look the next is due; the same for all checks of a collector with the same maximum age."""
    digest = hashlib.sha256(f"{meta.collector} {place}".encode()).digest()
    early = SPREAD * int.from_bytes(digest[:4], "big") / 2**32
    return meta.max_age / RUNS_PER_MAX_AGE * (1 - early)


def _due(meta: CheckMeta, group: Group, run: Run | None, now: datetime) -> bool:
    if run is None or run.check_version != meta.version:
        return True
    wanted = interval(meta, group.place)
    return now - run.attempted_at >= (wanted if run.error is None else min(wanted, RETRY_AFTER))
