"""The whole product on PostgreSQL: killed under writers, without its database for a while, and beside a second one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from stronghouse.access.roles.system import DEVELOPER
from tests.support.postgres import ROLE, Server, running_server
from tests.support.stack import Stack, free_ports, running_stack

PASSWORD = "walrus onyx fable crumpet"
KILLS = 3
WRITERS = 4


@dataclass
class Installation:
    """A stack, its server and the settings that lead from one to the other."""

    stack: Stack
    server: Server
    settings: dict[str, str]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command of ours, which knows the settings."""
        return subprocess.run(
            [sys.executable, "-m", "stronghouse", *arguments],
            env={**os.environ, **self.settings},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def verify_audit(self) -> int:
        """Check the whole log; its size."""
        done = self.command("verify-audit", "--json", "--state-dir", str(self.stack.state_dir))
        assert done.returncode == 0, done.stdout + done.stderr
        return int(json.loads(done.stdout)["size"])

    def is_well(self) -> bool:
        """Whether the API answers from the database."""
        return isinstance(self.stack.api("GET", "/keys"), list)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("pg")
    with running_server(rules=f"local all {ROLE} scram-sha-256\n") as server:
        server.execute(f"ALTER ROLE {ROLE} PASSWORD '{PASSWORD}'")
        server.create("own")
        password = directory / "password"
        password.touch(mode=0o600)
        password.write_text(f"{PASSWORD}\n")
        settings = {
            "STRONGHOUSE__DATABASE__URL": f"postgresql://{ROLE}@/own?host={server.directory}",
            "STRONGHOUSE__DATABASE__PASSWORD_FILE": str(password),
        }
        with running_stack(directory, environment=settings) as stack:
            yield Installation(stack, server, settings)


def write_keys(stack: Stack, writer: int, made: list[str], stop: threading.Event) -> None:
    """Make one key after another; `made` holds the names of those that were acknowledged."""
    number = 0
    while not stop.is_set():
        number += 1
        name = f"w{writer}-{number}-{time.monotonic_ns()}"
        try:
            stack.api("POST", "/keys", {"name": name, "assignedRoleIds": [DEVELOPER.id]})
        except (OSError, httpx.HTTPError, RuntimeError):
            time.sleep(0.05)
        else:
            made.append(name)


@pytest.mark.slow  # the control plane is killed and comes back, three times
def test_killed_under_writers_it_keeps_what_it_acknowledged_and_applies_nothing_by_halves(
    installation: Installation,
) -> None:
    stack, stop = installation.stack, threading.Event()
    acknowledged: list[list[str]] = [[] for _ in range(WRITERS)]
    writers = [
        threading.Thread(target=write_keys, args=(stack, number, made, stop))
        for number, made in enumerate(acknowledged)
    ]
    for writer in writers:
        writer.start()
    try:
        for _ in range(KILLS):
            before = sum(map(len, acknowledged))
            stack.wait_until(lambda before=before: sum(map(len, acknowledged)) > before + 15, timeout=60)  # type: ignore[misc]
            os.kill(stack.pid_of("control"), signal.SIGKILL)
    finally:
        stack.wait_until(installation.is_well, timeout=60)
        stop.set()
        for writer in writers:
            writer.join()
    rows = installation.server.execute("SELECT id, name FROM api_key", "own")
    created = installation.server.execute("SELECT body FROM audit_entry WHERE code = 'api_key.create'", "own")
    told = [json.loads(str(body))["data"]["key_id"] for (body,) in created]
    assert sum(map(len, acknowledged)) > KILLS * 15
    assert {name for made in acknowledged for name in made} <= {str(name) for _, name in rows}
    assert sorted(told) == sorted(str(key_id) for key_id, _ in rows)  # each key with its one event, none without
    assert installation.verify_audit() > len(told)


@pytest.mark.slow  # a database stops and starts
def test_without_its_database_it_says_so_and_comes_back_by_itself(installation: Installation) -> None:
    stack = installation.stack
    stack.wait_until(installation.is_well, timeout=60)
    pid = stack.pid_of("control")
    url = f"{stack.api_url}/v1/organizations/{stack.organization_id}/keys"
    auth = (stack.api_key_id, stack.api_key_secret)
    installation.server.stop()
    try:
        for method, body in (("GET", None), ("POST", {"name": "x", "assignedRoleIds": [DEVELOPER.id]})):
            answer = stack.http.request(method, url, auth=auth, json=body)
            assert answer.status_code == 503
            assert answer.json()["error"].startswith(
                "SERVICE_UNAVAILABLE: The control plane's database does not answer"
            )
        console = stack.http.get(str(stack.ready["console_url"]))
        assert console.status_code == 503 or console.status_code < 400
    finally:
        installation.server.start()
    stack.wait_until(installation.is_well, timeout=30)
    stack.api("POST", "/keys", {"name": "after the outage", "assignedRoleIds": [DEVELOPER.id]})
    assert stack.pid_of("control") == pid
    installation.verify_audit()


@pytest.mark.slow  # it waits for the first one to go
def test_a_second_control_plane_on_the_same_database_is_refused(installation: Installation, tmp_path: Path) -> None:
    stack = installation.stack
    stack.wait_until(installation.is_well, timeout=60)
    copy, keys = tmp_path / "state", tmp_path / "keys"
    for directory, source in ((copy, stack.state_dir), (keys, stack.machine_key.parent)):
        shutil.copytree(source, directory, ignore=shutil.ignore_patterns("*.sock", "run", "agent", "log", "edge"))
    options = ("--machine-key", str(keys / "machine.key"), "--port-base", str(free_ports()))
    second = installation.command("control", "--state-dir", str(copy), *options)
    assert second.returncode == 1
    assert "Another control plane runs on the PostgreSQL database own" in second.stderr
    assert PASSWORD not in second.stderr + second.stdout
    assert installation.is_well()


@pytest.mark.slow  # it starts a process
def test_another_installation_cannot_take_the_database(installation: Installation, tmp_path: Path) -> None:
    """Nor can the same one start without it, or in an empty one."""
    stack = installation.stack
    linked = installation.command(
        "sign-in-link", "--state-dir", str(stack.state_dir), "--machine-key", str(stack.machine_key)
    )
    assert linked.returncode == 0, linked.stderr
    installation.settings, settings = {}, installation.settings
    try:
        refused = installation.command("verify-audit", "--state-dir", str(stack.state_dir))
        assert refused.returncode == 1
        assert "STRONGHOUSE__DATABASE__URL" in refused.stderr
    finally:
        installation.settings = settings
    assert not (stack.state_dir / "control" / "control.db").exists()


@pytest.mark.slow  # it starts a process
def test_the_doctor_says_which_database_and_what_is_wrong_with_it(installation: Installation) -> None:
    places = ("--state-dir", str(installation.stack.state_dir), "--machine-key", str(installation.stack.machine_key))
    told = json.loads(installation.command("doctor", "--json", *places).stdout)
    (database,) = [one for one in told if one["check"] == "database"]
    assert database["level"] == "ok"
    assert database["found"].startswith("PostgreSQL 1")
    assert "by a Unix socket" in database["found"]
    url = installation.settings["STRONGHOUSE__DATABASE__URL"]
    installation.settings["STRONGHOUSE__DATABASE__URL"] = url.replace("/own?", "/nowhere?")
    try:
        told = json.loads(installation.command("doctor", "--json", *places).stdout)
    finally:
        installation.settings["STRONGHOUSE__DATABASE__URL"] = url
    (database,) = [one for one in told if one["check"] == "database"]
    assert database["level"] == "fail"
    assert 'database "nowhere" does not exist' in database["mend"]


@pytest.mark.slow  # it looks at every process and log
def test_the_password_is_in_no_argument_environment_or_log(installation: Installation) -> None:
    stack = installation.stack
    stack.wait_until(installation.is_well, timeout=60)
    for pid in stack.process_ids():
        for name in ("cmdline", "environ"):
            assert PASSWORD.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
    for path in stack.state_dir.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path
    assert PASSWORD not in (stack.state_dir.parent / "up.log").read_text()
