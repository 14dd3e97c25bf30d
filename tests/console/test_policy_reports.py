"""Reports of breached policies are taken from anybody, and never more than one of a kind at a time."""

import json

from starlette.testclient import TestClient
from structlog.testing import capture_logs

from tests.console.conftest import OURS
from tests.support.control_plane import Plane

KIND = {"content-type": "application/csp-report", **OURS}


def report(**fields: object) -> bytes:
    told = {"document-uri": "https://localhost:8441/sign-in/link?token=sh_link_x", "effective-directive": "script-src"}
    return json.dumps({"csp-report": {**told, "blocked-uri": "inline", **fields}}).encode()


def test_a_report_is_logged_once_without_what_follows_the_path(browser: TestClient) -> None:
    with capture_logs() as logs:
        for _ in range(3):
            assert browser.post("/csp-reports", content=report(), headers=KIND).status_code == 204
        for kind in ("style-src", "made-up-1", "made-up-2"):
            other = report(**{"effective-directive": kind, "blocked-uri": kind})
            assert browser.post("/csp-reports", content=other, headers=KIND).status_code == 204
    assert [one["blocked_uri"] for one in logs] == ["inline", "style-src", "made-up-1"]
    assert logs[0]["document_uri"] == "https://localhost:8441/sign-in/link"
    assert "sh_link_x" not in str(logs)


def test_nonsense_is_taken_and_forgotten(plane: Plane, browser: TestClient) -> None:
    del plane
    with capture_logs() as logs:
        for content in (b"", b"[]", b"{}", b'{"csp-report": 7}', b"\xff", b"[" * 5000, report(x="y" * 9999)):
            assert browser.post("/csp-reports", content=content, headers=KIND).status_code == 204
    assert len(logs) <= 1
    assert all(len(str(value)) <= 200 for one in logs for value in one.values())


def test_another_site_cannot_send_one(browser: TestClient) -> None:
    answer = browser.post("/csp-reports", content=report(), headers={**KIND, "sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
