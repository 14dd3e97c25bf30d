"""The agent with a real control plane's listener and a real Envoy; only its workers are stand-ins."""

import asyncio
import contextlib
import dataclasses
import os
import random
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stronghouse.agent import service as service_module
from stronghouse.agent.directories import Directories, remove_socket_directory, socket_directory
from stronghouse.agent.identity import IdentityStore, join
from stronghouse.agent.job_handlers import job_handlers
from stronghouse.agent.jobs import Handler, Progress
from stronghouse.agent.ports import Workers
from stronghouse.agent.region_agent import RegionAgent
from stronghouse.agent.settings import SERVICES_OFFSET, AgentSettings
from stronghouse.agent.workers import WorkerProcesses
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Unavailable
from stronghouse.keys.local import LocalKms
from stronghouse.services import connections as service_connections
from stronghouse.services.connections import find_connections
from tests.integration.agent.control_side import REGION, ControlSide, until
from tests.integration.agent.fake_workers import FakeWorkers
from tests.integration.agent.sql_client import PASSWORD, password_hash, sql
from tests.integration.agent.test_reconciling import ONE, TWO, document
from tests.unit.services.test_connections import SERVICE

PORTS = 8


def free_port_base() -> int:
    """The first of some ports in a row that are free on 127.0.0.1 and ::1 just now."""
    for base in random.sample(range(12_000, 32_000, PORTS), 1000):  # others look for ports here at the same time
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for offset in range(PORTS):
                for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                    probes.enter_context(socket.socket(family)).bind((address, base + offset))
            return base
    raise RuntimeError("no free ports")


class Site:
    """One region's agent, and clients that come to its edge."""

    def __init__(self, control: ControlSide, directory: Path) -> None:
        self.control = control
        self.directory = directory
        self.port_base = free_port_base()
        self.workers = FakeWorkers()
        self.real_workers: Workers | None = None
        self.agent: RegionAgent | None = None
        self._task: asyncio.Task[None] | None = None
        self._tls = ssl.create_default_context(cadata=control.edge_ca.certificate_pem.decode())

    def settings(self) -> AgentSettings:
        """What the agent is told."""
        return AgentSettings(
            state_directory=self.directory,
            port_base=self.port_base,
            control_url=self.control.url,
            machine_key_file=self.directory / "machine.key",
            addresses=("127.0.0.1",),
        )

    async def start(self) -> RegionAgent:
        """Start an agent, which joins if it has to."""
        settings = self.settings()
        directories = Directories(self.directory / "agent")
        directories.prepare()
        store = IdentityStore(directories.identity)
        identity = store.load(self.control.clock.now()) or await join(settings.control_url, self.control.token(), store)
        self.agent = RegionAgent(
            settings,
            identity,
            directories=directories,
            sockets=socket_directory(directories.root),
            kms=LocalKms(settings.machine_key_file),
            workers=self.real_workers or self.workers,
            clock=self.control.clock,
        )
        self._task = asyncio.create_task(self.agent.run())
        return self.agent

    async def sql(self, slot: int, statement: str) -> str:
        """What the engine in a slot answers to a statement."""
        return await sql(self.port_base + SERVICES_OFFSET + slot, self._tls, statement)

    async def stop(self) -> None:
        """Stop the agent."""
        if self._task is not None and self.agent is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self.agent.close()
            remove_socket_directory(self.directory / "agent", self.agent.sockets)

    async def get(self, slot: int, *, source: str = "127.0.0.1") -> tuple[int, str]:
        """Status and body of one request to the service in a slot, from an address."""
        port = self.port_base + SERVICES_OFFSET + slot
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=self._tls, server_hostname="localhost", local_addr=(source, 0)
            )
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n" % port)
            # To the end of the body and no further: the edge keeps a connection open for a second after an answer.
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            body = await reader.readexactly(size)
            writer.close()
        return int(head.split()[1]), body.decode()

    async def answers(self, slot: int, status: int, *, source: str = "127.0.0.1", within: float = 10.0) -> float:
        """Seconds until a service answers with a status."""
        started = time.monotonic()
        async with asyncio.timeout(within):
            while True:
                with contextlib.suppress(OSError, IndexError):
                    if (await self.get(slot, source=source))[0] == status:
                        return time.monotonic() - started
                await asyncio.sleep(0.02)

    async def closes(self, slot: int) -> None:
        """Wait until nobody listens on a service's port."""
        async with asyncio.timeout(5):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port_base + SERVICES_OFFSET + slot)
                except ConnectionRefusedError:
                    return
                writer.close()
                await asyncio.sleep(0.02)


@pytest.fixture
async def site(control: ControlSide, tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(control, tmp_path / "state")
    made.directory.mkdir()
    yield made
    await made.stop()


def slot(service_id: str) -> int:
    number = document(service_id)["slot"]
    assert isinstance(number, int)
    return number


async def test_a_service_is_served_and_its_access_list_is_in_force_within_500_ms(site: Site) -> None:
    await site.start()
    site.control.publish(ONE, document(ONE))
    await site.answers(slot(ONE), 200)
    assert (await site.get(slot(ONE), source="127.0.0.2"))[0] == 403
    started = time.monotonic()
    version = await asyncio.to_thread(site.control.publish, ONE, document(ONE, ip_access=["127.0.0.2"]))
    await site.answers(slot(ONE), 403)
    assert time.monotonic() - started < 0.5
    assert (await site.get(slot(ONE), source="127.0.0.2"))[0] == 200
    await until(lambda: site.control.reports.newest[ONE].version == version)


async def test_a_dead_envoy_is_back_within_a_second_with_the_last_configuration(site: Site) -> None:
    agent = await site.start()
    site.control.publish(ONE, document(ONE))
    await site.answers(slot(ONE), 200)
    former = agent.edge_keeper.edge.pid
    assert former is not None
    os.kill(former, signal.SIGKILL)
    assert await site.answers(slot(ONE), 200) < 2  # the target is one second; this machine is shared
    assert agent.edge_keeper.edge.pid != former
    assert (await site.get(slot(ONE), source="127.0.0.2"))[0] == 403


async def test_without_a_control_plane_a_restarted_agent_serves_and_enforces(site: Site) -> None:
    await site.start()
    site.control.publish(ONE, document(ONE))
    await site.answers(slot(ONE), 200)
    agent = site.agent
    assert agent is not None
    await until(lambda: agent.reconciler.applied_version == 1)
    await site.stop()
    await site.control.stop()
    await site.start()
    assert await site.answers(slot(ONE), 200) < 5
    assert (await site.get(slot(ONE), source="127.0.0.2"))[0] == 403


async def test_only_an_allowed_client_wakes_an_idle_service(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "MINUTE_SECONDS", 0.01)
    await site.start()
    site.control.publish(ONE, document(ONE))
    await site.answers(slot(ONE), 200)
    site.workers.of(ONE).idle = True
    await until(lambda: site.control.reports.newest[ONE].state == "idle")
    assert (await site.get(slot(ONE), source="127.0.0.2"))[0] == 403
    await asyncio.sleep(0.2)
    assert len(site.workers.started) == 1
    site.workers.delay = 0.5
    assert await site.get(slot(ONE)) == (200, "worker 2")
    await until(lambda: site.control.reports.newest[ONE].state == "running")
    assert [state for _, state in site.control.reports.states][-3:] == ["idle", "awaking", "running"]


async def test_a_stopped_service_says_so_and_a_deleted_one_is_gone(site: Site) -> None:
    await site.start()
    site.control.publish(ONE, document(ONE))
    site.control.publish(TWO, document(TWO))
    await site.answers(slot(ONE), 200)
    await site.answers(slot(TWO), 200)
    site.control.publish(ONE, document(ONE, state="stopped"))
    await site.answers(slot(ONE), 503)
    assert "is stopped" in (await site.get(slot(ONE)))[1]
    site.control.publish(ONE, document(ONE, state="deleted"))
    await until(lambda: site.control.reports.newest[ONE].state == "deleted")
    site.control.publish(ONE, None)
    await until(lambda: not (site.directory / "agent" / "services" / ONE).exists())
    await site.closes(slot(ONE))
    assert (await site.get(slot(TWO)))[0] == 200


async def test_a_wake_job_for_a_stopped_service_tells_why_not(site: Site) -> None:
    agent = await site.start()
    agent.handle_jobs({"wake": _wake(agent)})
    site.control.publish(ONE, document(ONE, state="stopped"))
    await until(lambda: ONE in site.control.reports.newest)
    with pytest.raises(Unavailable, match="cannot wake"):
        await site.control.hub.run_job(REGION, "wake", {"service_id": ONE}, timeout=5)


async def test_a_region_tells_who_is_connected_to_one_of_its_services(site: Site) -> None:
    agent = await site.start()
    agent.handle_jobs(job_handlers(agent))
    site.control.publish(ONE, document(ONE))
    site.control.publish(TWO, document(TWO))
    await site.answers(slot(ONE), 200)
    await site.answers(slot(TWO), 200)
    ports = [site.port_base + SERVICES_OFFSET + slot(service_id) for service_id in (ONE, ONE, TWO)]
    writers = [(await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.7", 0)))[1] for port in ports]
    service = dataclasses.replace(SERVICE, id=ONE, region=REGION)
    async with asyncio.timeout(5):  # Envoy accepts in its own time
        while True:
            found = await asyncio.to_thread(find_connections, site.control.hub, service)
            if [entry.connections for entry in found.entries if entry.address == "127.0.0.7"] == [2]:
                break
            await asyncio.sleep(0.02)
    assert found.complete
    assert abs((site.control.clock.now() - found.taken_at).total_seconds()) < 5
    for writer in writers:
        writer.close()


async def test_a_region_without_the_service_or_without_an_agent_cannot_tell(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = await site.start()
    agent.handle_jobs(job_handlers(agent))
    await site.control.connected()
    service = dataclasses.replace(SERVICE, id=TWO, region=REGION)
    with pytest.raises(Unavailable, match=r"not known\. There is no such service in this region\."):
        await asyncio.to_thread(find_connections, site.control.hub, service)
    await site.stop()
    monkeypatch.setattr(service_connections, "ANSWER_SECONDS", 0.2)
    with pytest.raises(Unavailable, match=r"Region local did not answer within 0\.2 s\."):
        await asyncio.to_thread(find_connections, site.control.hub, service)


@pytest.mark.timeout(60)
async def test_a_real_engine_sleeps_and_wakes_with_its_data(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "MINUTE_SECONDS", 0.02)
    settings = site.settings()
    settings.log_directory.mkdir(parents=True)
    site.real_workers = WorkerProcesses(settings)
    await site.start()
    version = site.control.publish(ONE, document(ONE, idle_scaling=False, password_sha256=password_hash(PASSWORD)))
    await until(lambda: _running_as_of(site, version), within=20)
    await site.sql(slot(ONE), "CREATE TABLE t (x UInt32) ENGINE = MergeTree ORDER BY x")
    await site.sql(slot(ONE), "INSERT INTO t VALUES (7)")
    former = site.control.reports.newest[ONE].pid
    assert former is not None
    site.control.publish(ONE, document(ONE, password_sha256=password_hash(PASSWORD)))
    await until(lambda: site.control.reports.newest[ONE].state == "idle", within=10)
    assert not Path(f"/proc/{former}").exists()
    started = time.monotonic()
    answers = await asyncio.gather(*(site.sql(slot(ONE), "SELECT x FROM t") for _ in range(5)))
    assert (answers, time.monotonic() - started < 8) == (["7"] * 5, True)
    assert [event for event in site.control.reports.states if event == (ONE, "awaking")] == [(ONE, "awaking")]


def _running_as_of(site: Site, version: int) -> bool:
    status = site.control.reports.newest.get(ONE)
    return status is not None and status.state == "running" and status.version >= version


def _wake(agent: RegionAgent) -> Handler:
    async def wake(arguments: dict[str, Json], _progress: Progress) -> Json:
        await agent.reconciler.service(str(arguments["service_id"])).wake()
        return None

    return wake
