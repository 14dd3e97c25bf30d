"""Logs and users of a service: proven by what its worker tells when asked, and by nothing that it does not tell."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stronghouse.agent.collectors.database_users import collect_database_users
from stronghouse.agent.collectors.service_logs import collect_service_logs
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.ids import ServiceId
from stronghouse.responsibility.model import Result, ResultState
from stronghouse.worker.process import WorkerSpec
from stronghouse.worker.reports import AccessReport, LogReport, LogReports
from stronghouse.worker.specification import SandboxReport
from tests.integration.agent.fake_workers import FakeWorker
from tests.integration.collectors.region import SERVICE, Region, judge

LOGGED = ("service_queries_logged", "service_sessions_logged")
STRONG, CONFINED = "service_sign_in_strong", "service_users_confined"


class LoggingWorker(FakeWorker):
    """Keeps a log of the sign-ins at its socket, and of statements; `keeps` says which of them it writes down."""

    def __init__(self) -> None:
        self.pid = 1
        self.keeps = {"query_log", "session_log"}
        self.retention = 30
        self.silent = False
        self.accounts = AccessReport(users=1, methods={"sha256_password": 1})
        self.signed_in: list[str] = []
        self.heads: list[str] = []
        self.sandbox = SandboxReport(landlock_abi=7, seccomp=True, separate_uid=True, missing=())

    async def logs(self, *, canary: str | None = None) -> LogReports:
        """What a worker that keeps its word would find."""
        if self.silent:
            raise Unavailable("The service's worker does not answer.")
        seen = canary in self.signed_in
        return LogReports(
            query_log=self._log(found="query_log" in self.keeps),
            session_log=self._log(found=seen and "session_log" in self.keeps),
        )

    async def access(self) -> AccessReport:
        """What the test says."""
        if self.silent:
            raise Unavailable("The service's worker does not answer.")
        return self.accounts

    def _log(self, *, found: bool) -> LogReport:
        return LogReport(
            rows_total=3, newest=1_795_000_000.0, retention_days=self.retention, journal_bytes=0, canary=found
        )


@pytest.fixture
async def worker(region: Region) -> AsyncIterator[LoggingWorker]:
    made = LoggingWorker()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        found = re.search(r"Authorization: Basic (\S+)", made.heads[-1])
        assert found is not None
        made.signed_in.append(base64.b64decode(found[1]).decode().partition(":")[0])
        writer.write(b"HTTP/1.1 403 Forbidden\r\nX-ClickHouse-Exception-Code: 516\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_unix_server(handle, str(region.service.socket))
    spec = WorkerSpec(ServiceId(SERVICE), Path("/nowhere"), "default", "", 1, None, log_retention_days=30)
    region.change(spec=spec, worker=made)
    yield made
    server.close()


async def _logged(region: Region) -> dict[str, Result]:
    seen = await collect_service_logs(region.inventory)
    return {check_id: judge(check_id, seen)[0] for check_id in LOGGED}


async def _accounts(region: Region) -> dict[str, Result]:
    seen = await collect_database_users(region.inventory)
    return {check_id: judge(check_id, seen)[0] for check_id in (STRONG, CONFINED)}


def _states(results: dict[str, Result]) -> set[ResultState]:
    return {result.state for result in results.values()}


async def test_service_that_logs_what_the_look_did_passes(region: Region, worker: LoggingWorker) -> None:
    assert _states(await _logged(region)) == {ResultState.PASS}
    (head,) = worker.heads
    assert re.search(r"x-sh-client-ip: 198\.1[89]\.", head), "it must not slow down a client's address"


async def test_each_log_that_misses_something_fails_by_itself(region: Region, worker: LoggingWorker) -> None:
    for check_id, log in zip(LOGGED, ("query_log", "session_log"), strict=True):
        worker.keeps = {"query_log", "session_log"} - {log}
        results = await _logged(region)
        assert (results.pop(check_id).state, _states(results)) == (ResultState.FAIL, {ResultState.PASS})


async def test_other_retention_than_the_set_one_fails(region: Region, worker: LoggingWorker) -> None:
    worker.retention = 31
    assert _states(await _logged(region)) == {ResultState.FAIL}


async def test_silent_worker_proves_nothing(region: Region, worker: LoggingWorker) -> None:
    worker.silent = True
    assert _states(await _logged(region)) == _states(await _accounts(region)) == {ResultState.FAIL}


async def test_service_that_does_not_run_is_neither_asked_nor_woken(region: Region, worker: LoggingWorker) -> None:
    region.change(state="idle", pid=None, worker=None)
    assert _states(await _logged(region)) == _states(await _accounts(region)) == {ResultState.NOT_APPLICABLE}
    assert worker.heads == []


async def test_second_user_without_the_kernels_sandbox_fails(region: Region, worker: LoggingWorker) -> None:
    none = SandboxReport(landlock_abi=0, seccomp=True, separate_uid=True, missing=("Landlock",))
    for sandbox, users, state in (
        (none, 1, ResultState.PASS),
        (none, 2, ResultState.FAIL),
        (worker.sandbox, 2, ResultState.PASS),
    ):
        worker.sandbox = sandbox
        worker.accounts = AccessReport(users=users, methods={"sha256_password": users})
        assert (await _accounts(region))[CONFINED].state is state


async def test_weak_way_to_sign_in_fails(region: Region, worker: LoggingWorker) -> None:
    assert (await _accounts(region))[STRONG].state is ResultState.PASS
    worker.accounts = AccessReport(users=2, methods={"sha256_password": 2, "double_sha1_password": 1})
    assert (await _accounts(region))[STRONG].state is ResultState.FAIL
    worker.accounts = AccessReport(users=2, methods={"sha256_password": 2}, unsalted=1)
    assert (await _accounts(region))[STRONG].state is ResultState.FAIL


async def test_facts_name_nobody(region: Region, worker: LoggingWorker) -> None:
    worker.accounts = AccessReport(users=2, methods={"sha256_password": 2}, users_file_sha256="ab" * 32)
    told = json.dumps([await collect_database_users(region.inventory), await collect_service_logs(region.inventory)])
    assert not any(name in told for name in worker.signed_in)
    assert "ab" * 32 not in told
