"""The agent's side of the control channel, against processes that speak it well, badly and with ill will."""

import asyncio
import base64
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import structlog

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.processes import spawn
from stronghouse.worker import unasked
from stronghouse.worker.channel import Channel
from stronghouse.worker.process import DataKeyProvider, WorkerProcess
from stronghouse.worker.reports import LogReport, LogReports
from stronghouse.worker.unasked import MAX_WAITING, Unasked

KEY = bytes(range(32))
READY: dict[str, Json] = {"sandbox": {"landlock_abi": 7, "seccomp": True, "separate_uid": True, "missing": []}}
BEGINNING = """
import json, socket, sys, time
channel = socket.socket(fileno=int(sys.argv[1]))
lines = channel.makefile("rb")
def say(**message): channel.sendall(json.dumps(message).encode() + b"\\n")
kept = []
def hear(): return kept.pop(0) if kept else json.loads(lines.readline())
def hear_key():
    while (message := json.loads(lines.readline()))["type"] != "key": kept.append(message)
    return message
"""
LOG = {"rows_total": 3, "newest": 1_795_000_000.5, "retention_days": 30, "journal_bytes": 0}
Start = Callable[..., Awaitable[WorkerProcess]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a process that does what `said` says over its end of the channel."""
    workers: list[WorkerProcess] = []

    async def begin(said: str, *, provider: DataKeyProvider | None = None) -> WorkerProcess:
        ours, theirs = socket.socketpair()
        with theirs:
            process = spawn(
                [sys.executable, "-S", "-c", BEGINNING + said, str(theirs.fileno())],
                environment={},
                directory=Path("/"),
                pass_descriptors=(theirs.fileno(),),
            )
        channel = await Channel.over(ours)
        workers.append(WorkerProcess(process, channel, READY, Unasked(channel, "a1", provider)))
        return workers[-1]

    yield begin
    for worker in workers:
        await worker._wait_or_kill(0.0)


async def _key() -> bytes:
    return KEY


ECHO = """
while True:
    asked = hear()
    say(type="answer", id=asked["id"], result=answers.get(asked["type"]))
"""


async def test_worker_that_asks_for_its_key_is_given_it_unwrapped_anew(start: Start) -> None:
    asked: list[bytes] = []

    async def provide() -> bytes:
        asked.append(KEY)
        return KEY

    worker = await start(
        """
for number in (7, 8):
    say(type="need_key", id=number)
    given = hear_key()
    if (given["type"], given["id"]) != ("key", number): raise SystemExit(1)
answers = {"stop_if_idle": given["data_key"]}
"""
        + ECHO,
        provider=provide,
    )
    assert await worker._ask({"type": "stop_if_idle"}) == base64.b64encode(KEY).decode()
    assert len(asked) == 2


async def test_worker_is_told_why_there_is_no_key(start: Start) -> None:
    async def away() -> bytes:
        raise Unavailable("The KMS is away.", code="kms_away", detail="private")

    async def broken() -> bytes:
        raise RuntimeError("private")

    for provider, code in ((away, "kms_away"), (broken, "internal"), (None, "data_key_withheld")):
        worker = await start(
            'say(type="need_key", id=1)\nanswers = {"activity": hear_key()}\n' + ECHO,
            provider=provider,
        )
        told = await worker._ask({"type": "activity"})
        assert isinstance(told, dict)
        assert (told["data_key"], told["code"]) == (None, code)
        assert "private" not in json.dumps(told)


async def test_nothing_that_a_worker_says_breaks_the_channel(start: Start) -> None:
    worker = await start(
        """
answers = {"activity": {"active_requests": 2, "idle_seconds": 1.5}, "logs": {"query_log": 1}, "access": []}
say(type="event", name="catalogue_applied", generation=3)
say(type="event", name="not a name \\n")
say(type="answer", id=99, result=1)
say(type="answer", result=1)
say(type="key", id=1, data_key="")
say(type="need_key")
say(type="need_key", id=None)
say(type=["x"])
channel.sendall(b"no json\\n[1]\\n\\n\\xff\\xfe\\n" + b"x" * (3 << 20) + b"\\n")
channel.sendall(b"[" * 100_000 + b"\\n")
"""
        + ECHO
    )
    with structlog.testing.capture_logs() as lines:
        activity = await worker.activity()
        assert (activity.active_requests, activity.idle_seconds) == (2, 1.5)
        for ask in (worker.logs, worker.access):
            with pytest.raises(Unavailable):
                await ask()
    assert 1 <= len(lines) <= 3, "one line a second"
    assert lines[0]["name"] == "catalogue_applied"


async def test_worker_that_asks_for_its_key_without_end_neither_piles_up_work_nor_fills_the_log(start: Start) -> None:
    began: list[int] = []
    goes_on = asyncio.Event()

    async def slow() -> bytes:
        began.append(1)
        await goes_on.wait()
        return KEY

    worker = await start(
        """
for number in range(2000): say(type="need_key", id=number)
answers = {"activity": {"active_requests": 0, "idle_seconds": 0}}
"""
        + ECHO,
        provider=slow,
    )
    with structlog.testing.capture_logs() as lines:
        await worker.activity()
    assert len(began) == MAX_WAITING
    assert 1 <= len(lines) <= 3


async def test_what_was_left_out_of_the_log_is_counted(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unasked, "LOG_EVERY_SECONDS", 0.05)
    worker = await start(
        """
answers = {"activity": {"active_requests": 0, "idle_seconds": 0}}
for number in range(10): say(type="strange")
time.sleep(0.2)
say(type="strange")
"""
        + ECHO
    )
    with structlog.testing.capture_logs() as lines:
        await worker.activity()
    assert sum(line["left_out"] for line in lines) + len(lines) == 11


async def test_reports_arrive_as_they_were_sent(start: Start) -> None:
    worker = await start(
        f"""
answers = {{"logs": {{"query_log": {LOG}, "session_log": {{**{LOG}, "canary": True}}}}, "access": {{
    "users": 2, "roles": 0, "methods": {{"bcrypt_password": 2}}, "unsalted": 0, "any_host": 1}}}}
"""
        + ECHO
    )
    told = await worker.logs(canary="ab")
    assert told == LogReports(
        query_log=LogReport(rows_total=3, newest=1_795_000_000.5, retention_days=30, journal_bytes=0),
        session_log=LogReport(rows_total=3, newest=1_795_000_000.5, retention_days=30, journal_bytes=0, canary=True),
    )
    assert (await worker.access()).methods == {"bcrypt_password": 2}


async def test_whoever_waits_is_told_when_the_worker_ends(start: Start) -> None:
    worker = await start("hear()")
    with pytest.raises(Unavailable):
        await worker.activity()
    assert await worker.wait() == 0


async def test_worker_that_ends_while_its_key_is_unwrapped_leaves_nothing_behind(start: Start) -> None:
    before = len(asyncio.all_tasks())
    waiting = asyncio.Event()

    async def never() -> bytes:
        waiting.set()
        await asyncio.Event().wait()
        return KEY

    worker = await start('say(type="need_key", id=1)', provider=never)
    async with asyncio.timeout(5):
        await waiting.wait()
        assert await worker.wait() == 0
    await asyncio.sleep(0.01)
    assert len(asyncio.all_tasks()) == before
