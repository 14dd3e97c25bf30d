"""Runs by hand, history, trend and metrics over the API."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from stronghouse.kernel.ids import new_id
from stronghouse.responsibility.history.snapshots import take_snapshots
from stronghouse.responsibility.runs import STARTS
from tests.support.control_plane import Plane

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference" / "metrics.md"


def test_run_is_started_followed_and_seen_by_nobody_else(plane: Plane) -> None:
    mine, theirs = plane.organization(), plane.organization("Foreign")
    auth, path = plane.admin(mine), f"/organizations/{mine}/checkRuns"
    run = plane.call("POST", path, auth, json={"check": "rest_files_encrypted"}).json()["result"]
    assert (run["state"], run["total"], run["done"]) == ("waiting", 1, 0)
    assert plane.call("POST", path, auth, json={"check": "rest_files_encrypted"}).json()["result"]["id"] == run["id"]
    assert plane.control.check_runs.run_next()
    (group,) = plane.call("GET", f"{path}/{run['id']}", auth).json()["result"]["groups"]
    assert (group["place"], group["state"], group["reason"]) == ("region/local", "failed", "Nothing answers here.")
    foreign = plane.call("GET", f"/organizations/{theirs}/checkRuns/{run['id']}", plane.admin(theirs))
    absent = plane.call("GET", f"{path}/{new_id()}", auth)
    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.json()["error"] == absent.json()["error"]
    assert "restart" in absent.json()["error"]


def test_scope_is_one_thing_that_exists(plane: Plane) -> None:
    organization_id = plane.organization()
    auth, path = plane.admin(organization_id), f"/organizations/{organization_id}/checkRuns"
    for body in ({"check": "nothing"}, {"row": "nothing"}, {"row": "console.tde", "check": "rest_files_encrypted"}):
        assert plane.call("POST", path, auth, json=body).status_code == 400


def test_too_many_runs_get_a_time_to_try_again(plane: Plane) -> None:
    organization_id = plane.organization()
    auth, path = plane.admin(organization_id), f"/organizations/{organization_id}/checkRuns"
    plane.call("POST", path, auth, json={"check": "rest_files_encrypted"})
    plane.control.check_runs._starts[organization_id].extend([plane.clock.now()] * STARTS)
    answer = plane.call("POST", path, auth, json={})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 601


def test_history_and_trend_are_an_organizations_own(plane: Plane) -> None:
    mine, theirs = plane.organization(), plane.organization("Foreign")
    control = plane.control
    take_snapshots(control.audit, catalogue=control.catalogue, regions=["local"], now=plane.clock.now())
    auth, path = plane.admin(mine), f"/organizations/{mine}/responsibilities"
    first = plane.call("GET", f"{path}/history?row=console.tde&limit=2", auth).json()["result"]
    rest = plane.call("GET", f"{path}/history?row=console.tde&before={first[-1]['index']}", auth).json()["result"]
    subjects = [change["subject"] for change in first + rest]
    assert len(first) == 2
    assert len(set(subjects)) == len(subjects)
    assert "console.tde" in subjects
    checks = {check.meta.id for check in control.catalogue.checks_of_row("console.tde")}
    assert all(one.startswith("console.tde") or one.partition("@")[0] in checks for one in subjects)
    (today,) = plane.call("GET", f"{path}/trend?days=90", auth).json()["result"]
    assert today["rows"]["pass"] == 0
    assert plane.call("GET", f"{path}/history?from=2026-11-24T00:00:00Z", auth).json()["result"] == []
    assert plane.call("GET", f"/organizations/{theirs}/responsibilities/history", auth).status_code == 404


def test_metrics_are_prometheus_text_with_one_state_each_and_as_documented(plane: Plane) -> None:
    organization_id = plane.organization()
    plane.control.check_runs.runner.run(check_id="rest_files_encrypted")
    answer = plane.call(
        "GET", f"/organizations/{organization_id}/responsibilities/metrics", plane.admin(organization_id)
    )
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    per_row: dict[str, float] = {}
    for sample in families["stronghouse_row_state"].samples:
        per_row[sample.labels["row"]] = per_row.get(sample.labels["row"], 0) + sample.value
    assert set(per_row.values()) == {1.0}
    assert len(per_row) == len(plane.control.catalogue.responsibilities)
    errors = [
        sample.labels["check"]
        for sample in families["stronghouse_check_state"].samples
        if sample.labels["state"] == "error" and sample.value == 1
    ]
    assert errors == ["rest_files_encrypted"]
    text = REFERENCE.read_text()
    assert all(f"`{name}`" in text for name in families)
    assert "/responsibilities/metrics" in text
