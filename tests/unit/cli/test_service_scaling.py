"""Limits and schedules on the command line."""

import io
import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

ENTRY = {"name": "office", "weekdays": [1, 2], "startHourUtc": 8, "endHourUtc": 18, "maxReplicaMemoryGb": 16}
ALWAYS = {"name": "always", "weekdays": [*range(7)], "startHourUtc": 0, "endHourUtc": 24, "maxReplicaMemoryGb": 20}


@pytest.fixture(autouse=True)
def demo(cli: Cli) -> None:
    assert cli("service", "create", "demo", "--no-wait").code == 0


def test_scale_changes_what_is_named_and_nothing_else(cli: Cli) -> None:
    changed = cli("service", "scale", "demo", "--memory-gb", "12", "--json").json
    assert (changed["maxReplicaMemoryGb"], changed["idleTimeoutMinutes"], changed["idleScaling"]) == (12, 15, True)
    assert cli("service", "scale", "demo", "--no-idle").out.split() == ["memory", "12", "GB", "sleeps", "never"]
    assert "after 20 minutes" in cli("service", "scale", "demo", "--idle", "--idle-minutes", "20").out
    assert "at least one option" in cli("service", "scale", "demo").err
    assert "steps of 4" in cli("service", "scale", "demo", "--memory-gb", "9").err


def test_a_schedule_is_set_from_a_file_or_from_input_shown_and_removed(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no scaling schedule" in cli("service", "schedule", "get", "demo").err
    file = tmp_path / "schedule.json"
    file.write_text(json.dumps({"entries": [ENTRY]}))
    shown = cli("service", "schedule", "set", "demo", str(file))
    assert shown.out.splitlines()[1].split() == ["office", "Mon", "Tue", "8-18", "16", "-", "-", "yes"]
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps([ALWAYS])))
    assert cli("service", "schedule", "set", "demo", "-", "--json").json["entries"][0]["isActiveNow"] is True
    assert "20 GB until it ends" in cli("service", "scale", "demo", "--memory-gb", "12").err
    assert cli("service", "schedule", "get", "demo", "--json").json["baseConfig"]["maxReplicaMemoryGb"] == 12
    assert cli("service", "schedule", "delete", "demo", "--json").json == {"deleted": True}
    assert cli("service", "schedule", "get", "demo").code == 1


@pytest.mark.parametrize("content", ["{", '{"entries": 3}', "{}", '[{"name": "a"}]', "[[[["])
def test_a_file_that_is_no_schedule_is_refused(cli: Cli, tmp_path: Path, content: str) -> None:
    file = tmp_path / "schedule.json"
    file.write_text(content)
    assert cli("service", "schedule", "set", "demo", str(file)).code == 1
    assert "cannot be read" in cli("service", "schedule", "set", "demo", str(tmp_path / "none")).err
