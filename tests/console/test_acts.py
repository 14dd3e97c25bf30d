"""Findings, guidance, packages, channels, vulnerabilities: each act on a page is recorded, each refusal a sentence."""

import re
from datetime import timedelta

import pytest

from stronghouse.access.roles.system import DEVELOPER
from stronghouse.compliance import store as package_store
from stronghouse.compliance.model import Package, PackageState, Sample
from stronghouse.console import packages
from stronghouse.kernel.ids import new_id
from stronghouse.responsibility.model import Severity
from tests.api.test_advisories import inventory
from tests.console.conftest import Enter, Visitor, assert_only_our_scripts
from tests.support.advisories import entry, lines
from tests.support.control_plane import NOW, Plane
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
        assert_only_our_scripts(page)
        assert "&lt;script&gt;" in page
    before = ada.events()
    ada.post(f"{path}/status?status=triaged")
    assert "Start work on it" in ada.get(path)
    assert "The finding is yours." in ada.get(f"{path}?done=triaged")
    wrong = {"kind": "false_positive", "reason": "known since long", "until": "someday"}
    again = ada.post(f"{path}/dispositions", 400, data=wrong)
    assert "as in 2027-01-31" in again
    assert '<option value="false_positive" selected>' in again
    assert ">known since long</textarea>" in again
    assert re.search(r'name="until"[^>]* aria-invalid="true" aria-describedby="wrong-until', again)
    assert "Choose why" in ada.post(f"{path}/dispositions", 400, data={**wrong, "kind": "magic"})
    ada.post(f"{path}/dispositions", data={**wrong, "reason": MARK, "until": "2026-12-01"})
    assert "another person has to approve or decline it" in ada.get(path)
    bob = enter(scene.operator, email="bob@example.com", name="Bob")
    (approve,) = re.findall(rf'action="({path}/dispositions/[^"]+/approve)"', bob.get(path))
    assert approve not in ada.get(path)
    assert "another person has to" in ada.post(approve, 403)
    unsaid = bob.post(approve.replace("/approve", "/decline"), 400, data={"reason": ""})
    assert re.search(r'name="reason"[^>]* aria-invalid="true"', unsaid)
    bob.post(approve)
    page = bob.get(path)
    assert "in force" in page
    assert_only_our_scripts(page)
    assert "Withdraw it?" in page
    bob.post(approve.replace("/approve", "/withdraw"))
    assert "has ended already" in bob.post(approve.replace("/approve", "/withdraw"), 409)
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


def test_a_finding_of_the_installation_is_worked_on_by_its_operator_only(enter: Enter, scene: Scene) -> None:
    scene.look(a="F")
    path = f"/findings/{scene.id_of('a')}"
    eve = enter(scene.other, email="eve@example.com")
    page = eve.get(path)
    assert "The organization that operates it works on it." in page
    assert "<form" not in page.partition("<main")[2]
    before = eve.events()
    assert "only the organization that operates it" in eve.post(f"{path}/status?status=triaged", 403)
    assert eve.events()[len(before) :] == ["access.deny"]


def test_a_resolved_finding_is_not_taken_up(enter: Enter, scene: Scene) -> None:
    scene.look(a="F")
    scene.look(a="P")
    path = f"/findings/{scene.id_of('a')}"
    ada = enter(scene.operator)
    assert "This finding is resolved" in ada.post(f"{path}/status?status=triaged", 409)
    assert "/dispositions" not in ada.get(path).partition("<main")[2]


def test_a_profile_is_chosen_and_its_choice_recorded(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    assert "Baseline" in ada.get("/guidance")
    ada.post("/guidance/baseline/choose")
    assert len(recorded(ada, before)) == 1
    page = ada.get("/guidance/baseline")
    assert "This organization follows this profile." in page
    assert_only_our_scripts(ada.post("/guidance/baseline/apply", 400, data={"act": MARK, "before": "x"}))
    assert len(recorded(ada, before)) == 1
    dev = enter(scene.operator, DEVELOPER, email="dev@example.com")
    assert "/choose" not in dev.get("/guidance/baseline")
    page = dev.get("/guidance/air-gapped")
    assert "/choose" not in page
    assert "manage-responsibilities, which the role Admin gives" in page
    dev.post("/guidance/baseline/choose", 403)
    assert "chosen" in dev.get("/guidance")


def test_advice_that_changes_a_key_takes_a_fresh_proof(plane: Plane, enter: Enter, scene: Scene) -> None:
    plane.admin(scene.operator)  # a key without an end
    ada = enter(scene.operator)
    page = ada.get("/guidance/baseline")
    forms = re.findall(r'name="act" value="([^"]+)"><input type="hidden" name="before" value="([^"]+)"', page)
    act, before = next((act, before) for act, before in forms if act.startswith("key.expiry"))
    plane.clock.advance(timedelta(minutes=11))
    ada.post("/session/renew", 204)
    events = ada.events()
    assert "fresh proof" in ada.post("/guidance/baseline/apply", 403, data={"act": act, "before": before})
    assert ada.events() == events
    enter(scene.operator, email="bob@example.com").post("/guidance/baseline/apply", data={"act": act, "before": before})
    assert "guidance.advice_apply" in ada.events()[len(events) :]


def test_advice_is_shown_by_what_became_of_it(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    whole = ada.get("/guidance/baseline")
    assert "/guidance/baseline?state=open" in whole
    assert "Nothing matches" in ada.get("/guidance/baseline?state=declined")
    assert ada.get("/guidance/baseline?state=open").count("<h2>") == whole.count("<h2>")
    ada.get("/guidance/baseline?state=odd", 400)


def test_a_package_is_asked_for_and_belongs_to_its_organization(plane: Plane, enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    days = {"begin": "2026-11-01", "end": "2026-11-22", "sample": "daily"}
    assert "No packages yet" in ada.get("/packages")
    assert "as in 2027-01-31" in ada.post("/packages", 400, data={**days, "begin": "then"})
    backwards = ada.post("/packages", 400, data={**days, "begin": "2026-11-23", "end": "2026-11-01", "sample": "all"})
    assert "A period begins before it ends" in backwards
    assert 'name="end" value="2026-11-01"' in backwards
    assert '<option value="all" selected>' in backwards
    assert recorded(ada, before) == []
    ada.post("/packages", data=days)
    assert len(recorded(ada, before)) == 1
    page = ada.get("/packages?done=asked")
    assert "2026-11-01</span> to" in page
    assert "is being made and verified" in page
    assert 'data-live="2"' in page
    assert "is being made already" in ada.post("/packages", 429, data=days)
    with plane.control.database.read() as connection:
        (one,) = connection.exec_driver_sql("SELECT id FROM package").scalars()
    eve = enter(scene.other, email="eve@example.com")
    assert "2026-11-01</span> to" not in eve.get("/packages").partition("<table")[2]
    eve.get(f"/packages/{one}/file", 404)
    eve.get(f"/packages?before={one}", 404)


def test_packages_are_shown_page_by_page(
    plane: Plane, enter: Enter, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "SHOWN", 2)
    with plane.control.audit.bookkeeping("packages of a test") as connection:
        for day in range(1, 6):
            start = NOW - timedelta(days=day)
            new = Package(new_id(), scene.operator, start, start, NOW, Sample.DAILY, PackageState.FAILED, error="No.")
            package_store.insert_package(connection, new)
    ada = enter(scene.operator)
    seen: list[str] = []
    page, address = "", "/packages"
    while address:
        page = ada.get(address)
        seen += re.findall(r'<th scope="row"><span class="whole">([^<]+)<', page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        address = found[1] if found else ""
    assert seen == [str((NOW - timedelta(days=day)).date()) for day in range(1, 6)]
    assert 'rel="prev" href="/packages"' in page


def test_a_channel_is_added_tested_and_removed_and_its_address_is_never_shown(
    plane: Plane, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    form = {"name": MARK, "url": "jsons://hooks.example.com/secret-token", "severity": "high", "mode": "hourly"}
    assert "No channels yet" in ada.get("/notifications")
    assert "not filled in" in ada.post("/notifications", 400, data={**form, "severity": "terrible"})
    refused = ada.post("/notifications", 400, data={**form, "url": "gopher://hooks.example.com/secret-token"})
    assert re.search(r'name="url"[^>]* aria-invalid="true" aria-describedby="wrong-url', refused)
    assert '<option value="high" selected>' in refused
    assert "secret-token" not in refused
    ada.post("/notifications", data=form)
    assert "already" in ada.post("/notifications", 409, data=form)
    page = ada.get("/notifications")
    assert_only_our_scripts(page)
    assert "secret-token" not in page
    assert "high and worse, hourly" in page
    (test,) = re.findall(r'action="(/notifications/[^"]+/test)"', page)
    eve = enter(scene.other, email="eve@example.com")
    eve.post(test, 404)
    eve.post(test.replace("/test", "/remove"), 404)
    ada.post(test)
    assert len(plane.messages.sent) == 1
    assert "try again in 10 seconds" in ada.post(test, 429)
    plane.clock.advance(timedelta(seconds=20))
    plane.messages.problem = "Nothing answers at the other end."
    assert "not accepted: Nothing answers" in ada.post(test, 400)
    assert "secret-token" not in page
    assert 'commandfor="remove-' in page
    ada.post(test.replace("/test", "/remove"))
    codes = [code for code in recorded(ada, before) if code.startswith("notification")]
    assert codes == ["notification_channel.add", *2 * ["notification_channel.test"], "notification_channel.remove"]
    page = ada.get("/notifications?done=removed")
    assert "Nobody is told" in page
    assert 'href="/audit?code=notification_channel."' in page


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
    assert_only_our_scripts(page)
    inventory(plane, "region/local", ["widget", f"other{MARK}"])
    page = ada.get("/vulnerabilities")
    assert "2 components have advisories" in page
    assert "Fixed in 2." in page
    assert_only_our_scripts(page)
    assert "widget" in ada.get("/vulnerabilities?q=A-1")
    assert "Nothing matches" in ada.get("/vulnerabilities?q=gizmo")
    eve = enter(scene.other, email="eve@example.com")
    assert "The organization that operates this installation imports the feed." in eve.get("/vulnerabilities")
