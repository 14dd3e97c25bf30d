"""The queries that are running: how many, which, how to end them, and how long there have been none."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from stronghouse.engine.errors import DatabaseError, cancelled
from stronghouse.kernel.errors import StronghouseError
from stronghouse.worker.log import log
from stronghouse.worker.memory import Memory
from stronghouse.worker.specification import Activity

MAX_RUNNING = 64
"""Statements that the engine runs at a time."""
MAX_ADMITTED = 320
"""Statements that run or wait to; more get ClickHouse's error 202."""
RUNNING_OF_USER, ADMITTED_OF_USER = 48, 240
"""Of these, those of one user, so that there is room for another."""
QUICK_SECONDS = 0.01
"""A query that takes longer gets a thread that carries its result, and its client is watched."""
AWAKE_SECONDS = 1.0
WATCH_SECONDS = 0.1
KILL_SECONDS = 0.1
STUBBORN_SECONDS = 3.0
"""A query that was told to end and has not: most likely its client takes no bytes. Then the connection goes."""


class Job(Protocol):
    """A running query, for who watches it. Its attributes are read by other threads."""

    token: str
    started: float
    cancelled_at: float | None

    @property
    def user_id(self) -> str:
        """Whose it is."""
        ...

    @property
    def query_id(self) -> str:
        """Its id for clients."""
        ...

    def carry(self) -> None:
        """Its result may be long: begin to send it."""
        ...

    def hung_up(self) -> bool:
        """Whether its client is gone."""
        ...

    def cancel(self) -> None:
        """Note that it is to end, and stop reading its body."""
        ...

    def abort(self) -> None:
        """Close its connection."""
        ...


class Running:
    """The running queries of one worker. Safe to use from several threads.

    Args:
        kill: ends a query inside the engine, by the beginning of its text.

    Attributes:
        memory: what their bodies take.
    """

    def __init__(self, kill: Callable[[str], bool]) -> None:
        self.memory = Memory()
        self._kill = kill
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._jobs: set[Job] = set()
        self._names: set[tuple[str, str]] = set()
        self._admitted: dict[str, int] = {}
        self._working: dict[str, int] = {}
        self._active = self._at_work = self._waiting = 0
        self._ended = time.monotonic()
        self._closed = self._asleep = self._awaited = False
        self._watcher = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._watcher.start()

    @property
    def activity(self) -> Activity:
        """How busy the worker is."""
        with self._lock:
            return Activity(self._active, 0.0 if self._active else time.monotonic() - self._ended)

    def begin(self, user_id: str) -> None:
        """A request of this user begins. Raises DatabaseError 202 when there are too many."""
        with self._lock:
            own = self._admitted.get(user_id, 0)
            if self._active >= MAX_ADMITTED or own >= ADMITTED_OF_USER:
                raise _too_many()
            self._active += 1
            self._admitted[user_id] = own + 1

    def end(self, user_id: str) -> None:
        """A request ends."""
        with self._lock:
            self._active -= 1
            _take_one(self._admitted, user_id)
            self._ended = time.monotonic()
            if self._awaited and not self._active:
                self._changed.notify_all()

    def enter(self, job: Job) -> None:
        """`begin` and `add` at once, for a request that is one statement. Raises DatabaseError 202."""
        user_id = job.user_id
        with self._lock:
            own = self._admitted.get(user_id, 0)
            if self._active >= MAX_ADMITTED or own >= ADMITTED_OF_USER:
                raise _too_many()
            self._active += 1
            self._admitted[user_id] = own + 1
            self._names.add((user_id, job.query_id))
            self._jobs.add(job)
            if self._asleep:
                self._changed.notify_all()
            try:
                self._queue(job)
            except DatabaseError:
                self._forget(job)
                self._active -= 1
                _take_one(self._admitted, user_id)
                raise

    def leave(self, job: Job) -> None:
        """`remove` and `end` at once."""
        user_id = job.user_id
        with self._lock:
            self._forget(job)
            self._at_work -= 1
            self._active -= 1
            _take_one(self._working, user_id)
            _take_one(self._admitted, user_id)
            self._ended = time.monotonic()
            if self._waiting or (self._awaited and not self._active):
                self._changed.notify_all()

    def add(self, job: Job, *, queues: bool) -> None:
        """Watch `job` until `remove`; `queues`: once it is its turn in the engine.

        Raises:
            DatabaseError: 216, a query of the same user with its id is running; then it is not watched.
        """
        name = (job.user_id, job.query_id)
        with self._lock:
            if name in self._names:
                raise DatabaseError(
                    216,
                    "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                    f"Query with id = {job.query_id} is already running.",
                )
            self._names.add(name)
            self._jobs.add(job)
            if self._asleep:
                self._changed.notify_all()
            if queues:
                try:
                    self._queue(job)
                except DatabaseError:
                    self._forget(job)
                    raise

    def remove(self, job: Job, *, queued: bool) -> None:
        """`job` is done; `queued`: it had its turn."""
        with self._lock:
            self._forget(job)
            if queued:
                self._at_work -= 1
                _take_one(self._working, job.user_id)
                if self._waiting:
                    self._changed.notify_all()

    def _forget(self, job: Job) -> None:
        self._jobs.discard(job)
        self._names.discard((job.user_id, job.query_id))

    def _queue(self, job: Job) -> None:
        """Wait for a turn in the engine; raises DatabaseError 394 if the query is ended meanwhile. The lock is held."""
        user_id = job.user_id
        while self._at_work >= MAX_RUNNING or self._working.get(user_id, 0) >= RUNNING_OF_USER:
            self._waiting += 1
            self._changed.wait(WATCH_SECONDS)
            self._waiting -= 1
            if job.cancelled_at is not None:
                raise cancelled()
        self._at_work += 1
        self._working[user_id] = self._working.get(user_id, 0) + 1

    def cancel(self, jobs: Iterable[Job]) -> None:
        """End these as soon as possible."""
        for job in jobs:
            if job.cancelled_at is None:
                job.cancelled_at = time.monotonic()
                job.cancel()
                self.end_in_engine(job)

    def kill(self, query_ids: Iterable[str], *, of_user: str | None) -> frozenset[str]:
        """End the queries with these ids, of this user (an id) if given; the ids of those that there were."""
        wanted = frozenset(query_ids)
        with self._lock:
            found = [
                job for job in self._jobs if job.query_id in wanted and (of_user is None or job.user_id == of_user)
            ]
        self.cancel(found)
        return frozenset(job.query_id for job in found)

    def cancel_all(self, *, of_user: str | None = None) -> None:
        """End every query, of this user (an id) if given."""
        with self._lock:
            jobs = [job for job in self._jobs if of_user is None or job.user_id == of_user]
        self.cancel(jobs)

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait for the last request to end; says whether it did within `seconds`."""
        with self._lock:
            self._awaited = True
            return self._changed.wait_for(lambda: not self._active, seconds)

    def close(self) -> None:
        """Watch no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._watcher.join()

    def _watch(self) -> None:
        looked = seen = 0.0
        while not self._closed:
            now = time.monotonic()
            with self._lock:
                jobs = [job for job in self._jobs if now - job.started >= QUICK_SECONDS]
                seen = now if self._jobs else seen
            for job in jobs:
                job.carry()
            if now - looked >= WATCH_SECONDS:
                looked = now
                self._look_after(jobs, now)
            if now - seen > AWAKE_SECONDS:
                self._sleep()
            else:
                time.sleep(QUICK_SECONDS)

    def _sleep(self) -> None:
        """Until there is a query. Waking costs as much as a short query does, so this waits for a pause."""
        with self._changed:
            self._asleep = True
            self._changed.wait_for(lambda: self._jobs or self._closed)
            self._asleep = False

    def _look_after(self, jobs: Iterable[Job], now: float) -> None:
        for job in jobs:
            if job.cancelled_at is None:
                if job.hung_up():
                    self.cancel([job])
            else:
                self.end_in_engine(job)
                if now - job.cancelled_at >= STUBBORN_SECONDS:
                    job.abort()

    def end_in_engine(self, job: Job) -> bool:
        """End `job` inside the engine, which may not know it yet: says whether it did."""
        try:
            return self._kill(f"/*sh:{job.user_id} {job.token} ")
        except (DatabaseError, StronghouseError) as error:
            log.warning("kill_failed", error=str(error))
            return False


def _too_many() -> DatabaseError:
    return DatabaseError(202, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many simultaneous queries")


def _take_one(counts: dict[str, int], user_id: str) -> None:
    left = counts[user_id] - 1
    if left:
        counts[user_id] = left
    else:
        del counts[user_id]
