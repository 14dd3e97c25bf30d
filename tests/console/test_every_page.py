"""What holds for every page and every form of the console, whichever module they are in."""

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from stronghouse.access.roles import DEVELOPER, MEMBER
from stronghouse.console import application
from stronghouse.console.application import MAX_FORM_BYTES, MODULES, UPLOADS
from tests.console.conftest import OURS, Enter
from tests.unit.responsibility.findings.looks import Scene

ROUTES = [
    (method, route)
    for module in MODULES
    for route in module.router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]
PUBLIC = {"/sign-in", "/sign-in/link"}
OWN = {"/account", "/password", "/sign-out"}
"""What every person may do."""
POSTS = [route for method, route in ROUTES if method == "POST"]
PAGES = [route for method, route in ROUTES if method == "GET"]
GUARDED = [(method, route) for method, route in ROUTES if route.path not in PUBLIC | OWN]
ABSENT = "00000000-0000-4000-8000-000000000000"
FORM = {
    "token": "x",
    "email": "a@b.example",
    "password": "correct horse battery",
    "act": "x",
    "before": "x",
    "name": "x",
    "url": "jsons://hooks.example.com",
    "begin": "2026-11-01",
    "end": "2026-11-02",
    "sample": "daily",
    "kind": "risk_accepted",
    "reason": "known",
    "until": "2026-12-01",
    "note": "seen",
    "region": "nowhere",
    "provider": "own",
}
"""A form that has every page's fields."""


def path_of(route: APIRoute, *, known: bool) -> str:
    """An address of a route: with ids from the catalogue, or with ids of nothing."""
    ids = {
        "row_id": "team.vulnerabilities" if known else "no.such",
        "request_id": "own_visitor_review" if known else "no_such",
        "profile_id": "baseline" if known else "none",
        "finding_id": "0" * 64,
        "evidence_id": "0" * 64,
        "decision": "withdraw",
    }
    path = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], ABSENT), route.path)
    return f"{path}?status=triaged" if path.endswith("/status") else path


def name(one: object) -> str:
    route = one[1] if isinstance(one, tuple) else one
    assert isinstance(route, APIRoute)
    return f"{min(route.methods or ())} {route.path}"


@pytest.mark.parametrize("route", POSTS, ids=name)
@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-site"}, {"origin": "https://localhost:8444"}, {}])
def test_no_form_of_another_site_or_port_does_anything(
    enter: Enter, scene: Scene, route: APIRoute, headers: dict[str, str]
) -> None:
    admin = enter(scene.operator)
    before = admin.events()
    answer = admin.client.post(path_of(route, known=True), data=FORM, headers=headers)
    assert (answer.status_code, "another site" in answer.text) == (403, True)
    assert admin.events() == before


@pytest.mark.parametrize("pair", [pair for pair in ROUTES if pair[1].path not in PUBLIC], ids=name)
def test_without_a_session_every_page_leads_to_signing_in(
    browser: TestClient, scene: Scene, pair: tuple[str, APIRoute]
) -> None:
    del scene
    method, route = pair
    data = FORM if method == "POST" else None
    answer = browser.request(method, path_of(route, known=True), data=data, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize("pair", GUARDED, ids=name)
def test_a_member_without_permissions_is_told_so_and_does_nothing(
    enter: Enter, scene: Scene, pair: tuple[str, APIRoute]
) -> None:
    method, route = pair
    member = enter(scene.operator, MEMBER)
    before = member.events()
    data = FORM if method == "POST" else None
    answer = member.client.request(method, path_of(route, known=True), data=data, headers=OURS)
    assert (answer.status_code, "Not allowed" in answer.text) == (403, True)
    assert member.events() == before


@pytest.mark.parametrize("pair", [pair for pair in GUARDED if "{" in pair[1].path], ids=name)
def test_what_is_not_there_is_a_page_that_says_so(enter: Enter, scene: Scene, pair: tuple[str, APIRoute]) -> None:
    method, route = pair
    data = FORM if method == "POST" else None
    admin = enter(scene.operator)
    path = path_of(route, known=False)
    options: dict[str, object] = {"data": data}
    if any(pattern.match(f"{method} {path}") for pattern, _ in UPLOADS):
        options = {"files": [("note", (None, "seen"))]}
    answer = admin.client.request(method, path, headers=OURS, **options)  # type: ignore[arg-type]
    assert (answer.status_code, 'href="/"' in answer.text) == (404, True), answer.text


@pytest.mark.parametrize("route", PAGES, ids=name)
def test_every_page_carries_the_security_headers_and_no_script(enter: Enter, scene: Scene, route: APIRoute) -> None:
    scene.look(**{"file/a": "F"})
    admin = enter(scene.operator)
    answer = admin.client.get(path_of(route, known=True), params={"token": "x"} if "link" in route.path else None)
    assert answer.status_code in {200, 404}, answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert (answer.headers["x-content-type-options"], answer.headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script|\son\w+=|\sstyle=|javascript:", answer.text)


@pytest.mark.parametrize("route", POSTS, ids=name)
def test_a_body_that_is_too_large_is_refused(
    enter: Enter, scene: Scene, route: APIRoute, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(application, "UPLOADS", tuple((pattern, 300_000) for pattern, _ in UPLOADS))
    admin = enter(scene.operator)
    path = path_of(route, known=True)
    head = (
        b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.pdf"\r\ncontent-type: application/pdf\r\n\r\n'
    )
    kind = {"content-type": "multipart/form-data; boundary=x", **OURS}
    before = admin.events()
    for body in (head + b"x" * 3 * MAX_FORM_BYTES, iter([head, *[b"x" * 1000] * 400])):
        answer = admin.client.post(path, content=body, headers=kind)
        assert (answer.status_code, "Too large" in answer.text) == (413, True), answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert admin.events() == before
    assert not [*(tmp_path / "documents").iterdir()]


@pytest.mark.parametrize("route", [route for route in POSTS if route.body_field is not None], ids=name)
def test_a_form_of_the_wrong_shape_gets_a_sentence(enter: Enter, scene: Scene, route: APIRoute) -> None:
    admin = enter(scene.operator)
    page = admin.client.post(path_of(route, known=True), data={"member": "x" * 5000}, headers=OURS)
    assert page.status_code in {400, 404}, page.text  # decline has a reason of its own
    assert "<h1>" in page.text


def test_navigation_shows_only_what_one_may_see(enter: Enter, scene: Scene) -> None:
    home = enter(scene.operator, DEVELOPER, email="dev@example.com").get("/")
    assert ('href="/packages"' in home, 'href="/notifications"' in home) == (False, False)
    assert '<a href="/documents">' in home
    admin = enter(scene.operator).get("/findings")
    assert 'href="/packages"' in admin
    assert '<a href="/findings" aria-current="page">' in admin


def test_an_unexpected_error_is_a_page_with_the_headers(
    enter: Enter, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = enter(scene.operator)
    monkeypatch.delattr(admin.plane.control, "profiles")  # a bug of ours
    client = TestClient(admin.client.app, base_url="https://localhost:8441", raise_server_exceptions=False)
    client.cookies.update(admin.client.cookies)
    answer = client.get("/guidance")
    assert (answer.status_code, "the log names this request" in answer.text) == (500, True)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "profiles" not in answer.text
