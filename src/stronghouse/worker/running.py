"""The queries that are running: how many, which, how to end them, and how long there have been none."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import structlog

from stronghouse.engine.connection import Connection
from stronghouse.engine.engine import Engine
from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.query import QueryJob
from stronghouse.worker.specification import Activity

MAX_RUNNING = 64
"""Statements that run at a time, one thread each."""
MAX_WAITING = 256
"""Statements that may wait for a thread; more get ClickHouse's error 202."""
KILL_INTERVAL = 0.1
_log = structlog.get_logger()


class Running:
    """The running queries of one worker. Used from the event loop, but for `kill_by_id`."""

    def __init__(self, engine: Engine) -> None:
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(MAX_RUNNING, thread_name_prefix="query")
        self._killer = ThreadPoolExecutor(1, thread_name_prefix="kill")
        self._kill_connection: Connection = engine.connect()
        self._jobs: dict[QueryJob, asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._active = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._ended = time.monotonic()

    @property
    def activity(self) -> Activity:
        """How busy the worker is."""
        return Activity(self._active, 0.0 if self._active else time.monotonic() - self._ended)

    def begin(self) -> None:
        """A request begins. Raises DatabaseError 202 when there are too many."""
        if self._active >= MAX_RUNNING + MAX_WAITING:
            raise DatabaseError(202, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many simultaneous queries")
        self._active += 1
        self._idle.clear()

    def end(self) -> None:
        """A request ends."""
        self._active -= 1
        self._ended = time.monotonic()
        if not self._active:
            self._idle.set()

    def start(self, job: QueryJob) -> "asyncio.Future[None]":
        """Run `job` in a thread; the future ends when it does, with its error."""
        future = self._loop.run_in_executor(self._threads, job.run)
        self._jobs[job] = future
        future.add_done_callback(lambda _: self._jobs.pop(job, None))
        return future

    def cancel(self, job: QueryJob) -> None:
        """End `job` as soon as possible. The engine may not know it yet, so it is told until the job is gone."""
        job.cancel()
        task = self._loop.create_task(self._kill(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def kill_by_id(self, query_id: str) -> bool:
        """End the queries with this id; says whether there are any. Called from a query's thread."""
        return asyncio.run_coroutine_threadsafe(self._cancel_by_id(query_id), self._loop).result()

    def cancel_all(self) -> None:
        """End every query."""
        for job in list(self._jobs):
            self.cancel(job)

    async def wait_until_idle(self, seconds: float) -> bool:
        """Wait for the last request to end; says whether it did within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Give the engine's connection back. No query may be running."""
        self._threads.shutdown(wait=False)
        self._killer.shutdown(wait=True)
        self._kill_connection.close()

    async def _cancel_by_id(self, query_id: str) -> bool:
        jobs = [job for job in self._jobs if job.options.query_id == query_id]
        for job in jobs:
            self.cancel(job)
        return bool(jobs)

    async def _kill(self, job: QueryJob) -> None:
        while job in self._jobs:
            try:
                await self._loop.run_in_executor(self._killer, self._kill_connection.query, job.kill_statement())
            except DatabaseError as error:
                _log.warning("kill_failed", error=str(error))
            await asyncio.sleep(KILL_INTERVAL)
