"""Evidence end to end: feeds, documents, checks that cannot look, and a package that an auditor verifies alone."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stronghouse.kernel.clock import rfc3339
from tests.support.advisories import VERIFIER_KEY, entry, manifest, zipped
from tests.support.stack import Stack

pytestmark = pytest.mark.slow  # the whole product, and a package with a PDF in it


def stronghouse(stack: Stack, *arguments: str, code: int = 0) -> Any:
    """What a command prints as JSON."""
    environment = {
        "HOME": str(stack.state_dir.parent),
        "PATH": os.environ["PATH"],
        "STRONGHOUSE_API_URL": stack.api_url,
        "STRONGHOUSE_KEY_ID": stack.api_key_id,
        "STRONGHOUSE_KEY_SECRET": stack.api_key_secret,
        "STRONGHOUSE_CA_FILE": stack.ca_file,
    }
    done = subprocess.run(
        [sys.executable, "-m", "stronghouse", *arguments, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def state_of(stack: Stack, check_id: str) -> str:
    """The state of a check after it was run, whatever it found."""
    rows = stack.api("GET", "/responsibilities")["rows"]
    found = (check for row in rows for control in row["controls"] for check in control["checks"])
    return str(next(check["state"] for check in found if check["id"] == check_id))


def test_a_signed_feed_comes_through_the_edge(stack: Stack, tmp_path: Path) -> None:
    now = rfc3339(datetime.now(UTC))
    feed, note = tmp_path / "feed.zip", tmp_path / "feed.note"
    feed.write_bytes(zipped({"GHSA-1.json": json.dumps(entry(package="not-installed", modified=now)).encode()}))
    note.write_text(manifest(feed.read_bytes(), feed_time=now))
    stronghouse(stack, "advisories", "trust", VERIFIER_KEY)
    assert stronghouse(stack, "advisories", "import", str(feed), "--manifest", str(note))["signed"]
    stronghouse(stack, "check", "--id", "advisories_feed_current")
    assert state_of(stack, "advisories_feed_current") == "pass"
    feed.write_bytes(feed.read_bytes() + b"\0")
    tampered = subprocess.run(
        [sys.executable, "-m", "stronghouse", "advisories", "import", str(feed), "--manifest", str(note)],
        env={**os.environ, **_exports(stack)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert tampered.returncode == 1
    assert "Traceback" not in tampered.stderr


def test_a_large_document_is_sealed_on_its_way_and_comes_back_whole(stack: Stack, tmp_path: Path) -> None:
    content = b"%PDF-1.7 " + os.urandom(1024) * (20 * 1024)
    report, copy = tmp_path / "report.pdf", tmp_path / "copy.pdf"
    report.write_bytes(content)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    filed = stronghouse(stack, "document", "file", "audit_report", str(report), "--date", today)
    stronghouse(stack, "document", "download", filed["id"], str(copy))
    assert copy.read_bytes() == content
    marker = content[:64]
    held = [path for path in stack.state_dir.rglob("*") if path.is_file() and path.stat().st_size > len(content) // 2]
    assert held
    assert not [path for path in held if marker in path.read_bytes()]


def test_checks_of_an_agent_that_does_not_answer_are_errors_and_come_back(stack: Stack) -> None:
    stronghouse(stack, "check", "--id", "plane_access_authenticated")
    assert state_of(stack, "plane_access_authenticated") == "pass"
    agent = stack.pid_of("agent")
    os.kill(agent, signal.SIGSTOP)
    try:
        stronghouse(stack, "check", "--id", "plane_access_authenticated", code=1)
        assert state_of(stack, "plane_access_authenticated") == "error"
    finally:
        os.kill(agent, signal.SIGCONT)
    stack.wait_until(lambda: _passes_again(stack), timeout=60)


@pytest.mark.timeout(180)
def test_a_package_is_verified_by_an_auditor_who_has_only_python_and_the_key(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "package.zip"
    start = rfc3339(datetime.now(UTC) - timedelta(hours=1))
    stronghouse(stack, "package", "create", "--from", start, "--out", str(file))
    key = (stack.state_dir / "control" / "audit.pub").read_text().strip()
    with zipfile.ZipFile(file) as archive:
        archive.extract("verify.py", tmp_path)
        names = archive.namelist()
        report = archive.read("report.html").decode()
    assert {"manifest.json", "manifest.proof", "report.pdf", "records/results.csv"} <= set(names)
    assert "<script" not in report
    assert _verified(tmp_path, file, key).returncode == 0
    content = file.read_bytes()
    for position in range(0, len(content), max(1, len(content) // 60)):
        file.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        done = _verified(tmp_path, file, key)
        assert done.returncode == 1, position
        assert "Traceback" not in done.stderr


def _verified(directory: Path, file: Path, key: str) -> "subprocess.CompletedProcess[str]":
    """The package's own verifier, apart from this environment's settings and directories."""
    return subprocess.run(
        [sys.executable, "-I", "verify.py", str(file), "--key", key],
        cwd=directory,
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _passes_again(stack: Stack) -> bool:
    run = stack.api("POST", "/checkRuns", {"check": "plane_access_authenticated"})
    stack.wait_until(lambda: stack.api("GET", f"/checkRuns/{run['id']}")["state"] == "done", timeout=100)
    return state_of(stack, "plane_access_authenticated") == "pass"


def _exports(stack: Stack) -> dict[str, str]:
    return {
        "STRONGHOUSE_API_URL": stack.api_url,
        "STRONGHOUSE_KEY_ID": stack.api_key_id,
        "STRONGHOUSE_KEY_SECRET": stack.api_key_secret,
        "STRONGHOUSE_CA_FILE": stack.ca_file,
    }
