"""`stronghouse advise`: what it shows, asks, applies and refuses."""

import io

from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli


def wide_service(cli: Cli) -> str:
    made = cli("service", "create", "warehouse", "--ip", "0.0.0.0/0", "--ip", "127.0.0.1", "--no-wait", "--json").json
    return str(made["service"]["id"])


def test_profiles_are_listed_and_one_is_chosen(cli: Cli) -> None:
    assert {one["id"] for one in cli("advise", "--json").json["profiles"]} >= {"baseline", "card-data"}
    assert "None was chosen" in cli("advise").err
    assert cli("advise", "baseline", "--choose", "--json").json["profile"] == "baseline"
    assert "Chosen: baseline" in cli("advise").err


def test_comparison_shows_trade_off_plan_and_what_is_lost(cli: Cli) -> None:
    service = wide_service(cli)
    shown = cli("advise", "baseline").out
    assert f"service.access.widest/service/{service}" in shown
    assert "plan: 0.0.0.0/0, 127.0.0.1 -> 127.0.0.1" in shown
    assert "can no longer reach warehouse" in shown
    assert "costs: " in shown
    assert "not by you: it is the key that makes this request" in shown


def test_apply_asks_first_and_opens_tasks_for_the_rest(cli: Cli, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    service = wide_service(cli)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))  # nobody answers
    unasked = cli("advise", "baseline", "--apply")
    assert (unasked.code, unasked.err.count("\n"), "--yes" in unasked.err.splitlines()[-1]) == (1, 2, True)
    shown = cli("service", "get", service, "--json").json
    assert [entry["source"] for entry in shown["ipAccessList"]] == ["0.0.0.0/0", "127.0.0.1"]
    applied = cli("advise", "baseline", "--apply", "--yes", "--json").json
    assert [act["id"] for act in applied["acts"]] == [f"service.access.widest/service/{service}"]
    assert any(task.startswith("key.expiry.days/") for task in applied["tasksOpened"])
    again = cli("advise", "baseline", "--apply", "--yes")
    assert "0 acts, 0 tasks opened" in again.err
    silent = cli("advise", "baseline", "--apply")
    assert (silent.code, "nothing that Stronghouse can apply" in silent.err) == (0, True)


def test_single_acts_are_applied_and_open_no_tasks(cli: Cli) -> None:
    act = f"service.access.widest/service/{wide_service(cli)}"
    applied = cli("advise", "baseline", act, "--apply", "--yes", "--json").json
    assert (applied["acts"], applied["tasksOpened"]) == ([{"id": act, "changed": True}], [])
    assert cli("advise", "baseline", act, "--apply", "--yes").code == 1


def test_advice_is_declined_with_a_reason_and_a_date(cli: Cli, plane: Plane) -> None:
    declined = cli(
        "advise", "baseline", "--decline", "key.expiry.days", "--reason", "Replaced next month.",
        "--until", "2026-12-23T00:00:00Z", "--json",
    ).json  # fmt: skip
    assert declined["inForce"]
    assert plane.clock.now() < plane.clock.now().fromisoformat(declined["until"])
    assert cli("advise", "baseline", "--decline", "key.expiry.days").code == 1
    late = cli("advise", "baseline", "--decline", "key.expiry.days", "--reason", "x", "--until", "soon")
    assert (late.code, late.err.startswith("Error: --until takes a time or a date")) == (1, True)


def test_contradictory_wishes_are_refused(cli: Cli) -> None:
    for wrong in (
        ("baseline", "--apply", "--choose"),
        ("baseline", "key.expiry.days/key/x"),
        ("--apply",),
        ("no/such",),
        ("nothing",),
    ):
        result = cli("advise", *wrong)
        assert (result.code, "Traceback" in result.err) == (1, False)
