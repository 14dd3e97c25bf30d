"""What holds for every page and every form of the console, whichever module they are in."""

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from stronghouse.access.roles.system import DEVELOPER, MEMBER
from stronghouse.console import application
from stronghouse.console.application import MAX_FORM_BYTES, MODULES, UPLOADS
from stronghouse.console.protection import REPORTS
from tests.console.conftest import BINDING, OURS, Enter, assert_only_our_scripts
from tests.unit.responsibility.findings.looks import Scene

ROUTES = [
    (method, route)
    for module in MODULES
    for route in module.router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]
PUBLIC = {
    "/sign-in",
    "/sign-in/link",
    "/sign-in/invitation",
    "/sign-in/second-factor",
    "/sign-in/passkey",
    "/sign-in/passkey/challenge",
    "/theme",
    REPORTS,
}
"""What needs no session."""
UNBOUND = PUBLIC | {"/sign-out"}
"""What needs no proof that it comes from a page of this origin."""
POSTS = [route for method, route in ROUTES if method == "POST"]
PAGES = [route for method, route in ROUTES if method == "GET"]


def is_own(path: str) -> bool:
    """What every person may do with their own session and account, whatever their roles are."""
    return (
        path in {"/sign-out", "/session/renew", "/sign-in/invitation/join"}
        or path == "/account"
        or path.startswith("/account/")
    )


EVERY_MEMBER = {"/", "/people", "/people/sign-in-policy", "/people/invitations/{invitation_id}"}
"""What every role allows: to begin somewhere, and to see who else is, or is asked to be, in the organization."""
GUARDED = [
    (method, route) for method, route in ROUTES if route.path not in PUBLIC | EVERY_MEMBER and not is_own(route.path)
]
ABSENT = "00000000-0000-4000-8000-000000000000"
FORM = {
    "token": "x",
    "email": "a@b.example",
    "password": "correct horse battery",
    "theme": "dark",
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
    "command": "start",
    "step": "preview",
}
"""A form that has every page's fields."""
WRONG = {"binding": "c" * 64}


def path_of(route: APIRoute, *, known: bool) -> str:
    """An address of a route: with ids from the catalogue, or with ids of nothing."""
    ids = {
        "row_id": "team.vulnerabilities" if known else "no.such",
        "request_id": "own_visitor_review" if known else "no_such",
        "profile_id": "baseline" if known else "none",
        "role_id": DEVELOPER.id if known else ABSENT,
        "finding_id": "0" * 64,
        "evidence_id": "0" * 64,
        "decision": "withdraw",
    }
    path = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], ABSENT), route.path)
    return f"{path}?status=triaged" if route.path == "/findings/{finding_id}/status" else path


def takes_files(route: APIRoute) -> bool:
    """Whether a form with files goes there."""
    return any(pattern.match(f"POST {path_of(route, known=True)}") for pattern, _ in UPLOADS)


def form_of(route: APIRoute, fields: dict[str, str]) -> dict[str, Any]:
    """These fields, as the form of this page is sent."""
    if takes_files(route):
        return {"files": [(name, (None, value)) for name, value in fields.items() if name in {"binding", "note"}]}
    return {"data": fields}


def name(one: object) -> str:
    route = one[1] if isinstance(one, tuple) else one
    assert isinstance(route, APIRoute)
    return f"{min(route.methods or ())} {route.path}"


@pytest.mark.parametrize("route", POSTS, ids=name)
def test_no_form_of_another_site_or_port_does_anything(enter: Enter, scene: Scene, route: APIRoute) -> None:
    admin = enter(scene.operator)
    before = admin.events()
    for headers in ({"sec-fetch-site": "same-site"}, {"origin": "https://localhost:8444"}, {}):
        answer = admin.client.post(path_of(route, known=True), data={**FORM, **BINDING}, headers=headers)
        assert (answer.status_code, "another site" in answer.text) == (403, True)
    assert admin.events() == before


@pytest.mark.parametrize("route", [route for route in POSTS if route.path not in UNBOUND], ids=name)
def test_no_form_without_the_secret_of_this_origin_does_anything(enter: Enter, scene: Scene, route: APIRoute) -> None:
    admin = enter(scene.operator)
    before = admin.events()
    for shown in ({}, WRONG):
        form = form_of(route, {**shown, **FORM})
        answer = admin.client.post(path_of(route, known=True), headers=OURS, **form)
        assert (answer.status_code, "sign in again" in answer.text) == (403, True), answer.text
    assert set(admin.events()[len(before) :]) <= {"user.session_refuse"}


@pytest.mark.parametrize(
    "route", [route for route in POSTS if route.path not in UNBOUND and not takes_files(route)], ids=name
)
def test_a_form_with_files_gets_nowhere_where_none_is_expected(enter: Enter, scene: Scene, route: APIRoute) -> None:
    admin = enter(scene.operator)
    before = admin.events()
    fields = [(name, (None, value)) for name, value in {**BINDING, **FORM}.items()]
    answer = admin.client.post(path_of(route, known=True), headers=OURS, files=fields)
    assert answer.status_code == 403, answer.text
    assert set(admin.events()[len(before) :]) <= {"user.session_refuse"}


@pytest.mark.parametrize("pair", [pair for pair in ROUTES if pair[1].path not in PUBLIC], ids=name)
def test_without_a_session_every_page_leads_to_signing_in(
    browser: TestClient, scene: Scene, pair: tuple[str, APIRoute]
) -> None:
    del scene
    method, route = pair
    data = {**FORM, **BINDING} if method == "POST" else None
    answer = browser.request(method, path_of(route, known=True), data=data, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize("pair", GUARDED, ids=name)
def test_a_member_without_permissions_is_told_so_and_does_nothing(
    enter: Enter, scene: Scene, pair: tuple[str, APIRoute]
) -> None:
    method, route = pair
    member = enter(scene.operator, MEMBER)
    before = member.events()
    data = {**FORM, **BINDING} if method == "POST" else None
    answer = member.client.request(method, path_of(route, known=True), data=data, headers=OURS)
    assert (answer.status_code, "Not allowed" in answer.text) == (403, True)
    assert member.events()[len(before) :] == ["access.deny"]


@pytest.mark.parametrize("pair", [pair for pair in GUARDED if "{" in pair[1].path], ids=name)
def test_what_is_not_there_is_a_page_that_says_so(enter: Enter, scene: Scene, pair: tuple[str, APIRoute]) -> None:
    method, route = pair
    admin = enter(scene.operator)
    options = form_of(route, {**BINDING, **FORM}) if method == "POST" else {}
    answer = admin.client.request(method, path_of(route, known=False), headers=OURS, **options)
    assert (answer.status_code, 'href="/"' in answer.text) == (404, True), answer.text


@pytest.mark.parametrize("route", PAGES, ids=name)
def test_every_page_carries_the_security_headers_and_only_our_scripts(
    enter: Enter, scene: Scene, route: APIRoute
) -> None:
    scene.look(**{"file/a": "F"})
    admin = enter(scene.operator)
    answer = admin.client.get(path_of(route, known=True), params={"token": "x"} if "link" in route.path else None)
    assert answer.status_code in {200, 404}, answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert (answer.headers["x-content-type-options"], answer.headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert answer.headers["cache-control"] == "no-store"
    if answer.headers.get("content-disposition", "").startswith("attachment"):
        assert "sandbox" in policy
        return
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    (nonce,) = assert_only_our_scripts(answer.text)
    assert f"script-src 'nonce-{nonce}';" in policy
    ids = re.findall(r'\sid="([^"]*)"', answer.text)
    assert len(ids) == len(set(ids)), sorted(one for one in ids if ids.count(one) > 1)


def test_a_nonce_is_good_for_one_answer(browser: TestClient) -> None:
    pages = [browser.get("/sign-in").text for _ in range(2)]
    assert len({nonce for page in pages for nonce in assert_only_our_scripts(page)}) == len(pages)


@pytest.mark.parametrize("route", POSTS, ids=name)
def test_a_body_that_is_too_large_is_refused(
    enter: Enter, scene: Scene, route: APIRoute, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(application, "UPLOADS", tuple((pattern, 300_000) for pattern, _ in UPLOADS))
    admin = enter(scene.operator)
    path = path_of(route, known=True)
    head = (
        b'--x\r\ncontent-disposition: form-data; name="binding"\r\n\r\n' + BINDING["binding"].encode() + b"\r\n"
        b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.pdf"\r\ncontent-type: application/pdf\r\n\r\n'
    )
    takes_files = any(pattern.match(f"POST {path}") for pattern, _ in UPLOADS)
    form = "multipart/form-data; boundary=x" if takes_files else "application/x-www-form-urlencoded"
    kind = {"content-type": form, **OURS}
    before = admin.events()
    for body in (head + b"x" * 3 * MAX_FORM_BYTES, iter([head, *[b"x" * 1000] * 400])):
        answer = admin.client.post(path, content=body, headers=kind)
        assert (answer.status_code, "Too large" in answer.text) == (413, True), answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert admin.events() == before
    assert not [*(tmp_path / "documents").iterdir()]


def test_only_a_form_that_is_read_piece_by_piece_may_be_large(enter: Enter, scene: Scene) -> None:
    admin = enter(scene.operator)
    for kind in ("application/x-www-form-urlencoded", "text/plain"):
        headers = {"content-type": kind, **OURS}
        path = "/documents/requests/own_visitor_review"
        answer = admin.client.post(path, content=b"note=" + b"x" * 2 * MAX_FORM_BYTES, headers=headers)
        assert answer.status_code == 413


def needs_a_field(route: APIRoute) -> bool:
    return any(field.field_info.is_required() for field in route.dependant.body_params)


@pytest.mark.parametrize("route", [route for route in POSTS if needs_a_field(route)], ids=name)
def test_a_form_of_the_wrong_shape_gets_a_sentence(enter: Enter, scene: Scene, route: APIRoute) -> None:
    page = enter(scene.operator).send(path_of(route, known=True), data={"member": "x" * 5000, "name": "x" * 5000})
    assert page.status_code == 400, page.text
    assert "<h1>" in page.text


def test_navigation_shows_only_what_one_may_see(enter: Enter, scene: Scene) -> None:
    home = enter(scene.operator, DEVELOPER, email="dev@example.com").get("/")
    assert ('href="/packages"' in home, 'href="/notifications"' in home) == (False, False)
    assert '<a href="/documents"' in home
    admin = enter(scene.operator).get("/findings")
    assert 'href="/packages"' in admin
    assert re.search(r'<a href="/findings"[^>]* aria-current="page">', admin)


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
    assert_only_our_scripts(answer.text)
    assert "profiles" not in answer.text.partition("<main")[2]
