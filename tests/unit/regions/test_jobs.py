"""Open jobs: whose answer counts, how many there may be."""

import asyncio
from datetime import UTC, datetime

import pytest

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import TooMany, Unavailable
from stronghouse.regions.jobs import MAX_OPEN_JOBS, JobFailed, OpenJob, OpenJobs
from stronghouse.regions.protocol import JobProgress, JobResult

DEADLINE = datetime(2026, 11, 23, tzinfo=UTC)


def opened(jobs: OpenJobs, region: str = "a", seen: list[Json] | None = None) -> OpenJob:
    on_progress = None if seen is None else seen.append
    return jobs.open(region, "work", {}, deadline=DEADLINE, on_progress=on_progress)


async def test_a_region_cannot_answer_for_another() -> None:
    jobs, seen = OpenJobs(), list[Json]()
    job = opened(jobs, seen=seen)
    jobs.finish("b", JobResult(id=job.message.id, ok=True, result="forged"))
    jobs.progress("b", JobProgress(id=job.message.id, progress="forged"))
    assert not job.answer.done()
    jobs.progress("a", JobProgress(id=job.message.id, progress=50))
    jobs.finish("a", JobResult(id=job.message.id, ok=True, result="true"))
    assert (seen, job.answer.result()) == ([50], "true")


async def test_a_second_answer_and_an_answer_to_nothing_are_dropped() -> None:
    jobs = OpenJobs()
    job = opened(jobs)
    jobs.finish("a", JobResult(id=job.message.id, ok=False, error="No."))
    jobs.finish("a", JobResult(id=job.message.id, ok=True, result=1))
    jobs.finish("a", JobResult(id="unknown", ok=True))
    with pytest.raises(JobFailed, match=r"No\."):
        job.answer.result()


async def test_only_jobs_without_an_answer_are_sent_again() -> None:
    jobs = OpenJobs()
    done, open_, foreign = opened(jobs), opened(jobs), opened(jobs, "b")
    jobs.finish("a", JobResult(id=done.message.id, ok=True))
    assert list(jobs.of_region("a")) == [open_]
    jobs.close(open_)
    assert list(jobs.of_region("a")) == []
    assert list(jobs.of_region("b")) == [foreign]


async def test_a_region_that_does_not_keep_up_is_not_given_more() -> None:
    jobs = OpenJobs()
    for _ in range(MAX_OPEN_JOBS):
        opened(jobs)
    with pytest.raises(TooMany):
        opened(jobs)
    opened(jobs, "b")


async def test_stopping_fails_what_still_waits() -> None:
    jobs = OpenJobs()
    job = opened(jobs)
    jobs.give_up()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(job.answer, 1)
