"""The whole agent as it is run: a process of its own with a real Envoy and real engines, killed at every joint."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stronghouse.agent.collectors import COLLECTORS
from stronghouse.agent.directories import remove_socket_directory
from stronghouse.agent.settings import SERVICES_OFFSET
from stronghouse.kernel.canonical import Json
from stronghouse.regions.jobs import JobFailed
from tests.integration.agent.control_side import REGION, ControlSide, until
from tests.integration.agent.sql_client import PASSWORD, password_hash, sql
from tests.integration.agent.test_reconciling import ONE, TWO, document
from tests.integration.agent.test_region_agent import free_port_base, slot

PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from stronghouse.agent.run import run_agent
from stronghouse.agent.settings import AgentSettings
from stronghouse.kernel.logs import configure_logs
configure_logs("agent")
given = json.loads(sys.argv[1])
settings = AgentSettings(**given | {name: Path(given[name]) for name in ("state_directory", "machine_key_file")})
sys.exit(asyncio.run(run_agent(settings)))
"""


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class AgentProcess:
    """An agent in a process, and a client of its services."""

    def __init__(self, control: ControlSide, directory: Path) -> None:
        self.control = control
        self.directory = directory
        self.port_base = free_port_base()
        self.log = directory.parent / "agent.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._tls = ssl.create_default_context(cadata=control.edge_ca.certificate_pem.decode())

    def start(self, *, token: str | None = None) -> None:
        """Start the agent; with a token it joins."""
        reading, writing = os.pipe()
        os.write(writing, (token or "").encode())
        os.close(writing)
        settings = {
            "state_directory": str(self.directory),
            "port_base": self.port_base,
            "control_url": self.control.url,
            "machine_key_file": str(self.directory.parent / "machine.key"),
            "join_token_fd": reading,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, json.dumps(settings)], pass_fds=(reading,), stderr=log
            )
        os.close(reading)

    @property
    def pid(self) -> int:
        """The agent's process."""
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """Kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def terminate(self) -> tuple[int, float]:
        """SIGTERM; the exit status and how long it took."""
        assert self.process is not None
        started = time.monotonic()
        self.process.terminate()
        status = await asyncio.to_thread(self.process.wait, 15)
        return status, time.monotonic() - started

    async def sql(self, service_id: str, statement: str) -> str:
        """What a service answers to a statement; raises OSError or ValueError when it does not."""
        return await sql(self.port_base + SERVICES_OFFSET + slot(service_id), self._tls, statement)

    async def answers(self, service_id: str, statement: str = "SELECT 1", *, within: float = 20.0) -> float:
        """Seconds until a service answers."""
        started = time.monotonic()
        async with asyncio.timeout(within):
            while True:
                with contextlib.suppress(OSError, ValueError):
                    await self.sql(service_id, statement)
                    return time.monotonic() - started
                await asyncio.sleep(0.05)

    def worker(self, service_id: str) -> int:
        """The process of a service's worker, as the control plane was told."""
        pid = self.control.reports.newest[service_id].pid
        assert pid is not None
        return pid

    def envoy(self) -> int:
        """The process of Envoy."""
        found = [pid for pid in children(self.pid) if "envoy" in Path(f"/proc/{pid}/comm").read_text()]
        assert len(found) == 1
        return found[0]


@pytest.fixture
async def agent(control: ControlSide, tmp_path: Path) -> AsyncIterator[AgentProcess]:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    made = AgentProcess(control, directory)
    made.start(token=control.token().reveal())
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()
    for note in directory.rglob("run-directory.json"):  # a killed agent leaves it to its next start
        remove_socket_directory(note.parent, Path(json.loads(note.read_bytes())["path"]))


def wanted(service_id: str, **changes: Json) -> dict[str, Json]:
    return document(service_id, password_sha256=password_hash(PASSWORD), **changes)


@pytest.mark.timeout(90)
async def test_data_survives_the_death_of_every_process(agent: AgentProcess) -> None:
    agent.control.publish(ONE, wanted(ONE))
    await agent.answers(ONE)
    await agent.sql(ONE, "CREATE TABLE t (x UInt32) ENGINE = MergeTree ORDER BY x")
    await agent.sql(ONE, "INSERT INTO t VALUES (1),(2),(3)")
    await until(lambda: agent.control.reports.newest[ONE].state == "running")

    former = agent.worker(ONE)
    os.kill(former, signal.SIGKILL)
    assert await agent.answers(ONE, "SELECT sum(x) FROM t") < 5
    assert await agent.sql(ONE, "SELECT sum(x) FROM t") == "6"

    os.kill(agent.envoy(), signal.SIGKILL)
    assert await agent.answers(ONE) < 5
    await until(lambda: agent.control.reports.newest[ONE].pid != former)

    everyone = [agent.pid, *children(agent.pid)]
    await agent.control.stop()  # and it comes back without a control plane
    agent.kill()
    await until(lambda: not any(alive(pid) for pid in everyone))
    agent.start()
    assert await agent.answers(ONE) < 5
    assert await agent.sql(ONE, "SELECT sum(x) FROM t") == "6"

    everyone = [agent.pid, *children(agent.pid)]
    status, seconds = await agent.terminate()
    assert (status, seconds < 8) == (0, True)
    assert not any(alive(pid) for pid in everyone)
    assert not (agent.directory / "agent" / "run").exists()


@pytest.mark.timeout(90)
async def test_stop_start_and_delete_with_a_real_engine(agent: AgentProcess) -> None:
    agent.control.publish(ONE, wanted(ONE))
    agent.control.publish(TWO, wanted(TWO))
    await agent.answers(ONE)
    await agent.answers(TWO)
    await agent.sql(ONE, "CREATE TABLE t (x String) ENGINE = MergeTree ORDER BY x")
    await agent.sql(ONE, "INSERT INTO t VALUES ('canary-5ca1ab1e')")
    agent.control.publish(ONE, wanted(ONE, state="stopped"))
    await until(lambda: agent.control.reports.newest[ONE].state == "stopped", within=10)
    with pytest.raises(ValueError, match="is stopped"):
        await agent.sql(ONE, "SELECT 1")
    agent.control.publish(ONE, wanted(ONE))
    await agent.answers(ONE)
    assert await agent.sql(ONE, "SELECT x FROM t") == "canary-5ca1ab1e"
    _nowhere(agent, b"canary-5ca1ab1e", PASSWORD.encode(), password_hash(PASSWORD).encode())

    agent.control.publish(ONE, wanted(ONE, state="deleted"))
    await until(lambda: agent.control.reports.newest[ONE].state == "deleted", within=10)
    agent.control.publish(ONE, None)
    await until(lambda: not (agent.directory / "agent" / "services" / ONE).exists())
    assert await agent.sql(TWO, "SELECT 1") == "1"


@pytest.mark.timeout(60)
async def test_a_query_that_never_ends_does_not_hold_up_a_stop(agent: AgentProcess) -> None:
    agent.control.publish(ONE, wanted(ONE))
    await agent.answers(ONE)
    endless = asyncio.create_task(
        agent.sql(ONE, "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1")
    )
    await asyncio.sleep(0.5)
    everyone = [agent.pid, *children(agent.pid)]
    status, seconds = await agent.terminate()
    assert (status, seconds < 8) == (0, True)
    assert not any(alive(pid) for pid in everyone)
    with pytest.raises((OSError, ValueError)):
        await endless


@pytest.mark.timeout(60)
async def test_every_collector_answers_over_the_stream(agent: AgentProcess) -> None:
    agent.control.publish(ONE, wanted(ONE))
    await agent.answers(ONE)
    await until(lambda: agent.control.reports.newest[ONE].state == "running")
    for name in COLLECTORS:
        facts = await agent.control.hub.run_job(REGION, "collect", {"collector": name}, timeout=30)
        assert isinstance(facts, dict)
        assert facts["collector"] == name
        _refuse_secrets(json.dumps(facts))
    with pytest.raises(JobFailed, match="no collector"):
        await agent.control.hub.run_job(REGION, "collect", {"collector": "rows"}, timeout=30)


def _refuse_secrets(facts: str) -> None:
    assert PASSWORD not in facts
    assert password_hash(PASSWORD) not in facts


@pytest.mark.timeout(60)
async def test_a_second_agent_on_the_same_state_is_refused(agent: AgentProcess, tmp_path: Path) -> None:
    await agent.control.connected(within=20)
    second = AgentProcess(agent.control, agent.directory)
    second.log = tmp_path / "second.log"
    second.start()
    assert second.process is not None
    assert await asyncio.to_thread(second.process.wait, 20) != 0
    assert "Another agent runs" in second.log.read_text()


def _nowhere(agent: AgentProcess, canary: bytes, *secrets: bytes) -> None:
    """The canary is in no file; secrets are in no file but the cached desired state, which may hold their hashes."""
    for path in [*agent.directory.rglob("*"), agent.log]:
        if path.is_file():
            content = path.read_bytes()
            assert canary not in content, path
            assert path.name == "desired.json" or not any(secret in content for secret in secrets), path
