"""Runs checks when they are due, or by hand: collects facts once for all checks that need them, judges, records.

Whatever goes wrong in a collector or an evaluator becomes the state `error` of its checks, and of no others. A
collector that does not end is given up after a deadline: what it says later is discarded, and while it still hangs the
same look is not begun again, so that it takes one thread and not more.
"""

import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from stronghouse.audit.event import SYSTEM, AuditEvent, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Invalid, StronghouseError, Unavailable
from stronghouse.responsibility import actions, store
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.facts import OF_EVERY_SERVICE, Facts, Resource
from stronghouse.responsibility.model import Result
from stronghouse.responsibility.ports import FactSource, Ownership
from stronghouse.responsibility.schedule import Group, due, groups_of, is_touched, touched_by
from stronghouse.responsibility.side_by_side import side_by_side

DEADLINE_SECONDS = 90.0
"""Longer than an agent is given to answer (`app.fact_source`), so that its own reason is told where it has one."""
ALLOWED_SKEW = timedelta(seconds=60)
"""Clocks further apart than this make ages meaningless (design.md section 1)."""
POLL_SECONDS = 5.0
NEWS_SECONDS = 1.0
"""How soon after something happened what it may have changed is looked at; events that come together make one look."""
STOPPING = "The control plane is stopping."
_log = structlog.get_logger()


class Observer(Protocol):
    """Is told how the looks of a run go, from worker threads."""

    def begun(self, group: Group) -> None:
        """A look begins now."""
        ...

    def ended(self, group: Group, error: str | None, seconds: float) -> None:
        """A look ended and is recorded; `error` says for people why it failed, None if it did not."""
        ...


class CheckRunner:
    """Runs the checks of a catalogue.

    Args:
        audit: where evidence and results are recorded.
        sources: runs the collectors.
        ownership: whose a service is.
        catalogue: what to run.
        clock: the time.
        concurrency: how many collectors run at once in one place, whoever asked for them.
        deadline: seconds that one collector is given.
        stopping: set when the process ends: nothing is looked at any more, and what a look under way says then is not
            kept, for it may fail only because everything around it ends.
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
        deadline: float = DEADLINE_SECONDS,
        stopping: threading.Event | None = None,
    ) -> None:
        self._audit = audit
        self._sources = sources
        self._ownership = ownership
        self._catalogue = catalogue
        self._clock = clock
        self._concurrency = concurrency
        self._deadline = deadline
        self._stopping = stopping or threading.Event()
        self._slots: dict[str, threading.BoundedSemaphore] = {}  # by place, whoever asked for the look
        self._turns: dict[tuple[str, str], threading.Lock] = {}  # two looks of one group must not interleave
        self._hanging: dict[tuple[str, str], threading.Thread] = {}
        self._seconds: dict[tuple[str, str], float] = {}
        self._changed: set[str] = set()  # regions where a look that was made may be out of date
        self._touched: set[str] = set()  # collectors of which the same is true
        self._again: set[tuple[str, str]] = set()  # looks that something happened under: their facts may be older
        self._under_way: set[tuple[str, str]] = set()  # looks of `run_forever` that have not ended
        self._news = threading.Event()
        audit.listeners.append(self._note_events)

    def run_due(self) -> int:
        """Run what is due now and wait for it; how many collectors ran."""
        return self.run_groups(self._due())

    def begin_due(self) -> int:
        """Begin what is due now, unless it is under way already, without waiting for it; how many collectors.

        A region whose agent is silent keeps its own looks waiting, and no others: one thread for each begun round.
        """
        groups = self._due()
        keys = {group.key for group in groups}
        self._under_way.update(keys)
        round_ = _Round(self._under_way, keys)

        def work() -> None:
            try:
                self.run_groups(groups, round_)
            except Exception:  # noqa: BLE001 - the edge of this thread: the next round tries again
                _log.exception("checks_interrupted")
            finally:
                self._under_way.difference_update(round_.keys)

        if groups:
            threading.Thread(target=work, name="checks-due", daemon=True).start()
        return len(groups)

    def note_change(self, region: str) -> None:
        """A service of a region changed: what is known of the region's services is looked at again soon.

        From any thread.
        """
        self._changed.add(region)
        self._news.set()

    def _note_events(self, events: Sequence[AuditEvent]) -> None:
        """Something was done: what it may have changed is looked at again soon. From any thread."""
        touched = touched_by(event.code for event in events)
        if touched:
            self._touched.update(touched)
            self._news.set()

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
        return self.run_groups(self.plan(check_id=check_id, row_id=row_id), _Told(progress) if progress else None)

    def plan(self, *, check_id: str | None = None, row_id: str | None = None) -> list[Group]:
        """What `run` would look at; raises Invalid as it does."""
        wanted = [check for check in self._catalogue.checks.values() if check_id in {None, check.meta.id}]
        if row_id is not None:
            of_row = {check.meta.id for check in self._catalogue.checks_of_row(row_id)}
            wanted = [check for check in wanted if check.meta.id in of_row]
        if not wanted:
            raise Invalid("There is no such check.", code="check_unknown")
        return groups_of(wanted, self._sources.regions())

    def run_groups(self, groups: Sequence[Group], observer: Observer | None = None) -> int:
        """Look at these now and wait until all are recorded; how many there were."""
        by_place: dict[str, list[Group]] = {}
        for group in groups:
            by_place.setdefault(group.place, []).append(group)

        def run_place(place: str) -> None:
            work = functools.partial(self._run_group, observer=observer)
            side_by_side(by_place[place], work, workers=self._concurrency, name=f"check-{place}")

        # A region that does not answer must not hold up the others: each place has slots of its own.
        side_by_side(list(by_place), run_place, workers=len(by_place), name="checks-of")
        return len(groups)

    def seconds(self) -> Mapping[tuple[str, str], float]:
        """How long the last look of each collector in each place took, since this process started."""
        return dict(self._seconds)

    def run_forever(self, stop: threading.Event) -> None:
        """Run what becomes due until `stop` is set. For a thread of its own."""
        while not stop.is_set():
            self._news.clear()
            try:
                self.begin_due()
            except Exception:  # noqa: BLE001 - the edge of this thread: without it no check would ever run again
                _log.exception("checks_interrupted")
            self._await_news(stop)

    def _await_news(self, stop: threading.Event) -> None:
        until = time.monotonic() + POLL_SECONDS
        while not stop.wait(NEWS_SECONDS):
            if self._news.is_set() or time.monotonic() >= until:
                return

    def _due(self) -> list[Group]:
        now = self._clock.now()
        changed = {self._changed.pop() for _ in range(len(self._changed))}
        touched = {self._touched.pop() for _ in range(len(self._touched))}
        with self._audit.database.read() as connection:
            runs = store.runs(connection)
        groups = groups_of(self._catalogue.checks.values(), self._sources.regions())
        wanted = [
            group
            for group in groups
            if group.key in self._again or due(group, runs, changed=changed, touched=touched, now=now)
        ]
        free = [group for group in wanted if group.key not in self._under_way and not self._hangs(group)]
        # What is under way may have read its facts before what happened: it is due again once it has ended.
        busy = {group.key for group in wanted if is_touched(group, changed=changed, touched=touched)}
        self._again = (self._again | busy) - {group.key for group in free}
        return free

    def _hangs(self, group: Group) -> bool:
        thread = self._hanging.get(group.key)
        return thread is not None and thread.is_alive()

    def _run_group(self, group: Group, observer: Observer | None) -> None:
        slots = self._slots.setdefault(group.place, threading.BoundedSemaphore(self._concurrency))
        with self._turns.setdefault(group.key, threading.Lock()), slots:
            if self._stopping.is_set():
                return
            if observer is not None:
                observer.begun(group)
            began = time.monotonic()
            error = self._look(group)
            seconds = time.monotonic() - began
            self._seconds[group.key] = seconds
            if observer is not None:
                observer.ended(group, error, seconds)

    def _look(self, group: Group) -> str | None:
        """Collect, judge, record; why it failed, None if it did not."""
        started = self._clock.now()
        try:
            expected = self._expected(group)
            facts = Facts.from_json(self._collect(group))
            self._require_own(facts, group, started)
            self._require_whole(facts, group, expected)
            if self._stopping.is_set():
                return STOPPING
            look = self._judge(group, facts)
            with self._audit.unit_of_work(Context(SYSTEM)) as uow:
                actions.record_look(uow, look, now=self._clock.now())
        except Exception as error:  # noqa: BLE001 - the edge of a check: whatever failed, its state is error, never a pass
            if self._stopping.is_set():
                return STOPPING
            _log.warning("collector_failed", collector=group.collector, place=group.place, reason=_private(error))
            self._record_failure(group, _public(error))
            return _public(error)
        return None

    def _collect(self, group: Group) -> Json:
        """What the collector says, within the deadline.

        Raises:
            Unavailable: it did not end in time, or the look before this one still hangs.
        """
        if self._hangs(group):
            raise Unavailable("The look before this one has not ended yet.")
        answer: Future[Json] = Future()

        def collect() -> None:
            try:
                answer.set_result(self._sources.collect(group.collector, group.region))
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for it
                answer.set_exception(error)

        # A daemon: a collector that never ends must not keep the process alive.
        thread = threading.Thread(target=collect, name=f"collect-{group.collector}", daemon=True)
        thread.start()
        try:
            return answer.result(self._deadline)
        except TimeoutError:
            if answer.done():
                raise  # it was the collector's own
            self._hanging[group.key] = thread
            raise Unavailable(f"It did not answer within {self._deadline:.0f} seconds.") from None

    def _require_own(self, facts: Facts, group: Group, started: datetime) -> None:
        if facts.collector != group.collector:
            raise Invalid(f"The collector {group.collector} answered with facts of {facts.collector}.")
        if not started - ALLOWED_SKEW <= facts.collected_at <= self._clock.now() + ALLOWED_SKEW:
            raise Invalid("The clock there differs by more than 60 seconds, so the age of its evidence is unknown.")

    def _expected(self, group: Group) -> frozenset[str]:
        """The services that the facts must tell of."""
        if group.region is None or group.collector not in OF_EVERY_SERVICE:
            return frozenset()
        return frozenset(self._ownership.expected_in(group.region))

    def _require_whole(self, facts: Facts, group: Group, expected: frozenset[str]) -> None:
        """Refuse an answer that leaves out a service which was there before the look and still is.

        Otherwise what is wrong with that service would count as mended.
        """
        missing = (expected & self._expected(group)) - {resource.service_id for resource in facts.resources}
        if missing:
            raise Unavailable(f"The region's answer leaves out {len(missing)} of its services.", code="facts_partial")

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
                    owners[resource.service_id] = self._ownership.organization_of(resource.service_id, region)
                owner = owners[resource.service_id]
                if owner is None:
                    continue  # deleted meanwhile, invented, or another region's: nobody may see it
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


@dataclass(frozen=True)
class _Told:
    """Tells a function of each look that ended."""

    progress: Callable[[Group], None]

    def begun(self, group: Group) -> None:
        """Nothing to tell yet."""

    def ended(self, group: Group, error: str | None, seconds: float) -> None:  # noqa: ARG002 - the protocol's
        """Tell of it."""
        self.progress(group)


@dataclass(frozen=True)
class _Round:
    """Strikes each look that ended off those under way, so that it can be begun again before its round is over."""

    under_way: set[tuple[str, str]]
    keys: set[tuple[str, str]]

    def begun(self, group: Group) -> None:
        """It is noted already."""

    def ended(self, group: Group, error: str | None, seconds: float) -> None:  # noqa: ARG002 - the protocol's
        """Note it."""
        self.keys.discard(group.key)
        self.under_way.discard(group.key)


def _failing(run: store.Run | None) -> bool:
    return run is not None and run.error is not None


def _public(error: Exception) -> str:
    """Why, for people; what is not ours may hold anything, so only its kind is told."""
    return error.public if isinstance(error, StronghouseError) else f"it failed unexpectedly ({type(error).__name__})."


def _private(error: Exception) -> str:
    detail = error.detail if isinstance(error, StronghouseError) else None
    return f"{error!r} {detail or ''}".strip()
