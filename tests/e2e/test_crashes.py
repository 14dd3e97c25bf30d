"""kill -9 of each process in turn under a writing client: back in seconds, every acknowledged row once, no orphan."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.stack import Service, Stack, running_stack

BACK_WITHIN_SECONDS = 5.0
API_BACK_WITHIN_SECONDS = 15.0  # services go on without it
VICTIMS = ("control", "agent", "control_edge", "agent_edge", "worker")


class Writer:
    """Inserts one numbered row after another and remembers which were acknowledged. No number is sent twice."""

    def __init__(self, stack: Stack, service: Service) -> None:
        self.stack, self.service = stack, service
        self.acknowledged: list[int] = []
        self.acknowledged_at: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            try:
                self.stack.query(
                    self.service.id, self.service.password, f"INSERT INTO kept VALUES ({number})", timeout=3
                )
            except (OSError, httpx.HTTPError, RuntimeError):
                time.sleep(0.02)
                continue
            self.acknowledged.append(number)
            self.acknowledged_at.append(time.monotonic())

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def back_after(self, moment: float) -> bool:
        return any(at > moment for at in self.acknowledged_at[-50:])


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("crashes")) as stack:
        yield stack


@pytest.fixture(scope="module")
def service(own_stack: Stack) -> Service:
    created = own_stack.create_service("crashed")
    own_stack.query(created.id, created.password, "CREATE TABLE kept (n UInt64) ORDER BY n")
    return created


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.slow
def test_a_killed_process_comes_back_and_loses_nothing(own_stack: Stack, service: Service, victim: str) -> None:
    own_stack.query(service.id, service.password, "TRUNCATE TABLE kept")
    events_before = {event["id"] for event in own_stack.audit_events()}
    with Writer(own_stack, service) as writer:
        own_stack.wait_until(lambda: len(writer.acknowledged) > 20)
        named = own_stack.api("PATCH", f"/services/{service.id}", {"name": f"survived {victim}"})
        assert named["name"] == f"survived {victim}"
        pid = own_stack.pid_of(victim, service.id)
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        own_stack.wait_until(lambda: writer.back_after(killed + 0.05), timeout=BACK_WITHIN_SECONDS)
        own_stack.wait_until(lambda: own_stack.answers(service), timeout=API_BACK_WITHIN_SECONDS)
        own_stack.wait_until(lambda: len(writer.acknowledged) > 60, timeout=20)
    assert own_stack.pid_of(victim, service.id) != pid
    stored = own_stack.query(service.id, service.password, "SELECT n FROM kept ORDER BY n").split()
    assert len(stored) == len(set(stored)), "a row is there twice"
    missing = set(map(str, writer.acknowledged)) - set(stored)
    assert not missing, f"{len(missing)} acknowledged rows are lost"
    assert len(writer.acknowledged) > 60
    events_after = {event["id"] for event in own_stack.audit_events()}
    assert events_before <= events_after
    assert any(
        event["code"] == "service.rename" and event["data"]["after"] == f"survived {victim}"
        for event in own_stack.audit_events()
    )
    own_stack.verify_audit()


@pytest.mark.slow
def test_a_killed_supervisor_takes_everything_with_it_and_the_next_start_goes_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("supervisor")
    with running_stack(directory) as stack:
        created = stack.create_service("kept")
        stack.query(created.id, created.password, "CREATE TABLE kept (n UInt64) ORDER BY n")
        stack.query(created.id, created.password, "INSERT INTO kept VALUES (7)")
        everything = stack.process_ids()
        assert len(everything) >= 6
        os.kill(stack.process.pid, signal.SIGKILL)
        stack.wait_until(lambda: not any(alive(pid) for pid in everything), timeout=10)
    with running_stack(directory, credentials_of=stack) as again:
        again.wait_for_state(created.id, "running")
        assert again.query(created.id, created.password, "SELECT n FROM kept") == "7"
        again.verify_audit()


def alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a zombie is dead
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False
