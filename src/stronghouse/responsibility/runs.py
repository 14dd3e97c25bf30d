"""Runs by hand: one at a time for the whole installation, the rest wait in a short queue; progress is kept in memory.

A run is no state of record: what it finds is evidence and results, which are stored like those of any other look.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from stronghouse.audit.event import Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, rfc3339
from stronghouse.kernel.errors import NotFound, StronghouseError, TooMany
from stronghouse.kernel.ids import new_id
from stronghouse.responsibility.events import ChecksRun
from stronghouse.responsibility.runner import CheckRunner
from stronghouse.responsibility.schedule import Group

MAX_WAITING = 8
"""Of one organization."""
MAX_KEPT = 100
STARTS = 60
WINDOW = timedelta(minutes=10)
"""An organization may start so many runs in this time: any of them may look at the whole installation."""
RETRY_SECONDS = 15
POLL_SECONDS = 0.5
_log = structlog.get_logger()


class RunsExhausted(TooMany):
    """Too many runs wait, or this organization started too many. `retry_after` is in seconds."""

    def __init__(self, public: str, *, retry_after: int) -> None:
        super().__init__(f"{public} Try again in {retry_after} seconds.", code="check_runs_exhausted")
        self.retry_after = retry_after


class RunState(StrEnum):
    """Of a run, or of one look in it."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class GroupProgress:
    """How far one look is. `reason` says why it failed."""

    group: Group
    state: RunState = RunState.WAITING
    seconds: float | None = None
    reason: str | None = None


@dataclass
class Run:
    """One run by hand. `row_id` and `check_id` are its scope; both None stands for everything."""

    id: str
    organization_id: str
    row_id: str | None
    check_id: str | None
    requested_at: datetime
    groups: Mapping[tuple[str, str], GroupProgress]
    state: RunState = RunState.WAITING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begun(self, group: Group) -> None:
        """A look begins."""
        with self.lock:
            self.groups[group.key].state = RunState.RUNNING

    def ended(self, group: Group, error: str | None, seconds: float) -> None:
        """A look is over."""
        with self.lock:
            progress = self.groups[group.key]
            progress.state = RunState.DONE if error is None else RunState.FAILED
            progress.seconds, progress.reason = seconds, error

    def to_json(self) -> dict[str, Json]:
        """As the API shows it."""
        with self.lock:
            groups = [_group(progress) for progress in self.groups.values()]
            over = [one for one in self.groups.values() if one.state in {RunState.DONE, RunState.FAILED}]
            return {
                "id": self.id,
                "row": self.row_id,
                "check": self.check_id,
                "state": self.state.value,
                "requestedAt": rfc3339(self.requested_at),
                "startedAt": None if self.started_at is None else rfc3339(self.started_at),
                "endedAt": None if self.ended_at is None else rfc3339(self.ended_at),
                "total": len(groups),
                "done": len(over),
                "groups": [*groups],
            }


class CheckRuns:
    """Starts runs by hand and knows how they go. `run_forever` does them, one after the other."""

    def __init__(self, runner: CheckRunner, audit: AuditLog, clock: Clock) -> None:
        self.runner = runner
        self._audit = audit
        self._clock = clock
        self._turn = threading.Lock()
        self._news = threading.Condition(self._turn)
        self._kept: OrderedDict[str, Run] = OrderedDict()
        self._waiting: deque[Run] = deque()
        self._starts: dict[str, deque[datetime]] = {}

    def start(
        self, context: Context, *, organization_id: str, row_id: str | None = None, check_id: str | None = None
    ) -> Run:
        """Ask for a run: the one that is asked for already, or a new one, which begins when those before it are done.

        Raises:
            Invalid: there is no such check, or none for that row.
            RunsExhausted: too many of this organization wait, or this organization started too many lately.
        """
        groups = self.runner.plan(check_id=check_id, row_id=row_id)
        with self._turn:
            unfinished = self._unfinished(organization_id, row_id, check_id)
            if unfinished is not None:
                return unfinished
            self._require_room(organization_id)
            progress = {group.key: GroupProgress(group) for group in groups}
            run = Run(new_id(), organization_id, row_id, check_id, self._clock.now(), progress)
            with self._audit.unit_of_work(context) as uow:
                uow.record(ChecksRun(organization_id=organization_id, run=run.id, row=row_id, check=check_id))
            self._starts.setdefault(organization_id, deque()).append(run.requested_at)
            self._keep(run)
            self._waiting.append(run)
            self._news.notify_all()
            return run

    def find(self, run_id: str, *, organization_id: str) -> Run:
        """A run of this organization; raises NotFound when there is none, or none any more."""
        with self._turn:
            run = self._kept.get(run_id)
        if run is None or run.organization_id != organization_id:
            raise NotFound(
                "There is no such run. Runs are kept in memory only: after a restart of the control plane start a new "
                "one; what the old one found is in the matrix.",
                code="check_run_unknown",
            )
        return run

    def run_next(self) -> bool:
        """Do the run that waits longest; False when none waits."""
        with self._turn:
            if not self._waiting:
                return False
            run = self._waiting.popleft()
            run.state, run.started_at = RunState.RUNNING, self._clock.now()
        state = RunState.FAILED
        try:
            self.runner.run_groups([progress.group for progress in run.groups.values()], run)
            state = RunState.DONE
        except StronghouseError as error:
            _log.warning("check_run_failed", run=run.id, reason=error.public)
        finally:
            with run.lock:
                run.state, run.ended_at = state, self._clock.now()
        return True

    def run_forever(self, stop: threading.Event) -> None:
        """Do what is asked for until `stop` is set. For a thread of its own."""
        while not stop.is_set():
            try:
                if not self.run_next():
                    with self._news:
                        self._news.wait(POLL_SECONDS)
            except Exception:  # noqa: BLE001 - the edge of this thread: without it no run would ever be done again
                _log.exception("check_runs_interrupted")

    def _unfinished(self, organization_id: str, row_id: str | None, check_id: str | None) -> Run | None:
        wanted = (organization_id, row_id, check_id)
        for run in self._kept.values():
            if (run.organization_id, run.row_id, run.check_id) == wanted and run.ended_at is None:
                return run
        return None

    def _require_room(self, organization_id: str) -> None:
        # Counted for each organization: none may fill the queue and so keep the others out.
        if sum(run.organization_id == organization_id for run in self._waiting) >= MAX_WAITING:
            raise RunsExhausted(f"{MAX_WAITING} runs of this organization wait already.", retry_after=RETRY_SECONDS)
        now = self._clock.now()
        starts = self._starts.setdefault(organization_id, deque())
        while starts and now - starts[0] >= WINDOW:
            starts.popleft()
        if len(starts) >= STARTS:
            again = int((starts[0] + WINDOW - now).total_seconds()) + 1
            raise RunsExhausted(f"This organization started {STARTS} runs within 10 minutes.", retry_after=again)

    def _keep(self, run: Run) -> None:
        self._kept[run.id] = run
        surplus = max(0, len(self._kept) - MAX_KEPT)
        for old in [one for one in self._kept.values() if one.ended_at is not None][:surplus]:
            del self._kept[old.id]


def _group(progress: GroupProgress) -> dict[str, Json]:
    return {
        "collector": progress.group.collector,
        "place": progress.group.place,
        "checks": [check.meta.id for check in progress.group.checks],
        "state": progress.state.value,
        "milliseconds": None if progress.seconds is None else int(progress.seconds * 1000),
        "reason": progress.reason,
    }
