"""The first start as `make run` does it: a loaded service, and a printed snippet that works as it stands."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.support.stack import free_ports, running_stack

ROWS = "336776"


def test_first_start_loads_the_demo_and_its_snippet_works_when_pasted(tmp_path: Path) -> None:
    with running_stack(tmp_path, demo=True) as stack:
        (service,) = stack.ready["services"]
        assert service["name"] == "demo"
        assert Path(service["state_dir"]).is_dir()
        assert stack.query(service["id"], service["password"], "SELECT count() FROM flights") == ROWS
        printed = (tmp_path / "up.log").read_text()
        assert f"{int(ROWS):,} flights are loaded" in printed
        assert re.search(r"ready in \d+\.\d s", printed)
        snippet = printed.partition("(pip install clickhouse-connect):\n\n")[2]
        # As in a new terminal: nothing of ours in the environment, nothing of ours to import.
        command = [sys.executable, "-I", "-W", "error", "-c", snippet]
        done = subprocess.run(command, capture_output=True, text=True, env={}, cwd="/", check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("UA\t58665\t3.6\n")
        logs = "".join(path.read_text(errors="replace") for path in (tmp_path / "state" / "log").rglob("*.log"))
        assert service["password"] not in logs
    with running_stack(tmp_path, demo=True, credentials_of=stack) as again:
        written = json.loads((tmp_path / "ready.json").read_text())
        assert (written["api_key_secret"], written["login_url"]) == (None, None)
        assert [(entry["name"], entry["password"]) for entry in written["services"]] == [("demo", None)]
        assert again.query(service["id"], service["password"], "SELECT count() FROM flights") == ROWS


def test_demo_that_was_cut_off_is_finished_by_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "first.log"
    (tmp_path / "keys").mkdir(mode=0o700)
    places = ["--state-dir", str(tmp_path / "state"), "--machine-key", str(tmp_path / "keys" / "machine.key")]
    command = [sys.executable, "-m", "stronghouse", "up", *places, "--port-base", str(free_ports())]
    with log.open("wb") as output:
        first = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        until = time.monotonic() + 60
        while "the demo's service runs" not in log.read_text():
            assert first.poll() is None, log.read_text()
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        first.kill()
        first.wait()
    assert "flights are loaded" not in log.read_text()
    with running_stack(tmp_path, demo=True) as stack:
        (service,) = stack.ready["services"]  # one, not two of the same name
        assert stack.api_key_secret != "None"  # what nobody had seen was not lost
        assert stack.query(service["id"], service["password"], "SELECT count() FROM flights") == ROWS
    assert [path.name for path in (tmp_path / "keys").iterdir() if "first-start" in path.name] == []
