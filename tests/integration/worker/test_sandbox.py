"""What a process in a worker's sandbox reaches: nothing that is not its own."""

import os
import re
import socket
from pathlib import Path

import pytest

from stronghouse.kernel.errors import Unavailable
from stronghouse.worker import landlock
from stronghouse.worker.probe import probe_sandbox
from stronghouse.worker.specification import WorkerSpec
from tests.integration.worker.service import UID, Service

ROOT = os.geteuid() == 0


async def test_nothing_is_reached_from_inside(tmp_path: Path, fresh: Service) -> None:
    secret = tmp_path / "other service"
    secret.mkdir()
    (secret / "rows").write_text("rows")
    for path in (tmp_path, secret, secret / "rows"):
        path.chmod(0o777)
    neighbour = fresh.root / "neighbour.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(neighbour))
        neighbour.chmod(0o777)
        listener.listen()
        found = await probe_sandbox(
            fresh.spec,
            forbidden_paths=[secret / "rows", secret, fresh.root],
            forbidden_sockets=[neighbour, fresh.socket],
        )
    assert isinstance(found["tried"], list)
    assert len(found["tried"]) > 25
    assert found["reached"] == []
    assert {f"read {secret / 'rows'}", f"connect {neighbour}", "connect by TCP", "send by UDP"} <= set(
        map(str, found["tried"])
    )


async def test_the_probe_tells_when_a_part_is_missing(fresh: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this, a probe that finds nothing could be one that tries nothing."""
    monkeypatch.setattr("stronghouse.worker.probe.command", unconfined)
    readable = fresh.root / "readable"
    readable.write_text("x")
    found = await probe_sandbox(fresh.spec, forbidden_paths=[readable], forbidden_sockets=[fresh.socket])
    assert isinstance(found["reached"], list)
    assert {f"read {readable}", f"connect {fresh.socket}", "connect by TCP", "send by UDP", "run a shell"} <= set(
        map(str, found["reached"])
    )


def unconfined(module: str, launch: object) -> list[str]:
    import json
    import sys

    return [sys.executable, "-m", "stronghouse.worker.probe", json.dumps(launch.to_json())]  # type: ignore[attr-defined]


def test_a_worker_reports_and_has_every_part(fresh: Service) -> None:
    worker = fresh.start()
    assert worker.sandbox.landlock_abi == landlock.abi() > 0
    assert worker.sandbox.seccomp is True
    assert worker.sandbox.separate_uid is ROOT
    assert worker.sandbox.missing == (() if ROOT else ("separate user",))
    status = Path(f"/proc/{worker.pid}/status").read_text()
    assert re.search(r"NoNewPrivs:\s+1\n", status)
    assert re.search(r"Seccomp:\s+2\n", status)
    limits = Path(f"/proc/{worker.pid}/limits").read_text()
    assert re.search(r"Max core file size\s+0\s+0 ", limits)


@pytest.mark.skipif(not ROOT, reason="only root can change the user; as another user there is nothing to test")
def test_a_worker_of_root_has_a_user_of_its_own_and_at_most_one_capability(fresh: Service) -> None:
    worker = fresh.start()
    status = Path(f"/proc/{worker.pid}/status").read_text()
    assert re.search(rf"Uid:\s+{UID}\s+{UID}\s+{UID}\s+{UID}\n", status)
    assert re.search(rf"Gid:\s+{UID}\s+{UID}\s+{UID}\s+{UID}\n", status)
    assert re.search(r"Groups:\s*\n", status)
    for kind in ("Eff", "Prm", "Bnd", "Amb"):
        value = re.search(rf"Cap{kind}:\s+([0-9a-f]+)\n", status)
        assert value is not None
        assert int(value[1], 16) & ~(1 << 2) == 0, kind  # CAP_DAC_READ_SEARCH, and only where the path needs it


async def test_the_sandbox_fails_closed_without_a_data_directory(fresh: Service) -> None:
    spec = WorkerSpec(fresh.spec.service_id, fresh.root / "nothing", "default", "", 1 << 30, fresh.spec.uid)
    with pytest.raises(Unavailable):
        await probe_sandbox(spec, forbidden_paths=[], forbidden_sockets=[])
