"""The check from outside must notice whatever someone who controls the server can do to the past."""

import json
from pathlib import Path
from typing import Any

import pytest

from stronghouse.audit import checkpoint
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.cli.client import ApiClient
from stronghouse.settings.locations import configuration_directory
from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli


def memory() -> Path:
    (path,) = (configuration_directory() / "audit").iterdir()
    return path


def test_growing_log_is_proven_event_by_event(cli: Cli) -> None:
    cli("service", "create", "one", "--no-wait")
    first = cli("audit", "verify", "--json").json
    assert first["grown_from"] is None
    assert first["events_proven"] > 0
    cli("service", "create", "two", "--no-wait")
    second = cli("audit", "verify", "--json").json
    assert second["grown_from"] == first["size"]
    assert second["size"] > first["size"]
    assert cli("audit", "verify", "--json").json["grown_from"] == second["size"]


def test_log_signed_with_another_key_is_refused(cli: Cli, plane: Plane) -> None:
    cli("audit", "verify")
    plane.control.audit.signer = Ed25519Signer("test.log", bytes(32))
    cli("service", "create", "one", "--no-wait")  # a new head by the new key
    result = cli("audit", "verify")
    assert result.code == 1
    assert "another key" in result.err


def test_log_whose_end_was_cut_off_is_refused(cli: Cli, plane: Plane) -> None:
    cli("audit", "verify")
    seen = json.loads(memory().read_text())
    signer = plane.control.audit.signer
    head = checkpoint.verify(seen["checkpoint"], origin=signer.origin, public_key=signer.public_key)
    later = checkpoint.Checkpoint(head.origin, head.size + 3, bytes(32))
    memory().write_text(json.dumps({**seen, "checkpoint": checkpoint.sign(later, signer)}))
    result = cli("audit", "verify")
    assert result.code == 1
    assert "cut off" in result.err


def test_log_whose_past_was_rewritten_is_refused(cli: Cli, plane: Plane) -> None:
    cli("audit", "verify")
    seen = json.loads(memory().read_text())
    signer = plane.control.audit.signer
    head = checkpoint.verify(seen["checkpoint"], origin=signer.origin, public_key=signer.public_key)
    other_past = checkpoint.sign(checkpoint.Checkpoint(head.origin, head.size, bytes(32)), signer)
    memory().write_text(json.dumps({**seen, "checkpoint": other_past}))
    for name in ("", "grown"):
        if name:
            cli("service", "create", name, "--no-wait")
        result = cli("audit", "verify")
        assert result.code == 1
        assert "the past was changed" in result.err
    assert json.loads(memory().read_text())["checkpoint"] == other_past  # what was refused is not remembered


@pytest.mark.parametrize("forged", ["summary", "index", "salt"])
def test_event_that_is_shown_otherwise_than_it_was_signed_is_refused(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, forged: str
) -> None:
    real = ApiClient.get

    def lying(self: ApiClient, path: str, **parameters: Any) -> Any:
        answer = real(self, path, **parameters)
        if path.endswith("/auditLog"):
            answer[0][forged] = 0 if forged == "index" else "nothing happened"
        return answer

    monkeypatch.setattr(ApiClient, "get", lying)
    result = cli("audit", "verify")
    assert result.code == 1
    assert "is not in the log" in result.err


def test_damaged_memory_is_not_silently_replaced(cli: Cli) -> None:
    cli("audit", "verify")
    memory().write_text("{}")
    assert cli("audit", "verify").code == 1
    assert memory().read_text() == "{}"


def test_tail_shows_the_newest_last(cli: Cli) -> None:
    for name in ("one", "two"):
        cli("service", "create", name, "--no-wait")
    events = [json.loads(line) for line in cli("audit", "tail", "-n", "2", "--json").out.splitlines()]
    assert events[0]["index"] < events[1]["index"]
    text = cli("audit", "tail", "-n", "1").out
    assert "service.create" in text
    assert "\n" not in text.strip()
