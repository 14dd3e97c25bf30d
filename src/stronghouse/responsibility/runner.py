"""Runs checks when they are due, or by hand: collects facts once for all checks that need them, judges, records.

Whatever goes wrong in a collector or an evaluator becomes the state `error` of its checks, and of no others.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Invalid, StronghouseError
from stronghouse.responsibility import actions, store
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.facts import Facts, Resource, place_of, places_of
from stronghouse.responsibility.model import Check, Result
from stronghouse.responsibility.ports import FactSource, Ownership

RUNS_PER_MAX_AGE = 4
"""A look is due after this part of its maximum age, so that one that fails can be repeated before anything is stale."""
RETRY_AFTER = timedelta(seconds=60)
ALLOWED_SKEW = timedelta(seconds=60)
"""Clocks further apart than this make ages meaningless (design.md section 1)."""
POLL_SECONDS = 5.0
_log = structlog.get_logger()


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


class CheckRunner:
    """Runs the checks of a catalogue.

    Args:
        audit: where evidence and results are recorded.
        sources: runs the collectors.
        ownership: whose a service is.
        catalogue: what to run.
        clock: the time.
        concurrency: how many collectors run at once.
    """

    def __init__(
        self,
        audit: AuditLog,
        *,
        sources: FactSource,
        ownership: Ownership,
        catalogue: Catalogue,
        clock: Clock,
        concurrency: int = 2,
    ) -> None:
        self._audit = audit
        self._sources = sources
        self._ownership = ownership
        self._catalogue = catalogue
        self._clock = clock
        self._concurrency = concurrency
        self._turn = threading.Lock()  # a run by hand and a due one must not interleave
        self._changed: set[str] = set()  # regions where a look that was made may be out of date

    def run_due(self) -> int:
        """Run what is due now and wait for it; how many collectors ran."""
        return self._run(self._due(), progress=None)

    def note_change(self, region: str) -> None:
        """Something changed in a region: what is known of it is looked at again soon. From any thread."""
        self._changed.add(region)

    def run(
        self,
        *,
        check_id: str | None = None,
        row_id: str | None = None,
        progress: Callable[[Group], None] | None = None,
    ) -> int:
        """Run now, due or not: everything, the checks of one row, or one check; how many collectors ran.

        `progress` is told of each group when it is done, from a worker thread.

        Raises:
            Invalid: there is no such check, or none for that row.
        """
        wanted = [check for check in self._catalogue.checks.values() if check_id in {None, check.meta.id}]
        if row_id is not None:
            of_row = {check.meta.id for check in self._catalogue.checks_of_row(row_id)}
            wanted = [check for check in wanted if check.meta.id in of_row]
        if not wanted:
            raise Invalid("There is no such check.", code="check_unknown")
        return self._run(self._groups(wanted), progress)

    def run_forever(self, stop: threading.Event) -> None:
        """Run what becomes due until `stop` is set. For a thread of its own."""
        while not stop.is_set():
            try:
                self.run_due()
            except Exception:  # noqa: BLE001 - the edge of this thread: without it no check would ever run again
                _log.exception("checks_interrupted")
            stop.wait(POLL_SECONDS)

    def _due(self) -> list[Group]:
        now = self._clock.now()
        changed = {place_of(region) for region in (self._changed.pop() for _ in range(len(self._changed)))}
        with self._audit.database.read() as connection:
            runs = store.runs(connection)

        def due(check: Check, place: str) -> bool:
            run = runs.get((check.meta.id, place))
            if run is None or run.check_version != check.meta.version or place in changed:
                return True
            interval = check.meta.max_age / RUNS_PER_MAX_AGE
            return now - run.attempted_at >= (interval if run.error is None else min(interval, RETRY_AFTER))

        groups = self._groups(self._catalogue.checks.values())
        return [group for group in groups if any(due(check, group.place) for check in group.checks)]

    def _groups(self, checks: Iterable[Check]) -> list[Group]:
        by_collector: dict[str, list[Check]] = {}
        for check in checks:
            by_collector.setdefault(check.meta.collector, []).append(check)
        regions = self._sources.regions()
        return [
            Group(collector, region, tuple(found))
            for collector, found in by_collector.items()
            for region in places_of(collector, regions)
        ]

    def _run(self, groups: Sequence[Group], progress: Callable[[Group], None] | None) -> int:
        def run_one(group: Group) -> None:
            self._run_group(group)
            if progress is not None:
                progress(group)

        with self._turn, ThreadPoolExecutor(self._concurrency, thread_name_prefix="check") as pool:
            list(pool.map(run_one, groups))
        return len(groups)

    def _run_group(self, group: Group) -> None:
        started = self._clock.now()
        try:
            facts = Facts.from_json(self._sources.collect(group.collector, group.region))
            self._require_own(facts, group, started)
            look = self._judge(group, facts)
            with self._audit.unit_of_work(Context(SYSTEM)) as uow:
                actions.record_look(uow, look, now=self._clock.now())
        except Exception as error:  # noqa: BLE001 - the edge of a check: whatever failed, its state is error, never a pass
            _log.warning("collector_failed", collector=group.collector, place=group.place, reason=_private(error))
            self._record_failure(group, _public(error))

    def _require_own(self, facts: Facts, group: Group, started: datetime) -> None:
        if facts.collector != group.collector:
            raise Invalid(f"The collector {group.collector} answered with facts of {facts.collector}.")
        if not started - ALLOWED_SKEW <= facts.collected_at <= self._clock.now() + ALLOWED_SKEW:
            raise Invalid("The clock there differs by more than 60 seconds, so the age of its evidence is unknown.")

    def _judge(self, group: Group, facts: Facts) -> actions.Look:
        shares = self._shares(facts, group.region)
        errors: dict[str, str] = {}
        judged: list[dict[str, list[Result]]] = [{} for _ in shares]
        for check in group.checks:
            try:
                for share, results in zip(shares.values(), judged, strict=True):
                    results[check.meta.id] = evaluate(check, share)
            except Exception as error:  # noqa: BLE001 - the edge of an evaluator: it must not take the others with it
                _log.warning("evaluator_failed", check=check.meta.id, place=group.place, reason=_private(error))
                errors[check.meta.id] = _public(error)
        parts = [
            actions.Part(organization_id, share, results)
            for (organization_id, share), results in zip(shares.items(), judged, strict=True)
        ]
        return actions.Look(group.place, facts.collected_at, [check.meta for check in group.checks], parts, errors)

    def _shares(self, facts: Facts, region: str | None) -> Mapping[str | None, Facts]:
        """The facts by the organization that may see them. What belongs to no one belongs to the installation."""
        shares: dict[str | None, list[Resource]] = {}
        owners: dict[str, str | None] = {}
        for resource in facts.resources:
            owner = resource.organization_id
            if owner is not None and region is not None:
                raise Invalid("An agent must not say which organization its facts belong to.", code="facts_malformed")
            if resource.service_id is not None:
                if resource.service_id not in owners:
                    owners[resource.service_id] = self._ownership.organization_of(resource.service_id)
                owner = owners[resource.service_id]
                if owner is None:
                    continue  # deleted meanwhile, or invented by the agent: nobody may see it
            shares.setdefault(owner, []).append(resource)
        return {owner: facts.only(found) for owner, found in (shares or {None: []}).items()}

    def _record_failure(self, group: Group, reason: str) -> None:
        now = self._clock.now()
        with self._audit.database.read() as connection:
            runs = store.runs(connection)
        failing = {check.meta.id for check in group.checks if _failing(runs.get((check.meta.id, group.place)))}
        news = [check.meta for check in group.checks if check.meta.id not in failing]
        if news:
            with self._audit.unit_of_work(Context(SYSTEM)) as uow:
                for meta in news:
                    actions.record_failure(uow, meta, place=group.place, reason=reason, now=now)
        if failing:
            with self._audit.bookkeeping("a look that fails again is no news; only its time is kept") as connection:
                for check_id in failing:
                    actions.note_repeated_failure(connection, check_id, place=group.place, reason=reason, now=now)


def _failing(run: store.Run | None) -> bool:
    return run is not None and run.error is not None


def _public(error: Exception) -> str:
    """Why, for people; what is not ours may hold anything, so only its kind is told."""
    return error.public if isinstance(error, StronghouseError) else f"it failed unexpectedly ({type(error).__name__})."


def _private(error: Exception) -> str:
    detail = error.detail if isinstance(error, StronghouseError) else None
    return f"{error!r} {detail or ''}".strip()
