"""From the desired state to a worker: the users of keys that may query a service."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from stronghouse.agent.queries import users as users_module
from stronghouse.agent.queries.documents import EndpointDocument
from stronghouse.agent.queries.users import QueryUsers
from stronghouse.kernel.errors import Conflict, Unavailable
from stronghouse.keys.local import LocalKms
from stronghouse.regions.protocol import Desired, WantedDocument
from stronghouse.worker.specification import LANDLOCK, KeyUsers, SandboxReport
from tests.integration.agent.fake_workers import FakeWorker, FakeWorkers
from tests.integration.agent.test_reconciling import ONE, Region, document
from tests.unit.agent.test_queries_access import key

USER = f"sh:key:{key(1)['id']}"


def endpoint(*keys: dict[str, Any], role: str = "sql_console_read_only", **fields: Any) -> WantedDocument:
    content = {
        "id": key(9)["id"],
        "service_id": ONE,
        "roles": [role],
        "allowed_origins": [],
        "keys": list(keys),
        **fields,
    }
    return WantedDocument(kind="query_endpoint", id=ONE, document=content)


def desired(version: int, *endpoints: WantedDocument) -> Desired:
    one = document(ONE)
    return Desired(version=version, documents=[WantedDocument(kind="service", id=ONE, document=one), *endpoints])


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[Region]:
    made = Region(tmp_path, FakeWorkers(), LocalKms(tmp_path / "machine.key"))
    yield made
    await made.reconciler.close(grace=0)


async def have(region: Region, expected: dict[str, frozenset[str]]) -> KeyUsers:
    """Wait until the worker of the service has these users."""
    async with asyncio.timeout(5):
        while True:
            given = region.workers.of(ONE).key_users if region.workers.started else None
            if given is not None and given.roles == expected:
                return given
            await asyncio.sleep(0.01)


async def test_a_worker_is_given_the_users_that_its_endpoint_names(region: Region) -> None:
    region.reconciler.accept(desired(1, endpoint(key(1), key(2, enabled=False))))
    reader = frozenset({"sql_console_read_only"})
    first = await have(region, {USER: reader, f"sh:key:{key(2)['id']}": reader})
    region.reconciler.accept(desired(2, endpoint(key(1), role="sql_console_admin")))
    second = await have(region, {USER: frozenset({"sql_console_admin"})})
    assert (first.salt, first.password_hash) == (second.salt, second.password_hash)
    region.reconciler.accept(desired(3))
    await have(region, {})
    assert region.workers.of(ONE).pid == 1


async def test_an_endpoint_that_cannot_be_read_is_none(region: Region) -> None:
    told: list[list[str]] = []
    region.reconciler.endpoints_changed = lambda found: told.append([one.service_id for one in found])
    region.reconciler.accept(desired(1, endpoint(key(1))))
    await have(region, {USER: frozenset({"sql_console_read_only"})})
    region.reconciler.accept(desired(2, endpoint(key(1), more="something new")))
    await have(region, {})
    region.reconciler.accept(desired(3, endpoint(key(1), service_id=key(3)["id"])))
    await have(region, {})
    region.reconciler.accept(desired(4, endpoint(key(1, ip_access=["everywhere"]))))
    assert told.pop() == []
    assert told == [[ONE], [], []]


async def test_a_new_worker_is_given_them_too_and_nothing_runs_before(region: Region) -> None:
    region.reconciler.accept(desired(1, endpoint(key(1))))
    await have(region, {USER: frozenset({"sql_console_read_only"})})
    service = region.reconciler.service(ONE)
    assert (await service.ready_for(USER)) == service.listener.path if service.listener else None
    region.workers.of(ONE).end(1)
    while len(region.workers.started) < 2:
        await asyncio.sleep(0.01)
    await service.ready_for(USER)
    assert region.workers.of(ONE).pid == 2
    assert region.workers.of(ONE).key_users is not None


async def test_who_has_no_user_waits_and_is_told(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users_module, "SETTLE_SECONDS", 0.1)
    region.reconciler.accept(desired(1))
    await have(region, {})
    with pytest.raises(Unavailable):
        await region.reconciler.service(ONE).ready_for(USER)


async def test_a_service_without_its_sandbox_keeps_to_its_owner(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = SandboxReport(landlock_abi=0, seccomp=True, separate_uid=True, missing=(LANDLOCK,))
    monkeypatch.setattr(FakeWorker, "sandbox", lacking)
    region.reconciler.accept(desired(1, endpoint(key(1))))
    await have(region, {})
    with pytest.raises(Conflict, match="Landlock"):
        await region.reconciler.service(ONE).ready_for(USER)


async def test_a_worker_that_does_not_take_them_is_asked_again_and_serves_on(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users_module, "RETRY_SECONDS", 0.02)
    taken, asked = FakeWorker.set_key_users, [0]

    async def slow(worker: FakeWorker, wanted: KeyUsers) -> None:
        asked[0] += 1
        if asked[0] < 3:
            raise Unavailable("busy")
        await taken(worker, wanted)

    monkeypatch.setattr(FakeWorker, "set_key_users", slow)
    region.reconciler.accept(desired(1, endpoint(key(1))))
    await have(region, {USER: frozenset({"sql_console_read_only"})})
    status = region.status(ONE)
    assert status is not None
    assert (status.state, asked[0] >= 3) == ("running", True)


async def test_a_key_that_is_narrowed_waits_for_its_smaller_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users_module, "SETTLE_SECONDS", 0.05)
    users = QueryUsers(ONE)
    worker: Any = SimpleNamespace(pid=1, sandbox=SimpleNamespace(missing_for_users=""), set_key_users=AsyncMock())
    users.wish(EndpointDocument.model_validate(endpoint(key(1), role="sql_console_admin").document))
    await users.bring_about(worker)
    await users.settled(USER, pid=lambda: 1)
    users.wish(EndpointDocument.model_validate(endpoint(key(1)).document))
    with pytest.raises(Unavailable):
        await users.settled(USER, pid=lambda: 1)
    await users.bring_about(worker)
    await users.settled(USER, pid=lambda: 1)
