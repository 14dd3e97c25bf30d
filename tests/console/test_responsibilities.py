"""The home page and a row's page: what is wrong comes first, who answers for it, and how it was."""

import re
from datetime import timedelta

from stronghouse.access.roles.system import DEVELOPER
from stronghouse.responsibility.history.snapshots import take_snapshots
from tests.console.conftest import Enter, assert_only_our_scripts
from tests.support.control_plane import Plane
from tests.unit.responsibility.findings.looks import META, Scene

MARK = "<script>alert(1)</script>"


def row_of(plane: Plane) -> str:
    """A row that the check of the scene belongs to."""
    catalogue = plane.control.catalogue
    return next(
        row.id
        for row in catalogue.responsibilities
        if any(check.meta.id == META.id for check in catalogue.checks_of_row(row.id))
    )


def test_a_row_begins_with_the_reasons_of_what_fails(plane: Plane, enter: Enter, scene: Scene) -> None:
    scene.reason = f"Disk sda is not encrypted {MARK}."
    scene.look(**{f"disk/{MARK}": "F", "disk/good": "P"})
    page = enter(scene.operator).get(f"/responsibilities/{row_of(plane)}")
    told = page.partition("What is wrong")[2]
    assert "Disk sda is not encrypted" in told.partition("</section>")[0]
    assert "disk/good" not in told.partition("</section>")[0]
    assert "disk/good" in told
    assert_only_our_scripts(page)
    assert "&lt;script&gt;" in page
    assert re.search(r'href="/findings/[0-9a-f]{64}"', told)


def test_what_another_organization_does_wrong_is_not_shown(plane: Plane, enter: Enter, scene: Scene) -> None:
    scene.look_at({scene.other: {"disk/theirs": "F"}, scene.operator: {"disk/mine": "F"}})
    ada = enter(scene.operator)
    page = ada.get(f"/responsibilities/{row_of(plane)}")
    assert ("disk/mine" in page, "disk/theirs" in page) == (True, False)
    ada.get(f"/findings/{scene.id_of('disk/theirs', scene.other)}", 404)


def test_rows_stand_with_the_worst_of_their_group_first(plane: Plane, enter: Enter, scene: Scene) -> None:
    scene.look(**{"disk/a": "F"})
    home = enter(scene.operator).get("/")
    assert home.count('<tr class="row"') == 34
    group = next(part for part in home.split('class="group"') if f"/responsibilities/{row_of(plane)}" in part)
    assert group.index(f"/responsibilities/{row_of(plane)}") == group.index("/responsibilities/")
    assert "1 are failing" in home


def test_a_member_is_made_accountable_and_it_is_recorded(plane: Plane, enter: Enter, scene: Scene) -> None:
    path = f"/responsibilities/{row_of(plane)}"
    ada = enter(scene.operator, name="Ada <b>Love</b>")
    eve = enter(scene.other, email="eve@example.com", name="Eve")
    assert eve.user_id not in ada.get(path)
    ada.post(f"{path}/accountable", data={"member": ada.user_id})
    assert ada.events()[-1] == "responsibility.accountable_change"
    page = ada.get(path)
    assert f'<option value="{ada.user_id}" selected>Ada &lt;b&gt;Love' in page
    stranger = ada.post(f"{path}/accountable", 400, data={"member": eve.user_id})
    assert "is no member of this organization" in stranger
    ada.post(f"{path}/accountable", data={"member": ""})
    assert "nobody yet" in ada.get(path)
    dev = enter(scene.operator, DEVELOPER, email="dev@example.com")
    assert "/accountable" not in dev.get(path)
    dev.post(f"{path}/accountable", 403, data={"member": dev.user_id})


def test_the_month_is_shown_in_bars_and_numbers_and_a_row_shows_its_changes(
    plane: Plane, enter: Enter, scene: Scene
) -> None:
    assert 'class="trend"' not in enter(scene.operator).get("/")
    for state in ("P", "F"):
        scene.look(**{"disk/a": state})
        take_snapshots(plane.control.audit, catalogue=plane.control.catalogue, regions=["local"], now=plane.clock.now())
        plane.clock.advance(timedelta(hours=12))
    ada = enter(scene.operator, email="later@example.com")  # a session ends after half a day
    home = ada.get("/")
    assert home.count('<rect class="failing"') == 2
    assert "the table below has the numbers" in home
    page = ada.get(f"/responsibilities/{row_of(plane)}")
    assert "Changes within 30 days" in page
    assert f"{META.id}@region/local" in page


def test_a_run_is_asked_for_recorded_and_seen_by_its_organization_only(
    plane: Plane, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    for path in ("/checks", f"/responsibilities/{row_of(plane)}/checks"):
        before = len(ada.events())
        ada.post(path)
        assert len(ada.events()) == before + 1
    location = ada.send("/checks").headers["location"]
    assert "<progress" in ada.get(location)
    enter(scene.other, email="eve@example.com").get(location, 404)


def test_bad_addresses_are_pages(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    for path in ("/nothing", "/responsibilities/no.such", "/runs/none", "/findings/%3Cscript%3E", "/evidence/zz"):
        page = ada.get(path, 404)
        assert 'href="/"' in page
        assert_only_our_scripts(page)
    ada.get("/findings?severity=terrible", 400)
