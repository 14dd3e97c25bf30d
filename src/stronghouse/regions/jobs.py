"""Jobs on their way: what was asked of a region and is not answered yet. All of it lives on the listener's loop."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import TooMany, Unavailable
from stronghouse.kernel.ids import new_id
from stronghouse.regions import protocol

MAX_OPEN_JOBS = 256
"""For each region; more means that it does not keep up."""
OnProgress = Callable[[Json], None]


class JobFailed(Unavailable):
    """The agent tried and could not; the sentence is the agent's."""


@dataclass
class OpenJob:
    """A job without an answer yet."""

    region_id: str
    message: protocol.Job
    on_progress: OnProgress | None
    answer: "asyncio.Future[Json]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class OpenJobs:
    """The jobs of all regions that still want an answer."""

    def __init__(self) -> None:
        self._jobs: dict[str, OpenJob] = {}

    def open(
        self,
        region_id: str,
        kind: str,
        arguments: dict[str, Json],
        *,
        deadline: datetime,
        on_progress: OnProgress | None,
    ) -> OpenJob:
        """A new job; raises TooMany when a region has 256 open ones."""
        if sum(1 for _ in self.of_region(region_id)) >= MAX_OPEN_JOBS:
            raise TooMany(
                f"Region {region_id} has {MAX_OPEN_JOBS} jobs to answer; try again later.", code="jobs_exhausted"
            )
        message = protocol.Job(id=new_id(), kind=kind, arguments=arguments, deadline=deadline)
        job = OpenJob(region_id, message, on_progress)
        self._jobs[message.id] = job
        return job

    def close(self, job: OpenJob) -> None:
        """Nobody waits for it any more."""
        self._jobs.pop(job.message.id, None)

    def give_up(self) -> None:
        """Let every job fail: the listener stops."""
        for job in self._jobs.values():
            if not job.answer.done():
                job.answer.set_exception(Unavailable("The control plane is stopping.", code="listener_stopped"))

    def of_region(self, region_id: str) -> Iterator[OpenJob]:
        """The open jobs of a region, oldest first: what a reconnected agent is sent again."""
        return (job for job in tuple(self._jobs.values()) if job.region_id == region_id and not job.answer.done())

    def progress(self, region_id: str, message: protocol.JobProgress) -> None:
        """Pass on how far a job is; what concerns no open job of this region is dropped."""
        job = self._find(region_id, message.id)
        if job is not None and job.on_progress is not None:
            job.on_progress(message.progress)

    def finish(self, region_id: str, message: protocol.JobResult) -> None:
        """Give a job its answer; what concerns no open job of this region is dropped."""
        job = self._find(region_id, message.id)
        if job is None:
            return
        if message.ok:
            job.answer.set_result(message.result)
        else:
            job.answer.set_exception(JobFailed(message.error or "The region could not do it.", code="job_failed"))

    def _find(self, region_id: str, job_id: str) -> OpenJob | None:
        job = self._jobs.get(job_id)
        # One region must not answer for another.
        return job if job is not None and job.region_id == region_id and not job.answer.done() else None
