"""Values that a form or an address may hold although no page offers them."""

import pytest

from tests.console.conftest import Enter
from tests.unit.responsibility.findings.looks import Scene


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
    assert "healed" not in visitor.get("/findings?status=resolved&severity=low")
