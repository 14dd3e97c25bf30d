"""Services from wish to fact, with workers that do as they are told: crashes, sleep, deletion, restarts."""

import asyncio
import base64
import contextlib
import hashlib
import json
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stronghouse.agent import service as service_module
from stronghouse.agent.desired import DesiredCache
from stronghouse.agent.directories import Directories, remove_socket_directory, socket_directory
from stronghouse.agent.reconcile import Reconciler
from stronghouse.agent.service import Surroundings
from stronghouse.agent.settings import AgentSettings
from stronghouse.kernel.errors import Unavailable
from stronghouse.keys.local import LocalKms
from stronghouse.regions.protocol import Desired, ServiceStatus, WantedDocument
from tests.integration.agent.control_side import until
from tests.integration.agent.fake_workers import FakeWorkers

ONE, TWO = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


def document(service_id: str, **changes: Any) -> dict[str, Any]:
    """A service's document."""
    return {
        "id": service_id,
        "organization_id": str(uuid.UUID(int=9)),
        "name": "flights",
        "state": "running",
        "slot": uuid.UUID(service_id).int,
        "hosts": ["localhost"],
        "ip_access": ["127.0.0.1/32"],
        "username": "default",
        "password_sha256": base64.b64encode(hashlib.sha256(b"secret").digest()).decode(),
        "idle_scaling": True,
        "idle_timeout_minutes": 15,
        "memory_gb": 8,
        **changes,
    }


def desired(version: int, *documents: dict[str, Any]) -> Desired:
    """A desired state of these services."""
    wanted = [WantedDocument(kind="service", id=one["id"], document=one) for one in documents]
    return Desired(version=version, documents=wanted)


class Region:
    """A reconciler over a directory. The edge is a note of what it was last told, taken up at once."""

    def __init__(self, root: Path, workers: FakeWorkers, kms: LocalKms) -> None:
        self.directories = Directories(root / "agent")
        self.directories.prepare()
        self.workers = workers
        settings = AgentSettings(
            state_directory=root,
            port_base=20_000,
            control_url="wss://localhost:1",
            machine_key_file=root / "unused",
        )
        self.reconciler = Reconciler(
            settings,
            cache=DesiredCache(self.directories.desired),
            surroundings=Surroundings(
                homes=self.directories.services,
                sockets=socket_directory(self.directories.root),
                kms=kms,
                workers=workers,
                edge=self,
                changed=lambda: None,
                queries=root / "queries.sock",
            ),
        )
        self.edge: dict[str, Any] = {}
        self.edge_is_stuck = False
        self.edge_history: list[dict[str, Any]] = []

    def poke(self) -> None:
        """Take up what is wanted, at once."""
        version, hosts = self.reconciler.edge_wanted()
        self.edge = {host.name: host for host in hosts}
        self.edge_history.append(self.edge)
        if not self.edge_is_stuck:
            self.reconciler.edge_applied(version)

    async def settled(self) -> None:
        """The edge took it up when it was poked."""

    def status(self, service_id: str) -> ServiceStatus | None:
        """What is reported of a service."""
        return next((status for status in self.reconciler.statuses()[1] if status.id == service_id), None)

    async def reaches(self, service_id: str, state: str, *, version: int = 0) -> ServiceStatus:
        """Wait until a service is reported in a state, as of a version."""

        def there() -> bool:
            status = self.status(service_id)
            return status is not None and status.state == state and status.version >= version

        await until(there)
        found = self.status(service_id)
        assert found is not None
        return found

    def home(self, service_id: str) -> Path:
        """A service's directory."""
        return self.directories.services / service_id


Make = Callable[[], "contextlib.AbstractAsyncContextManager[Region]"]


@pytest.fixture
def workers() -> FakeWorkers:
    return FakeWorkers()


@pytest.fixture
def make(tmp_path: Path, workers: FakeWorkers) -> Iterator[Make]:
    """Starts an agent's reconciler on the test's directory; leaving the block is kill -9: nothing is tidied up."""

    @contextlib.asynccontextmanager
    async def region() -> AsyncIterator[Region]:
        made = Region(tmp_path, workers, LocalKms(tmp_path / "machine.key"))
        made.reconciler.restore()
        task = asyncio.create_task(made.reconciler.run())
        try:
            yield made
        finally:
            task.cancel()
            await made.reconciler.close(grace=0)

    yield region
    for note in tmp_path.rglob("run-directory.json"):
        remove_socket_directory(note.parent, Path(json.loads(note.read_bytes())["path"]))


async def greet(path: Path) -> bytes:
    """What the worker behind a socket says, as the edge would ask it."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        return (await asyncio.wait_for(reader.read(), 5)).rpartition(b"\r\n")[2]
    finally:
        writer.close()


async def test_a_wish_becomes_a_running_service_with_a_key_of_its_own(make: Make, workers: FakeWorkers) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE), document(TWO)))
        one, two = await region.reaches(ONE, "running", version=1), await region.reaches(TWO, "running", version=1)
        assert one.key is not None
        assert two.key is not None
        assert one.key.fingerprint != two.key.fingerprint
        assert workers.of(ONE).data_key != workers.of(TWO).data_key
        kept = (region.home(ONE) / "data-key.json").read_bytes()
        assert base64.b64encode(workers.of(ONE).data_key) not in kept
        assert await greet(region.edge[ONE].upstream) == b"worker %d" % workers.of(ONE).pid
        assert region.edge[ONE].upstream.parent.stat().st_mode & 0o777 == 0o700


async def test_a_worker_that_opens_its_engine_anew_gets_the_same_key_until_the_service_is_deleted(
    make: Make, workers: FakeWorkers
) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running", version=1)
        worker = workers.of(ONE)
        assert worker.ask_for_key is not None
        assert await worker.ask_for_key() == worker.data_key
        region.reconciler.accept(desired(2, document(ONE, state="deleted")))
        await region.reaches(ONE, "deleted", version=2)
        with pytest.raises(Unavailable):
            await worker.ask_for_key()


async def test_an_access_list_is_at_the_edge_before_a_new_service_is_begun(make: Make, workers: FakeWorkers) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running")
        region.edge_history.clear()
        region.reconciler.accept(desired(2, document(ONE, ip_access=["192.0.2.0/24"]), document(TWO)))
        first = region.edge_history[0]
        assert [str(network) for network in first[ONE].allow] == ["192.0.2.0/24"]
        assert TWO not in first


async def test_nothing_is_told_as_done_before_the_edge_enforces_it(make: Make) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running", version=1)
        region.edge_is_stuck = True
        region.reconciler.accept(desired(2, document(ONE, ip_access=[])))
        await asyncio.sleep(0.1)
        status = region.status(ONE)
        assert status is not None
        assert (status.version, region.reconciler.applied_version) == (1, 1)


async def test_a_service_that_comes_back_waits_for_its_former_self_to_end(make: Make, workers: FakeWorkers) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running")
        former = workers.of(ONE)
        former.farewell = 0.3
        region.reconciler.accept(desired(2))
        await asyncio.sleep(0)
        region.reconciler.accept(desired(3, document(ONE)))
        await asyncio.sleep(0.1)
        assert len(workers.started) == 1  # two engines must never open the same data
        await region.reaches(ONE, "running", version=3)
        assert former.ended.done()
        assert await greet(region.edge[ONE].upstream) == b"worker 2"


async def test_a_slow_service_does_not_hold_up_another(make: Make, workers: FakeWorkers) -> None:
    async with make() as region:
        workers.broken.add(ONE)
        region.reconciler.accept(desired(1, document(ONE), document(TWO)))
        await region.reaches(TWO, "running")
        assert (await region.reaches(ONE, "failed")).reason == "The engine did not start."
        assert region.edge[ONE].answer.status == 503
        workers.broken.clear()
        region.reconciler.accept(desired(2, document(ONE, state="stopped"), document(TWO)))
        await region.reaches(ONE, "stopped", version=2)


async def test_a_dead_worker_is_replaced_and_waiting_clients_reach_the_new_one(
    make: Make, workers: FakeWorkers
) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running")
        workers.delay = 0.3
        workers.of(ONE).end(-9)
        await region.reaches(ONE, "starting")
        assert await greet(region.edge[ONE].upstream) == b"worker 2"
        assert (await region.reaches(ONE, "running")).reason is None


async def test_an_idle_service_wakes_for_a_connection_which_waits_for_it(
    make: Make, workers: FakeWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "MINUTE_SECONDS", 0.01)
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running")
        workers.of(ONE).idle = True
        assert (await region.reaches(ONE, "idle")).pid is None
        await asyncio.sleep(0.1)
        assert len(workers.started) == 1
        # Neither a new access list nor a new password wakes it.
        region.reconciler.accept(desired(2, document(ONE, ip_access=[])))
        await region.reaches(ONE, "idle", version=2)
        workers.delay = 0.1
        answers = await asyncio.gather(*(greet(region.edge[ONE].upstream) for _ in range(5)))
        assert answers == [b"worker 2"] * 5
        await region.reaches(ONE, "running")
        assert len(workers.started) == 2


async def test_waking_by_job_returns_once_it_runs(
    make: Make, workers: FakeWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "MINUTE_SECONDS", 0.01)
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running")
        workers.of(ONE).idle = True
        await region.reaches(ONE, "idle")
        await asyncio.wait_for(region.reconciler.service(ONE).wake(), 5)
        assert region.reconciler.service(ONE).state == "running"


async def test_an_idle_service_stays_idle_when_the_agent_restarts(
    make: Make, workers: FakeWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "MINUTE_SECONDS", 0.01)
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running")
        workers.of(ONE).idle = True
        await region.reaches(ONE, "idle", version=1)
    async with make() as region:
        await region.reaches(ONE, "idle", version=1)
        assert len(workers.started) == 1
        assert await greet(region.edge[ONE].upstream) == b"worker 2"


async def test_stop_and_start_tell_of_the_wish_at_once(make: Make, workers: FakeWorkers) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running")
        region.reconciler.accept(desired(2, document(ONE, state="stopped")))
        status = region.status(ONE)
        assert status is not None
        assert status.state == "stopping"  # never "running" as of version 2
        await region.reaches(ONE, "stopped", version=2)
        assert workers.of(ONE).grace == service_module.GRACE_SECONDS
        assert region.edge[ONE].upstream is None
        assert region.edge[ONE].answer.status == 503
        region.reconciler.accept(desired(3, document(ONE)))
        status = region.status(ONE)
        assert status is not None
        assert status.state == "starting"
        await region.reaches(ONE, "running", version=3)


async def test_a_new_password_reaches_the_running_worker(make: Make, workers: FakeWorkers) -> None:
    other = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running")
        region.reconciler.accept(desired(2, document(ONE, password_sha256=other)))
        await until(lambda: workers.of(ONE).password == other)
        assert len(workers.started) == 1


async def test_deletion_destroys_the_key_and_the_data_and_is_told_until_it_is_known(make: Make) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running")
        (region.home(ONE) / "data" / "part").write_bytes(b"x")
        region.reconciler.accept(desired(2, document(ONE, state="deleted")))
        assert ONE not in region.edge
        await region.reaches(ONE, "deleted", version=2)
        assert [path.name for path in region.home(ONE).iterdir()] == ["deleted"]
    async with make() as region:  # before the control plane heard of it
        await region.reaches(ONE, "deleted", version=2)
        region.reconciler.accept(desired(3))
        await until(lambda: not region.home(ONE).exists())


@pytest.mark.parametrize("left", ["key and data", "data", "nothing"])
async def test_a_deletion_that_was_cut_off_is_completed(make: Make, left: str) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running", version=1)
    home = region.home(ONE)
    (home / "deleted").touch()
    if left != "key and data":
        (home / "data-key.json").unlink()
    if left == "nothing":
        (home / "data").rmdir()
    async with make() as region:
        # The cached wish still says running: what was being deleted never runs again.
        await asyncio.sleep(0.2)
        status = region.status(ONE)
        assert status is not None
        assert status.state == "failed"
        region.reconciler.accept(desired(2, document(ONE, state="deleted")))
        await region.reaches(ONE, "deleted", version=2)


async def test_a_service_cut_off_while_it_was_made_is_completed(make: Make) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running", version=1)
        key = region.status(ONE)
    assert key is not None
    (region.home(ONE) / "data").rmdir()
    (region.home(ONE) / "service.json").unlink()
    async with make() as region:
        assert (await region.reaches(ONE, "running", version=1)).key == key.key


async def test_data_without_its_key_never_gets_another_key(make: Make) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running", version=1)
        (region.home(ONE) / "data" / "part").write_bytes(b"x")
    (region.home(ONE) / "data-key.json").unlink()
    async with make() as region:
        status = await region.reaches(ONE, "failed")
        assert status.reason is not None
        assert "key file is gone" in status.reason
        assert not (region.home(ONE) / "data-key.json").exists()


async def test_what_the_control_plane_does_not_know_keeps_its_data_unserved(make: Make) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running", version=1)
        region.reconciler.accept(desired(2))
        assert ONE not in region.edge
        await asyncio.sleep(0.1)
        assert (region.home(ONE) / "data-key.json").exists()
        region.reconciler.accept(desired(3, document(ONE)))
        await region.reaches(ONE, "running", version=3)
        assert await greet(region.edge[ONE].upstream) == b"worker 2"


@pytest.mark.parametrize(
    "change",
    [
        {"ip_access": ["not an address"]},
        {"slot": 21},
        {"slot": 2},
        {"surprise": 1},
        {"hosts": ["localhost", "localhost"]},
        {"hosts": ["bad host"]},
        {"hosts": []},
        {"password_sha256": "x"},
        {"state": "gone"},
    ],
)
async def test_a_bad_document_fails_its_own_service_and_closes_it(make: Make, change: dict[str, Any]) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(TWO), document(ONE)))
        await region.reaches(ONE, "running")
        region.reconciler.accept(desired(2, document(TWO), {**document(ONE), **change}))
        await region.reaches(ONE, "failed", version=2)
        assert ONE not in region.edge
        assert (await region.reaches(TWO, "running", version=2)).reason is None


async def test_an_id_that_is_a_path_goes_nowhere(make: Make, tmp_path: Path) -> None:
    async with make() as region:
        evil = {**document(ONE), "id": "../../evil"}
        region.reconciler.accept(desired(1, evil))
        await asyncio.sleep(0.1)
        assert not list(tmp_path.rglob("*evil*"))
        assert list(region.directories.services.iterdir()) == []


async def test_a_damaged_cache_is_refused(make: Make) -> None:
    async with make() as region:
        region.reconciler.accept(desired(1, document(ONE)))
        await region.reaches(ONE, "running", version=1)
    path = region.directories.desired
    kept = json.loads(path.read_bytes())
    kept["desired"] = kept["desired"].replace("127.0.0.1/32", "0.0.0.0/0")
    path.write_text(json.dumps(kept))
    async with make() as region:
        assert region.status(ONE) is None
        assert region.reconciler.applied_version == 0


async def test_a_socket_path_that_is_too_long_moves_to_a_short_private_directory(tmp_path: Path) -> None:
    root = tmp_path / ("deep" * 30)
    root.mkdir()
    first = socket_directory(root)
    (first / "old").mkdir()
    with socket.socket(socket.AF_UNIX) as probe:
        probe.bind(str(first / "old" / "http.sock"))
    assert first.stat().st_mode & 0o777 == 0o700
    second = socket_directory(root)
    assert not first.exists()
    assert list(second.iterdir()) == []
    second.rmdir()
