"""What limits and settings of a service do: a real agent, a real edge and a real engine, asked over HTTPS."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stronghouse.agent import service as service_module
from stronghouse.agent import workers as workers_module
from stronghouse.agent.job_handlers import job_handlers
from stronghouse.agent.workers import WorkerProcesses
from stronghouse.kernel.canonical import Json
from tests.integration.agent.control_side import REGION, ControlSide, until
from tests.integration.agent.sql_client import PASSWORD, password_hash
from tests.integration.agent.test_reconciling import ONE, document
from tests.integration.agent.test_region_agent import Site, slot

HEAVY = "SELECT length(groupArray(number)) FROM numbers(30000000)"
"""It takes over half a gigabyte, and less than two."""
pytestmark = pytest.mark.timeout(60)


class Limited:
    """A service with a real engine."""

    def __init__(self, site: Site) -> None:
        self.site = site

    async def become(self, **fields: Any) -> None:
        """Have it run as these fields of its document say."""
        wanted = document(ONE, password_sha256=password_hash(PASSWORD), **fields)
        version = self.site.control.publish(ONE, wanted)

        def there() -> bool:
            status = self.site.control.reports.newest.get(ONE)
            return status is not None and status.state == "running" and status.version >= version

        await until(there, within=20)

    @property
    def pid(self) -> int | None:
        """Its worker's process."""
        return self.site.control.reports.newest[ONE].pid

    async def ask(self, statement: str) -> str:
        """What it answers."""
        return await self.site.sql(slot(ONE), statement)


@pytest.fixture
async def limited(control: ControlSide, tmp_path: Path) -> AsyncIterator[Limited]:
    site = Site(control, tmp_path / "state")
    site.directory.mkdir()
    settings = site.settings()
    settings.log_directory.mkdir(parents=True)
    site.real_workers = WorkerProcesses(settings)
    agent = await site.start()
    agent.handle_jobs(job_handlers(agent))
    yield Limited(site)
    await site.stop()


async def test_a_memory_limit_reaches_the_engine_and_what_is_asked_meanwhile_waits(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "GIBIBYTE", 1 << 26)  # so that reaching a limit takes little memory
    await limited.become(memory_gb=8)
    await limited.ask("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n")
    await limited.ask("INSERT INTO kept VALUES (7)")
    with pytest.raises(ValueError, match="MEMORY_LIMIT_EXCEEDED"):
        await limited.ask(HEAVY)
    former = limited.pid
    changing = asyncio.create_task(limited.become(memory_gb=32))
    answers = [await limited.ask("SELECT n FROM kept") for _ in range(30)]
    await changing
    await until(lambda: limited.pid != former, within=20)
    assert set(answers) == {"7"}
    assert await limited.ask(HEAVY) == "30000000"


async def test_a_service_that_is_not_to_sleep_wakes_from_its_sleep(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    await limited.become(idle_scaling=False)
    monkeypatch.setattr(service_module, "MINUTE_SECONDS", 0.02)
    limited.site.control.publish(ONE, document(ONE, password_sha256=password_hash(PASSWORD)))
    await until(lambda: limited.site.control.reports.newest[ONE].state == "idle", within=10)
    await limited.become(idle_scaling=False)
    assert limited.site.control.reports.newest[ONE].pid is not None


async def test_settings_reach_what_is_asked_next_without_another_process(limited: Limited) -> None:
    threads = "SELECT getSetting('max_threads')"
    await limited.become(idle_scaling=False, settings={"max_threads": "5"})
    assert await limited.ask(threads) == "5"
    pid = limited.pid
    await limited.become(idle_scaling=False, settings={"max_threads": "3", "max_block_size": "777"})
    async with asyncio.timeout(10):  # the version is reported a moment before
        while await limited.ask(threads) != "3":
            await asyncio.sleep(0.05)
    assert (await limited.ask("SELECT getSetting('max_block_size')"), limited.pid) == ("777", pid)


async def test_a_region_tries_settings_and_wakes_a_service_for_it(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    await limited.become(idle_scaling=False)
    monkeypatch.setattr(service_module, "MINUTE_SECONDS", 0.02)
    limited.site.control.publish(ONE, document(ONE, password_sha256=password_hash(PASSWORD)))
    await until(lambda: limited.site.control.reports.newest[ONE].state == "idle", within=10)
    hub = limited.site.control.hub
    good: dict[str, Json] = {"service_id": ONE, "settings": {"max_threads": "5"}}
    assert await hub.run_job(REGION, "check_settings", good, timeout=15) is None
    bad: dict[str, Json] = {"service_id": ONE, "settings": {"max_block_size": "many"}}
    assert "Cannot parse" in str(await hub.run_job(REGION, "check_settings", bad, timeout=15))


async def test_counters_are_told_by_a_running_engine_and_wake_none(limited: Limited) -> None:
    await limited.become(idle_scaling=False)
    hub = limited.site.control.hub
    before = await hub.run_job(REGION, "metrics", {"service_id": ONE}, timeout=5)
    await limited.ask("SELECT 1")
    after = await hub.run_job(REGION, "metrics", {"service_id": ONE}, timeout=5)
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert int(str(after["ClickHouseProfileEvents_Query"])) > int(str(before["ClickHouseProfileEvents_Query"]))
