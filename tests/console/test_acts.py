"""Findings, guidance, packages, channels, vulnerabilities: each act on a page is recorded, each refusal a sentence."""

import re

from stronghouse.access.roles import DEVELOPER
from stronghouse.responsibility.model import Severity
from tests.api.test_advisories import inventory
from tests.console.conftest import OURS, Enter, Visitor
from tests.support.advisories import entry, lines
from tests.support.control_plane import Plane
from tests.unit.responsibility.findings.looks import Scene

MARK = "<script>alert(1)</script>"


def recorded(visitor: Visitor, before: list[str]) -> list[str]:
    """Codes of what happened since."""
    return visitor.events()[len(before) :]


def test_a_finding_is_taken_up_and_accepted_by_a_second_person(enter: Enter, scene: Scene) -> None:
    scene.graver(Severity.HIGH)
    scene.reason = f"It is open {MARK}."
    scene.look(**{f"port/{MARK}": "F"})
    path = f"/findings/{scene.id_of(f'port/{MARK}')}"
    ada = enter(scene.operator, name=f"Ada {MARK}")
    for page in (ada.get("/"), ada.get("/findings"), ada.get(path)):
        assert "<script" not in page
        assert "&lt;script&gt;" in page
    before = ada.events()
    ada.post(f"{path}/status?status=triaged")
    assert "Start work on it" in ada.get(path)
    wrong = {"kind": "risk_accepted", "reason": "known", "until": "someday"}
    assert "as in 2027-01-31" in ada.post(f"{path}/dispositions", 400, data=wrong)
    assert "Choose why" in ada.post(f"{path}/dispositions", 400, data={**wrong, "kind": "magic"})
    ada.post(f"{path}/dispositions", data={**wrong, "reason": MARK, "until": "2026-12-01"})
    (approve,) = re.findall(rf'action="({path}/dispositions/[^"]+/approve)"', ada.get(path))
    alone = ada.client.post(approve, headers=OURS)
    assert (alone.status_code, "person" in alone.text) == (400, True)
    bob = enter(scene.operator, email="bob@example.com", name="Bob")
    bob.post(approve)
    page = bob.get(path)
    assert "in force" in page
    assert "<script" not in page
    bob.post(approve.replace("/approve", "/withdraw"))
    codes = [code for code in recorded(ada, before) if code.startswith(("finding.", "disposition."))]
    assert codes == ["finding.update", "disposition.request", "disposition.approve", "disposition.end"]
    bob.get("/findings?severity=high&status=resolved")


def test_a_finding_of_another_organization_is_not_there(enter: Enter, scene: Scene) -> None:
    scene.look_at({scene.other: {"theirs": "F"}})
    hidden = f"/findings/{scene.id_of('theirs', scene.other)}"
    ada = enter(scene.operator)
    before = ada.events()
    ada.get(hidden, 404)
    ada.post(f"{hidden}/status?status=triaged", 404)
    ada.post(f"{hidden}/dispositions", 404, data={"kind": "risk_accepted", "reason": "x", "until": "2026-12-01"})
    assert ada.events() == before
    assert "theirs" not in ada.get("/findings")


def test_reading_findings_is_not_approving(enter: Enter, scene: Scene) -> None:
    scene.look(a="F")
    dev = enter(scene.operator, DEVELOPER)
    path = f"/findings/{scene.id_of('a')}/dispositions/00000000-0000-4000-8000-000000000000"
    dev.post(f"{path}/approve", 403)
    dev.post(f"{path}/decline", 403, data={"reason": "no"})


def test_a_profile_is_chosen_and_its_choice_recorded(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    assert "Baseline" in ada.get("/guidance")
    ada.post("/guidance/baseline/choose")
    assert len(recorded(ada, before)) == 1
    page = ada.get("/guidance/baseline")
    assert "This organization follows this profile." in page
    stale = ada.client.post("/guidance/baseline/apply", data={"act": MARK, "before": "x"}, headers=OURS)
    assert stale.status_code == 400
    assert "<script" not in stale.text
    assert len(recorded(ada, before)) == 1
    dev = enter(scene.operator, DEVELOPER, email="dev@example.com")
    assert "/choose" not in dev.get("/guidance/baseline")
    dev.post("/guidance/baseline/choose", 403)


def test_a_package_is_asked_for_and_belongs_to_its_organization(plane: Plane, enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    days = {"begin": "2026-11-01", "end": "2026-11-22", "sample": "daily"}
    assert "as in 2027-01-31" in ada.post("/packages", 400, data={**days, "begin": "then"})
    assert "problem" in ada.post("/packages", 400, data={**days, "begin": "2026-11-23", "end": "2026-11-01"})
    assert recorded(ada, before) == []
    ada.post("/packages", data=days)
    assert len(recorded(ada, before)) == 1
    assert "2026-11-01 to" in ada.get("/packages")
    with plane.control.database.read() as connection:
        (one,) = connection.exec_driver_sql("SELECT id FROM package").scalars()
    eve = enter(scene.other, email="eve@example.com")
    assert "2026-11-01 to" not in eve.get("/packages").partition("<table")[2]
    eve.get(f"/packages/{one}/file", 404)


def test_a_channel_is_added_tested_and_removed_and_its_address_is_never_shown(
    plane: Plane, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    form = {"name": MARK, "url": "jsons://hooks.example.com/secret-token", "severity": "high", "mode": "hourly"}
    assert "not filled in" in ada.post("/notifications", 400, data={**form, "severity": "terrible"})
    ada.post("/notifications", data=form)
    page = ada.get("/notifications")
    assert "<script" not in page
    assert "secret-token" not in page
    assert "high and worse, hourly" in page
    (test,) = re.findall(r'action="(/notifications/[^"]+/test)"', page)
    eve = enter(scene.other, email="eve@example.com")
    eve.post(test, 404)
    eve.post(test.replace("/test", "/remove"), 404)
    ada.post(test)
    assert len(plane.messages.sent) == 1
    ada.post(test.replace("/test", "/remove"))
    codes = [code for code in recorded(ada, before) if code.startswith("notification")]
    assert codes == ["notification_channel.add", "notification_channel.test", "notification_channel.remove"]
    assert "Nobody is told" in ada.get("/notifications")


def test_the_page_of_vulnerabilities_tells_how_to_import_and_what_was(plane: Plane, enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    page = ada.get("/vulnerabilities")
    assert "No advisories were imported yet" in page
    assert "stronghouse advisories import FILE" in page
    auth = plane.admin(scene.operator)
    path = f"/organizations/{scene.operator}/advisories?unsigned=true&source=%3Cscript%3Ex%3C/script%3E"
    assert plane.call("PUT", path, auth, content=lines(entry("A-1"))).status_code == 200
    page = ada.get("/vulnerabilities")
    assert "1 PyPI" in page
    assert "taken on someone" in page
    assert "<script" not in page
    inventory(plane, "region/local", ["widget", f"other{MARK}"])
    page = ada.get("/vulnerabilities")
    assert "2 components have advisories" in page
    assert "Fixed in 2." in page
    assert "<script" not in page
    eve = enter(scene.other, email="eve@example.com")
    assert "The organization that operates this installation imports the feed." in eve.get("/vulnerabilities")
