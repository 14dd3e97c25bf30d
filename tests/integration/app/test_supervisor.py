"""The supervisor over stand-ins for its processes: what it starts, restarts, stops and never leaves behind."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.stack import free_ports, is_zombie

STARTED_WITHIN = 20.0


@dataclass
class Run:
    directory: Path
    port_base: int
    process: "subprocess.Popen[str]"

    @property
    def ready_file(self) -> Path:
        return self.directory / "ready.json"

    def events(self, name: str) -> list[dict[str, object]]:
        """Lines of a log with one of our events."""
        lines = (self.directory / "state" / "log" / f"{name}.log").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def pids(self) -> dict[str, int]:
        return dict(json.loads(self.ready_file.read_text())["pids"])

    def await_ready(self) -> "Run":
        wait_until(lambda: self.ready_file.exists() or self.process.poll() is not None)
        assert self.ready_file.exists(), self.process.communicate()
        return self

    def end(self) -> str:
        """Everything that it wrote."""
        output, errors = self.process.communicate(timeout=12)
        return output + errors


def wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + STARTED_WITHIN
    while not condition():
        assert time.monotonic() < until, "timed out"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists() or is_zombie(pid)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []
    port_base = free_ports()

    def start(*knobs: str) -> Run:
        (tmp_path / "knobs").mkdir(exist_ok=True)
        for name in knobs:
            (tmp_path / "knobs" / name).touch()
        command = [sys.executable, "-m", "tests.support.fake_installation", "supervisor", str(tmp_path), str(port_base)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        runs.append(Run(tmp_path, port_base, process))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
        run.process.communicate()
    if (tmp_path / "orphan").exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int((tmp_path / "orphan").read_text()), signal.SIGKILL)


def test_first_start_hands_over_secrets_once_and_stops_without_a_trace(start: Callable[..., Run]) -> None:
    run = start().await_ready()
    ready = json.loads(run.ready_file.read_text())
    assert stat.S_IMODE(run.ready_file.stat().st_mode) == 0o600
    assert (ready["api_key_id"], ready["api_key_secret"]) == ("the-key", "the-secret")
    assert (run.directory / "token-seen").read_text().strip() == "the-token"
    pids = run.pids()
    assert {"supervisor", "control", "agent"} <= set(pids)
    began = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    text = run.end()
    assert run.process.returncode == 0
    assert time.monotonic() - began < 10
    assert all(is_gone(pid) for pid in pids.values())
    assert "the-secret" in text  # the exports
    logged = "".join(path.read_text() for path in (run.directory / "state").rglob("*.log"))
    assert "the-secret" not in logged
    assert "the-token" not in logged
    assert not list(run.directory.glob("machine.key.first-start-*"))

    run.ready_file.unlink()
    again = start().await_ready()
    assert json.loads(again.ready_file.read_text())["api_key_secret"] is None
    assert json.loads(again.ready_file.read_text())["login_url"] is None


def test_secrets_of_a_first_start_that_failed_are_shown_by_the_next(start: Callable[..., Run]) -> None:
    run = start("agent-broken")
    assert "The agent does not start: the disk is made of cheese" in run.end()
    (run.directory / "knobs" / "agent-broken").unlink()
    again = start().await_ready()
    assert json.loads(again.ready_file.read_text())["api_key_secret"] == "the-secret"
    # It is removed once the secrets have been shown, which is after the ready file.
    wait_until(lambda: not list(run.directory.glob("machine.key.first-start-*")))


def test_what_dies_is_started_again_at_once_and_alone(start: Callable[..., Run]) -> None:
    run = start().await_ready()
    pids = run.pids()
    began = time.monotonic()
    os.kill(pids["control"], signal.SIGKILL)

    def restarted() -> bool:
        return [event["event"] for event in run.events("control")].count("control_began") == 2

    wait_until(restarted)
    assert time.monotonic() - began < 2
    assert not is_gone(pids["agent"])
    (death,) = [event for event in run.events("supervisor") if event["event"] == "child_died"]
    assert (death["child"], death["exit_code"], death["restart_in_ms"]) == ("control", -signal.SIGKILL, 0)


def test_second_start_on_the_same_state_is_refused_with_the_first_ones_process_id(start: Callable[..., Run]) -> None:
    run = start().await_ready()
    second = start()
    text = second.end()
    assert second.process.returncode == 1
    assert f"(process {run.process.pid})" in text
    assert run.ready_file.exists()
    assert run.process.poll() is None


def test_children_die_with_a_killed_supervisor(start: Callable[..., Run]) -> None:
    run = start().await_ready()
    pids = run.pids()
    run.process.kill()
    run.process.wait()
    wait_until(lambda: all(is_gone(pid) for pid in pids.values()))
    run.ready_file.unlink()
    start().await_ready()  # and the lock went with it


def test_process_that_a_child_left_behind_is_ended_too(start: Callable[..., Run]) -> None:
    run = start("orphan").await_ready()
    orphan = int((run.directory / "orphan").read_text())
    os.kill(run.pids()["agent"], signal.SIGKILL)
    wait_until(lambda: [event["event"] for event in run.events("agent")].count("agent_began") == 2)
    run.process.send_signal(signal.SIGTERM)
    run.end()
    assert is_gone(orphan)


def test_second_interrupt_ends_a_process_that_does_not_listen(start: Callable[..., Run]) -> None:
    run = start("agent-deaf").await_ready()
    pids = run.pids()
    run.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert run.process.poll() is None
    run.process.send_signal(signal.SIGINT)
    began = time.monotonic()
    run.end()
    assert time.monotonic() - began < 3
    assert all(is_gone(pid) for pid in pids.values())


def test_process_that_cannot_start_ends_the_run_with_its_own_words(start: Callable[..., Run]) -> None:
    run = start("control-broken")
    text = run.end()
    assert run.process.returncode == 1
    assert "The control plane does not start: the disk is made of cheese" in text
    assert not run.ready_file.exists()


def test_taken_port_is_named_before_anything_is_started(start: Callable[..., Run], tmp_path: Path) -> None:
    with contextlib.ExitStack() as held:
        run = start()
        run.process.kill()
        run.end()
        held.enter_context(socket.create_server(("127.0.0.1", run.port_base + 7)))
        refused = start()
        text = refused.end()
    assert refused.process.returncode == 1
    assert f"Port {run.port_base + 7} is in use" in text
    assert not (tmp_path / "ready.json").exists()


def test_signal_while_it_starts_stops_it_cleanly(start: Callable[..., Run]) -> None:
    run = start("agent-broken")
    wait_until((run.directory / "pair.pem").exists)
    run.process.send_signal(signal.SIGTERM)
    run.end()
    events = [event["event"] for event in run.events("supervisor")]
    assert events[-1] == "stopped"
    assert not run.ready_file.exists()
