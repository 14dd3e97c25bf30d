import re

import pytest

from stronghouse.responsibility.model import Severity
from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli
from tests.unit.responsibility.findings.looks import Scene


@pytest.fixture
def scene(plane: Plane, organization_id: str) -> Scene:
    return Scene(plane.control.audit, plane.clock, organization_id, "")


def test_life_of_a_finding(cli: Cli, scene: Scene, organization_id: str) -> None:
    scene.person("ann@example.com")
    scene.look(organization_id, a="F")
    (listed,) = cli("finding", "list", "--severity", "medium", "--row", "platform.rest", "--json").json
    short = listed["id"][:12]
    assert short in cli("finding", "list").out
    assert cli("finding", "triage", short, "--json").json["status"] == "triaged"
    assert cli("finding", "start", short, "--json").json["status"] == "in_progress"
    assigned = cli("finding", "assign", short, "ann@example.com", "--json").json
    assert assigned["assignee"]["email"] == "ann@example.com"
    shown = cli("finding", "show", short)
    assert "Mend it." in shown.out
    assert "2026-11-23 12:00:00 UTC" in shown.out
    late = cli("finding", "assign", short, "ann@example.com", "--due", "soon")
    assert (late.code, "--due takes a time or a date" in late.err) == (1, True)
    assert "ann@example.com" in shown.out


def test_disposition_from_accepting_to_withdrawing(
    cli: Cli, scene: Scene, organization_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stronghouse.kernel.clock.SystemClock.now", lambda _: scene.clock.now())
    scene.look(organization_id, a="F", b="F")
    first, second = (scene.id_of(name, organization_id) for name in "ab")
    assert cli("finding", "accept", first, "--reason", "We know.", "--days", "181").code == 1
    accepted = cli("finding", "accept", first, "--reason", "We know.", "--days", "180", "--json").json
    assert (accepted["kind"], accepted["state"]) == ("risk_accepted", "in_force")
    assert len(cli("finding", "list", "--disposition", "none", "--json").json) == 1
    assert cli("finding", "withdraw", first, "--json").json["endedBecause"] == "withdrawn"
    assert cli("finding", "withdraw", first).code == 1
    disposed = ("finding", "dispose", first, "--kind", "duplicate", "--reason", "As b.", "--duplicate-of", second)
    assert cli(*disposed, "--json").json["duplicateOf"] == second
    assert cli("finding", "approve", first).code == 1


def test_grave_finding_is_not_accepted_with_a_key_that_is_nobodys(
    cli: Cli, scene: Scene, organization_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stronghouse.kernel.clock.SystemClock.now", lambda _: scene.clock.now())
    scene.graver(Severity.CRITICAL)
    scene.look(organization_id, a="F")
    refused = cli("finding", "accept", scene.id_of("a", organization_id), "--reason", "We know.")
    assert refused.code == 4
    assert "two persons" in refused.err


def test_row_is_given_to_a_member_and_taken_back(cli: Cli, scene: Scene) -> None:
    scene.person("ann@example.com")
    assert cli("responsibility", "assign", "assess.pentest", "ann@example.com", "--json").json["name"] == "A"
    assert "Nobody" in cli("responsibility", "unassign", "assess.pentest").err
    assert cli("responsibility", "assign", "assess.pentest", "eve@example.com").code == 1


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_list_keeps_ids_and_dates_whole_on_a_narrow_terminal(
    cli: Cli, scene: Scene, organization_id: str, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    resource = "service/0b9c1f5e-6a57-4f0e-9a53-0d7a3f0e9f11/table/a_rather_long_database.and_its_table"
    scene.look(organization_id, **{resource: "F"})
    (listed,) = cli("finding", "list", "--json").json
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, as far as rich can tell
    monkeypatch.setenv("NO_COLOR", "1")
    cli("finding", "triage", listed["id"])
    lines = re.sub("\x1b\\[[0-9;]*m", "", cli("finding", "list").out).splitlines()
    assert max(len(line) for line in lines) <= columns
    assert len(lines) <= 4
    text = " ".join(" ".join(line.split()) for line in lines)
    assert text.split()[5] == listed["id"][:12]
    assert listed["dueAt"][:10] in text
    assert "T00" not in text
    assert "triaged" in text
    assert "service/" in text
    assert resource not in text
