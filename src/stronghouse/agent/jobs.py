"""Jobs of the control plane: each id is done once, however often it is sent, and answered each time."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

import structlog

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import StronghouseError
from stronghouse.regions.protocol import Job, JobProgress, JobResult, Message

REMEMBERED = 256
MAX_SKEW_SECONDS = 60.0
"""A deadline is by the control plane's clock, which may be this far from ours before a check fails."""
Progress = Callable[[Json], Awaitable[None]]
Handler = Callable[[dict[str, Json], Progress], Awaitable[Json]]
Send = Callable[[Message], Awaitable[None]]
_log = structlog.get_logger()


class Jobs:
    """Runs jobs. `send` reaches the control plane, or nobody while it is away: it asks again when it is back."""

    def __init__(self, handlers: Mapping[str, Handler], *, send: Send, clock: Clock) -> None:
        self._handlers = handlers
        self._send = send
        self._clock = clock
        self._running: dict[str, asyncio.Task[None]] = {}
        self._results: OrderedDict[str, JobResult] = OrderedDict()

    async def take(self, job: Job) -> None:
        """Begin a job, or answer it again if it is done."""
        if job.id in self._results:
            await self._send(self._results[job.id])
        elif job.id not in self._running:
            self._running[job.id] = asyncio.get_running_loop().create_task(self._do(job))

    def cancel(self, job_id: str) -> None:
        """Nobody waits for this one any more."""
        task = self._running.get(job_id)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Cancel whatever runs."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _do(self, job: Job) -> None:
        try:
            result = await self._outcome(job)
            self._results[job.id] = result
            while len(self._results) > REMEMBERED:
                self._results.popitem(last=False)
        finally:
            del self._running[job.id]
        await self._send(result)

    async def _outcome(self, job: Job) -> JobResult:
        handler = self._handlers.get(job.kind)
        if handler is None:
            return JobResult(id=job.id, ok=False, error=f"This agent has no job {job.kind!r}; upgrade it.")

        async def progress(value: Json) -> None:
            await self._send(JobProgress(id=job.id, progress=value))

        seconds = (job.deadline - self._clock.now()).total_seconds() + MAX_SKEW_SECONDS
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                return JobResult(id=job.id, ok=True, result=await handler(job.arguments, progress))
        except TimeoutError:
            return JobResult(id=job.id, ok=False, error="The job was not done in time.")
        except StronghouseError as error:
            return JobResult(id=job.id, ok=False, error=error.public)
        except Exception:  # noqa: BLE001 - the edge of this job: a bug in one must not end the agent
            _log.exception("job_failed", kind=job.kind)
            return JobResult(id=job.id, ok=False, error="The job met an internal error; the agent's log tells more.")
