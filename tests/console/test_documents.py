"""Documents on pages: filed, reviewed, taken, each act recorded; nothing of another organization is seen."""

import re
from pathlib import Path
from typing import Any

import pytest

from stronghouse.access.roles.system import ADMIN, DEVELOPER
from stronghouse.responsibility.documents import store
from tests.console.conftest import BINDING, OURS, Enter, Visitor, assert_only_our_scripts
from tests.support.control_plane import Plane
from tests.unit.responsibility.findings.looks import Scene

PDF = b"%PDF-1.7 marker-of-a-confidential-report"
REPORT, REVIEW = "pentest_report", "pentest_findings_review"
TODAY = "2026-11-23"


def file(visitor: Visitor, request: str, status: int = 303, *, name: str = "report.pdf", **changed: str) -> str:
    fields = {"date": TODAY, "validUntil": "", "note": "", **changed}
    kind = fields.pop("kind", "application/pdf")
    parts = [(key, (None, value)) for key, value in fields.items()]
    return visitor.post(f"/documents/requests/{request}", status, files=[*parts, ("file", (name, PDF, kind))])


def only_document(visitor: Visitor, organization_id: str) -> str:
    with visitor.plane.control.database.read() as connection:
        (found,) = store.page(connection, organization_id=organization_id, before=None, limit=10)
    return found.id


def test_a_document_is_filed_reviewed_by_another_and_taken(enter: Enter, scene: Scene, tmp_path: Path) -> None:
    ada = enter(scene.operator)
    assert "Missing (" in ada.get("/documents")
    file(ada, REPORT)
    assert "Not reviewed (1)" in ada.get("/documents")
    (kept,) = (tmp_path / "documents").iterdir()
    assert PDF not in kept.read_bytes()
    one = only_document(ada, scene.operator)
    mine = ada.get(f"/documents/requests/{REPORT}?done=filed")
    assert "You filed it; another person has to look at it." in mine
    assert 'href="/audit?code=document."' in mine
    alone = ada.post(f"/documents/{one}/reviews", 403, data={"note": "fine"})
    assert "cannot review it" in alone
    bob = enter(scene.operator, email="bob@example.com", name="Bob")
    unsaid = bob.post(f"/documents/{one}/reviews", 400, data={"note": " "})
    assert f'id="review-{one}" name="note" required maxlength="4000" rows="2" aria-invalid="true"' in unsaid
    assert 'aria-describedby="wrong-note"' not in unsaid
    bob.post(f"/documents/{one}/reviews", data={"note": "Read it; nothing odd."})
    page = bob.get(f"/documents/requests/{REPORT}")
    assert "Read it; nothing odd." in page
    assert '<span class="state in_order">' in page
    answer = bob.client.get(f"/documents/{one}/file")
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''report.pdf"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    codes = [code for code in bob.events() if code.startswith("document.")]
    assert codes == ["document.file", "document.review", "document.download"]


def test_what_a_key_of_nobody_filed_is_not_offered_for_review(plane: Plane, enter: Enter, scene: Scene) -> None:
    fields = [("request", (None, REPORT)), ("date", (None, TODAY)), ("file", ("report.pdf", PDF, "application/pdf"))]
    auth = plane.admin(scene.operator)
    assert plane.call("POST", f"/organizations/{scene.operator}/documents", auth, files=fields).status_code == 200
    ada = enter(scene.operator)
    page = ada.get(f"/documents/requests/{REPORT}")
    assert ("an API key that no person made" in page, "/reviews" in page.partition("<main")[2]) == (True, False)
    ada.post(f"/documents/{only_document(ada, scene.operator)}/reviews", 403, data={"note": "Read it."})


def test_a_review_is_recorded_without_a_file(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    ada.post(f"/documents/requests/{REVIEW}", files=[("date", (None, TODAY)), ("note", (None, "All were mended."))])
    assert "All were mended." in ada.get(f"/documents/requests/{REVIEW}")
    one = only_document(ada, scene.operator)
    assert ada.client.get(f"/documents/{one}/file").status_code == 404
    assert "Only a document" in ada.post(f"/documents/{one}/reviews", 400, data={"note": "x"})


def test_what_may_not_be_filed_is_refused_with_a_sentence_and_leaves_nothing(
    enter: Enter, scene: Scene, tmp_path: Path
) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    assert "not after today" in file(ada, REPORT, 400, date="2027-01-01")
    assert "date is a date" in file(ada, REPORT, 400, date="soon")
    assert "Files of this type" in file(ada, REPORT, 400, kind="text/html")
    assert "needs a file" in ada.post(f"/documents/requests/{REPORT}", 400, files=[("note", (None, "x"))])
    assert "Send a form" in ada.post(f"/documents/requests/{REPORT}", 400, data={"note": "x"})
    kept = file(ada, REPORT, 400, date="2027-01-01", note="the yearly one")
    assert 'name="date" value="2027-01-01"' in kept
    assert ">the yearly one</textarea>" in kept
    assert 'aria-describedby="wrong-date"' in kept
    assert "Say in a note" in ada.post(f"/documents/requests/{REVIEW}", 400, files=[("note", (None, " "))])
    assert ada.events() == before
    assert [*(tmp_path / "documents").iterdir()] == []


@pytest.mark.parametrize(("place", "status"), [("nowhere", 403), ("wrong", 403), ("behind the file", 400)])
def test_a_file_that_comes_from_no_page_of_ours_is_not_kept(
    enter: Enter, scene: Scene, tmp_path: Path, place: str, status: int
) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    right, wrong = (("binding", (None, value)) for value in (BINDING["binding"], "c" * 64))
    report = ("file", ("report.pdf", PDF, "application/pdf"))
    told: dict[str, list[Any]] = {"nowhere": [report], "wrong": [wrong, report], "behind the file": [report, right]}
    answer = ada.client.post(
        f"/documents/requests/{REPORT}", headers=OURS, files=[("date", (None, TODAY)), *told[place]]
    )
    assert (answer.status_code, "sign in again" in answer.text) == (status, status == 403)
    assert [*(tmp_path / "documents").iterdir()] == []
    assert ada.events()[len(before) :] == (["user.session_refuse"] if status == 403 else [])


def test_requests_are_shown_by_state_and_by_words(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    file(ada, REPORT)
    page = ada.get("/documents?state=not_reviewed")
    assert re.findall(r'href="/documents/requests/([^"]+)"', page) == [REPORT]
    assert 'href="/documents?state=missing"' in page
    assert REPORT in ada.get("/documents?q=penetration")
    assert "Nothing matches" in ada.get("/documents?q=penetration&state=expired")


def test_documents_of_another_organization_are_not_there(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    file(ada, REPORT)
    one = only_document(ada, scene.operator)
    eve = enter(scene.other, email="eve@example.com", name="Eve")
    assert "marker" not in eve.get(f"/documents/requests/{REPORT}")
    assert "report.pdf" not in eve.get(f"/documents/requests/{REPORT}")
    assert "The organization that operates this installation files this" in eve.get(f"/documents/requests/{REPORT}")
    before = eve.events()
    eve.get(f"/documents/{one}/file", 404)
    eve.post(f"/documents/{one}/reviews", 404, data={"note": "x"})
    assert "only the organization that operates it" in file(eve, REPORT, 403)
    assert eve.events() == before


def test_reading_is_not_managing(enter: Enter, scene: Scene) -> None:
    dev = enter(scene.operator, DEVELOPER)
    page = dev.get(f"/documents/requests/{REPORT}").partition("<main")[2]
    assert "<form" not in page
    assert "manage-documents, which the role Admin gives" in page
    file(dev, REPORT, 403)
    dev.post("/documents/hosting", 403, data={"region": "local", "provider": "own"})


def test_the_operator_declares_who_carries_the_machines(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    ada.post("/documents/hosting", data={"region": "local", "provider": "aws"})
    assert '<option value="aws" selected>' in ada.get("/documents")
    assert ada.events()[-1] == "hosting.declare"
    assert "A provider is one of" in ada.post("/documents/hosting", 400, data={"region": "local", "provider": "moon"})
    ada.post("/documents/hosting", 404, data={"region": "nowhere", "provider": "own"})
    eve = enter(scene.other, ADMIN, email="eve@example.com")
    assert "/documents/hosting" not in eve.get("/documents")
    eve.post("/documents/hosting", 403, data={"region": "local", "provider": "gcp"})


def test_hostile_names_and_notes_are_text(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    file(ada, REPORT, name='<script>alert(1)<i>"x.pdf', note="<script>alert(2)</script>")
    page = ada.get(f"/documents/requests/{REPORT}")
    assert_only_our_scripts(page)
    assert "&lt;script&gt;alert(2)" in page
    one = only_document(ada, scene.operator)
    disposition = ada.client.get(f"/documents/{one}/file").headers["content-disposition"]
    assert "<" not in disposition
    assert '"' not in disposition
