"""Jobs on the agent: once for each id, answered each time, never fatal."""

import asyncio
from datetime import UTC, datetime, timedelta

from stronghouse.agent.jobs import Jobs, Progress
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import Conflict
from stronghouse.regions.protocol import Job, JobProgress, JobResult, Message

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Sent:
    """Keeps what would have gone to the control plane."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        """Keep it."""
        self.messages.append(message)


def job(kind: str, *, job_id: str = "1", **arguments: Json) -> Job:
    return Job(id=job_id, kind=kind, arguments=arguments, deadline=NOW + timedelta(seconds=5))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_same_id_runs_once_and_is_answered_twice() -> None:
    sent, runs = Sent(), 0

    async def work(_arguments: dict[str, Json], progress: Progress) -> Json:
        nonlocal runs
        runs += 1
        await progress({"percent": 50})
        return runs

    jobs = Jobs({"work": work}, send=sent, clock=FixedClock(NOW))
    await jobs.take(job("work"))
    await jobs.take(job("work"))
    await settle()
    await jobs.take(job("work"))
    done = JobResult(id="1", ok=True, result=1)
    assert sent.messages == [JobProgress(id="1", progress={"percent": 50}), done, done]


async def test_a_job_tells_its_own_errors_and_hides_others() -> None:
    sent = Sent()

    async def refuse(_arguments: dict[str, Json], _progress: Progress) -> Json:
        raise Conflict("It cannot be now.", detail="/secret/path")

    async def break_(_arguments: dict[str, Json], _progress: Progress) -> Json:
        raise RuntimeError("/secret/path")

    jobs = Jobs({"refuse": refuse, "break": break_}, send=sent, clock=FixedClock(NOW))
    for number, kind in enumerate(("refuse", "break", "absent")):
        await jobs.take(job(kind, job_id=str(number)))
    await settle()
    errors = [message.error for message in sent.messages if isinstance(message, JobResult)]
    assert errors[0] == "It cannot be now."
    assert "/secret" not in str(errors)
    assert "absent" in str(errors[2])


async def test_a_cancelled_job_ends_and_says_nothing() -> None:
    sent, ended = Sent(), asyncio.Event()

    async def slow(_arguments: dict[str, Json], _progress: Progress) -> Json:
        try:
            await asyncio.sleep(60)
            return None
        finally:
            ended.set()

    jobs = Jobs({"slow": slow}, send=sent, clock=FixedClock(NOW))
    await jobs.take(job("slow"))
    await settle()
    jobs.cancel("1")
    await asyncio.wait_for(ended.wait(), 1)
    await settle()
    assert sent.messages == []


async def test_a_job_whose_deadline_is_long_gone_is_not_done() -> None:
    sent = Sent()

    async def work(_arguments: dict[str, Json], _progress: Progress) -> Json:
        await asyncio.sleep(60)
        return None

    jobs = Jobs({"work": work}, send=sent, clock=FixedClock(NOW + timedelta(hours=1)))
    await jobs.take(job("work"))
    await asyncio.sleep(0.01)
    assert [message.ok for message in sent.messages if isinstance(message, JobResult)] == [False]
