"""Values that a form or an address may hold although no page offers them."""

import re
from html import unescape

import pytest

from stronghouse.console import findings
from tests.console.conftest import Enter
from tests.unit.responsibility.findings.looks import META, Scene


@pytest.mark.parametrize(("begin", "end", "status"), [("2026-01-01", "9999-12-31", 303), ("x", "2026-01-01", 400)])
def test_any_days_of_a_package_are_answered(enter: Enter, scene: Scene, begin: str, end: str, status: int) -> None:
    enter(scene.operator).post("/packages", status, data={"begin": begin, "end": end, "sample": "daily"})


def test_findings_are_listed_by_status_and_severity(enter: Enter, scene: Scene) -> None:
    scene.look(scene.operator, mine="F", healed="F")
    scene.look(scene.operator, mine="F", healed="P")
    visitor = enter(scene.operator)
    assert "mine" in visitor.get("/findings")
    resolved = visitor.get("/findings?status=resolved&severity=medium")
    assert "healed" in resolved
    assert '<option value="resolved" selected>' in resolved
    nothing = visitor.get("/findings?status=resolved&severity=low&disposition=")
    assert "healed" not in nothing
    assert "Nothing matches" in nothing


def test_findings_are_listed_by_responsibility_and_disposition(enter: Enter, scene: Scene) -> None:
    visitor = enter(scene.operator)
    assert "Nothing is open" in visitor.get("/findings")
    scene.look(scene.operator, mine="F")
    rows = [
        row.id
        for row in visitor.plane.control.catalogue.responsibilities
        if META.id in {check.meta.id for check in visitor.plane.control.catalogue.checks_of_row(row.id)}
    ]
    assert "mine" in visitor.get(f"/findings?row={rows[0]}&disposition=none")
    assert "Nothing matches" in visitor.get("/findings?row=team.vulnerabilities")
    assert "Nothing matches" in visitor.get("/findings?disposition=in_force")
    for odd in ("row=no.such", "severity=terrible", "status=odd", "disposition=odd", "cursor=odd", "cursor=9.1.a"):
        visitor.get(f"/findings?{odd}", 400)


def test_findings_are_shown_page_by_page(enter: Enter, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "SHOWN", 2)
    scene.look(scene.operator, **{f"disk/{number}": "F" for number in range(5)})
    visitor = enter(scene.operator)
    seen: list[str] = []
    page, address = "", "/findings?severity=medium"
    while address:
        page = visitor.get(address)
        seen += re.findall(r"<bdi>(disk/\d)</bdi>", page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(found[1]) if found else ""
    assert sorted(seen) == [f"disk/{number}" for number in range(5)]
    assert 'rel="prev" href="/findings?severity=medium"' in page
