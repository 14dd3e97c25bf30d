"""`stronghouse check`, `history` and `notification`: what they print and how they end."""

import io
import threading
from collections.abc import Iterator

import pytest

from stronghouse.responsibility.history.snapshots import take_snapshots
from stronghouse.responsibility.runner import CheckRunner
from stronghouse.responsibility.runs import CheckRuns
from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli
from tests.unit.responsibility.conftest import Owners, ScriptedFacts

ONE = "audit_tree_verified"
URL = "jsons://user:marker-secret@hooks.example.com/marker-path"


@pytest.fixture
def facts(plane: Plane) -> Iterator[ScriptedFacts]:
    """Facts that answer, and a thread that does what is asked for."""
    control, stop, facts = plane.control, threading.Event(), ScriptedFacts(plane.clock)
    runner = CheckRunner(
        control.audit, sources=facts, ownership=Owners(), catalogue=control.catalogue, clock=control.clock
    )
    control.check_runs = CheckRuns(runner, control.audit, control.clock)
    thread = threading.Thread(target=control.check_runs.run_forever, args=(stop,))
    thread.start()
    yield facts
    stop.set()
    thread.join()


def test_check_ends_with_zero_when_all_hold_and_one_when_something_fails(cli: Cli, facts: ScriptedFacts) -> None:
    good = cli("check", "--id", ONE)
    assert (good.code, good.out) == (0, "")
    assert good.err == "1 look, 1 check: 1 holds or does not apply, 0 need attention.\n"
    facts.found["audit_tree"] = RuntimeError()
    bad = cli("check", "--id", ONE)
    assert bad.code == 1
    assert "audit_tree in control" in bad.err
    assert ONE in bad.out
    assert "error" in bad.out


def test_check_gives_json_and_refuses_what_does_not_exist(cli: Cli, facts: ScriptedFacts) -> None:
    document = cli("check", "--id", ONE, "--json").json
    assert document["run"]["state"] == "done"
    assert [check["state"] for check in document["checks"]] == ["pass"]
    unknown = cli("check", "--id", "nothing")
    assert (unknown.code, unknown.err) == (1, "Error: There is no such check.\n")


def test_history_shows_changes_of_one_row(cli: Cli, plane: Plane) -> None:
    assert "Nothing has changed" in cli("history").err
    control = plane.control
    take_snapshots(control.audit, catalogue=control.catalogue, regions=["local"], now=plane.clock.now())
    assert "console.tde" in cli("history", "console.tde").out
    assert cli("history", "--json", "-n", "3").json[0]["previousState"] is None
    assert "2026-11-23 12:00:00 UTC" in cli("history", "console.tde").out
    assert cli("history", "--json").json[0]["since"].endswith("Z")


def test_unknown_row_has_no_history_but_an_error(cli: Cli) -> None:
    for options in ((), ("--json",)):
        refused = cli("history", "nope", *options)
        assert (refused.code, refused.out) == (1, "")
        assert refused.err.startswith("Error: There is no responsibility 'nope'")
    assert cli("history", "console.tde", "--json").json == []


def test_trend_counts_rows_for_each_day(cli: Cli, plane: Plane) -> None:
    assert "Nothing was kept" in cli("history", "--trend").err
    control = plane.control
    take_snapshots(control.audit, catalogue=control.catalogue, regions=["local"], now=plane.clock.now())
    (day,) = cli("history", "--trend", "--days", "7", "--json").json
    assert (day["day"], sum(day["rows"].values())) == ("2026-11-23", 34)
    shown = cli("history", "--trend").out
    assert "N/A" in shown
    assert f"{day['controlsProven']}/{day['controlsTotal']}" in shown
    assert cli("history", "console.tde", "--trend").code == 1


def test_channel_is_added_from_standard_input_tested_and_removed(
    cli: Cli, plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(URL + "\n"))
    results = [cli("notification", "add", "ops", "--mode", "daily", "--kind", "state")]
    results += [cli("notification", "list"), cli("notification", "test", "ops")]
    plane.messages.problem = "The service refuses the connection."
    plane.clock.advance(plane.control.refusals.interval)
    results.append(cli("notification", "test", "ops"))
    results.append(cli("notification", "remove", "ops"))
    assert [result.code for result in results] == [0, 0, 0, 1, 0], results
    assert "jsons://hooks.example.com" in results[1].out
    assert "refuses the connection" in results[3].err
    assert [url for url, _, _ in plane.messages.sent] == [URL]
    assert not any("marker" in result.out + result.err for result in results)
