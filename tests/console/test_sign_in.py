"""Signing in to the console, and what keeps other sites, other ports and whoever got hold of a cookie out."""

import re
from datetime import timedelta

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from stronghouse.access import people
from stronghouse.access.attempts import OF_ACCOUNT
from stronghouse.access.roles.policies import Role
from stronghouse.access.roles.system import ADMIN, MEMBER
from stronghouse.audit import store as audit_store
from stronghouse.console.application import MODULES
from stronghouse.console.assets import asset
from stronghouse.console.protection import COOKIE
from tests.console.conftest import BINDING, OURS, Enter, assert_only_our_scripts
from tests.support.control_plane import CONTEXT, Plane
from tests.unit.responsibility.findings.looks import Scene

EMAIL, PASSWORD = "ada@example.com", "Correct horse 7 battery"
WRONG = {"binding": "c" * 64}
MINUTE = timedelta(seconds=60)
RUN = "/checks"


def link(plane: Plane, role: Role = ADMIN) -> str:
    organization_id = plane.organization()
    now = plane.clock.now()
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        people.create_member(
            uow, organization_id=organization_id, email=EMAIL, name="Ada", role_ids=(role.id,), now=now
        )
        return people.issue_sign_in_link(uow, email=EMAIL, now=now).reveal()


def sign_in(browser: TestClient, token: str, binding: dict[str, str] = BINDING) -> str:
    answer = browser.post("/sign-in/link", data={"token": token, **binding}, headers=OURS)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def events(plane: Plane) -> list[str]:
    with plane.control.database.read() as connection:
        return [entry.code for entry in audit_store.entries(connection)]


def thief(browser: TestClient) -> TestClient:
    """Whoever was sent the cookie, on another port of the same host, and pretends to be the same browser."""
    other = TestClient(browser.app, base_url="https://localhost:8441", follow_redirects=False)
    other.cookies.update(browser.cookies)
    return other


def test_a_link_leads_to_setting_a_password_and_opening_its_page_does_not_spend_it(
    plane: Plane, browser: TestClient
) -> None:
    token = link(plane)
    for _ in range(2):
        page = browser.get("/sign-in/link", params={"token": token})
        assert token in page.text
    assert sign_in(browser, token) == "/account/password"
    home = browser.get("/")
    assert home.status_code == 200
    assert home.text.count('<tr class="row"') == 34
    assert "not evidenced" in home.text
    assert browser.post("/sign-in/link", data={"token": token, **BINDING}, headers=OURS).status_code == 401


def test_a_link_says_whom_it_signs_in_while_it_works(plane: Plane, browser: TestClient) -> None:
    token = link(plane)
    assert EMAIL in browser.get("/sign-in/link", params={"token": token}).text
    sign_in(browser, token)
    assert EMAIL not in browser.get("/sign-in/link", params={"token": token}).text
    assert "used already or has expired" in browser.get("/sign-in/link", params={"token": "x"}).text


def test_without_the_secret_of_a_script_nobody_signs_in_who_does_not_say_so(plane: Plane, browser: TestClient) -> None:
    """Another port can have our scripts refused; a session must not become one without a binding by that."""
    token, before = link(plane), events(plane)
    for path, form in (("/sign-in/link", {"token": token}), ("/sign-in", {"email": EMAIL, "password": PASSWORD})):
        answer = browser.post(path, data=form, headers=OURS)
        assert (answer.status_code, "script did not load" in answer.text) == (400, True)
        assert "set-cookie" not in answer.headers
        assert '<noscript><input type="hidden" name="without_script" value="yes"></noscript>' in answer.text
    assert events(plane) == before
    sign_in(browser, token)


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link", "/theme", "/session/renew", "/csp-reports"])
def test_a_form_that_names_a_codec_of_its_own_is_read_by_nobody(browser: TestClient, path: str) -> None:
    part = b'--x\r\ncontent-disposition: form-data; name="%b"\r\n\r\n\\ud800\r\n'
    body = b"".join(part % name for name in (b"email", b"password", b"token", b"theme")) + b"--x--\r\n"
    kind = {"content-type": "multipart/form-data; boundary=x; charset=unicode_escape", **OURS}
    answer = browser.post(path, content=body, headers=kind)
    assert (answer.status_code, "No files are taken" in answer.text) == (403, True)


def test_signing_in_anew_ends_the_session_that_the_browser_had(plane: Plane, browser: TestClient) -> None:
    sign_in(browser, link(plane))
    old = thief(browser)
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        again = people.issue_sign_in_link(uow, email=EMAIL, now=plane.clock.now()).reveal()
    before = events(plane)
    sign_in(browser, again)
    assert old.get("/").headers["location"] == "/sign-in"
    assert events(plane)[len(before) :] == ["user.sign_out", "user.sign_in"]


def test_guessing_is_slowed_down_for_who_guesses_and_for_nobody_else(plane: Plane, browser: TestClient) -> None:
    sign_in(browser, link(plane))
    new = {"password": PASSWORD, "again": PASSWORD, **BINDING}
    assert browser.post("/account/password", data=new, headers=OURS).status_code == 303

    def attempt(password: str, address: str) -> int:
        headers = {**OURS, "x-sh-client-ip": address}
        data = {"email": EMAIL, "password": password, **BINDING}
        return int(browser.post("/sign-in", data=data, headers=headers).status_code)

    assert [attempt("wrong", "192.0.2.1") for _ in range(OF_ACCOUNT)] == [401] * OF_ACCOUNT
    assert attempt(PASSWORD, "192.0.2.1") == 429
    assert attempt(PASSWORD, "192.0.2.2") == 303
    plane.clock.advance(MINUTE)
    assert attempt(PASSWORD, "192.0.2.1") == 303


def test_the_cookie_is_bound_to_this_host_and_hidden_from_scripts(plane: Plane, browser: TestClient) -> None:
    signed_in = browser.post("/sign-in/link", data={"token": link(plane), **BINDING}, headers=OURS)
    plane.clock.advance(MINUTE)
    renewed = browser.post("/session/renew", data=BINDING, headers=OURS)
    for answer in (signed_in, renewed):
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
            assert attribute in cookie
        assert "Domain" not in cookie


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://localhost:8444"},
        {"origin": "null"},
        {},
    ],
)
@pytest.mark.parametrize(
    "path", ["/sign-in", "/sign-in/link", "/account/password", "/account/sign-out-everywhere", "/session/renew"]
)
def test_forms_of_other_sites_and_other_ports_get_nowhere(
    plane: Plane, browser: TestClient, path: str, headers: dict[str, str]
) -> None:
    sign_in(browser, link(plane))
    assert browser.post(path, data={"password": "x" * 20, **BINDING}, headers=headers).status_code == 403
    assert browser.get("/").status_code == 200


def test_without_a_session_every_page_leads_to_signing_in(browser: TestClient) -> None:
    for method, path in (
        ("GET", "/"),
        ("POST", "/account/password"),
        ("POST", "/sign-out"),
        ("POST", "/session/renew"),
    ):
        data = {"password": "x" * 20, **BINDING} if method == "POST" else None
        answer = browser.request(method, path, data=data, headers=OURS)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert browser.get("/", headers={"cookie": f"{COOKIE}=sh_session_forged"}).status_code == 303


def test_a_password_signs_in_and_signing_out_ends_the_session(plane: Plane, browser: TestClient) -> None:
    sign_in(browser, link(plane))
    new = {"password": PASSWORD, "again": PASSWORD, **BINDING}
    assert browser.post("/account/password", data=new, headers=OURS).status_code == 303
    stolen = thief(browser)
    assert browser.post("/sign-out", headers=OURS).status_code == 303
    assert browser.get("/").status_code == 303
    assert stolen.get("/").status_code == 303
    wrong = browser.post("/sign-in", data={"email": EMAIL, "password": "wrong password", **BINDING}, headers=OURS)
    assert (wrong.status_code, EMAIL in wrong.text) == (401, True)
    assert "wrong password" not in wrong.text
    answer = browser.post("/sign-in", data={"email": EMAIL, "password": PASSWORD, **BINDING}, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/").status_code == 200


def test_a_session_without_a_script_reads_and_does_nothing(enter: Enter, scene: Scene, plane: Plane) -> None:
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        now = plane.clock.now()
        people.create_member(
            uow, organization_id=scene.operator, email=EMAIL, name="Ada", role_ids=(ADMIN.id,), now=now
        )
        token = people.issue_sign_in_link(uow, email=EMAIL, now=now).reveal()
    bob = enter(scene.operator, email="bob@example.com")
    browser = TestClient(bob.client.app, base_url="https://localhost:8441", follow_redirects=False)
    sign_in(browser, token, {"without_script": "yes"})
    before = events(plane)
    plane.clock.advance(10 * MINUTE)  # nobody renews its cookie
    for path in ("/", "/keys", "/people", "/account"):
        assert browser.get(path).status_code == 200
    assert "read only" in browser.get("/account").text
    for binding in ({}, BINDING):
        answer = browser.post(RUN, data=binding, headers=OURS)
        assert (answer.status_code, "Acts need JavaScript in this browser" in answer.text) == (403, True)
    assert events(plane) == before
    plane.clock.advance(people.UNBOUND_LIFETIME / 2)
    assert browser.get("/").status_code == 200
    plane.clock.advance(people.UNBOUND_LIFETIME / 2)
    assert browser.get("/").headers["location"] == "/sign-in"  # whoever was sent its cookie reads no longer than that


def test_a_cookie_alone_does_nothing_and_that_it_was_tried_is_recorded_once(plane: Plane, browser: TestClient) -> None:
    sign_in(browser, link(plane))
    stolen, before = thief(browser), events(plane)
    for binding in ({}, WRONG, WRONG):
        answer = stolen.post(RUN, data=binding, headers=OURS)
        assert (answer.status_code, "does not come from the page" in answer.text) == (403, True)
    assert events(plane)[len(before) :] == ["user.session_refuse"]
    plane.clock.advance(timedelta(seconds=10))
    assert stolen.post(RUN, data=WRONG, headers=OURS).status_code == 403
    assert events(plane)[len(before) :] == ["user.session_refuse"] * 2
    assert browser.post(RUN, data=BINDING, headers=OURS).status_code == 303


def test_a_cookie_that_is_a_minute_old_reads_nothing_until_its_page_renews_it(
    plane: Plane, browser: TestClient
) -> None:
    sign_in(browser, link(plane))
    plane.clock.advance(MINUTE)
    old = thief(browser)
    stale = browser.get("/people")
    assert (stale.status_code, "data-renewal" in stale.text, EMAIL in stale.text) == (401, True, False)
    assert_only_our_scripts(stale.text)
    polled = browser.get("/", headers={"hx-request": "true"})
    assert (polled.status_code, polled.text) == (401, "")
    before = browser.cookies[COOKIE]
    for binding in ({}, WRONG):
        refused = old.post("/session/renew", data=binding, headers=OURS)
        assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
    assert browser.post("/session/renew", data=BINDING, headers=OURS).status_code == 204
    assert browser.cookies[COOKIE] != before
    assert EMAIL in browser.get("/people").text
    assert old.get("/people").status_code == 401  # renewing makes the old one no younger
    plane.clock.advance(timedelta(seconds=10))
    assert old.get("/people").headers["location"] == "/sign-in"
    assert browser.get("/people").status_code == 200


def test_a_request_that_was_under_way_while_its_cookie_was_renewed_is_answered(
    plane: Plane, browser: TestClient
) -> None:
    sign_in(browser, link(plane))
    plane.clock.advance(MINUTE / 2)
    old = thief(browser)
    assert browser.post("/session/renew", data=BINDING, headers=OURS).status_code == 204
    assert old.get("/people").status_code == 200
    plane.clock.advance(timedelta(seconds=10))
    assert old.get("/people").headers["location"] == "/sign-in"


@pytest.mark.parametrize("kept", ["renewed", "polled", "stolen"])
def test_what_is_nobodys_act_keeps_no_session_alive(plane: Plane, browser: TestClient, kept: str) -> None:
    sign_in(browser, link(plane))
    for _ in range(13):
        plane.clock.advance(5 * MINUTE)
        if kept == "stolen":
            thief(browser).post("/session/renew", data=WRONG, headers=OURS)
            thief(browser).post(RUN, data=WRONG, headers=OURS)
        else:
            browser.post("/session/renew", data=BINDING, headers=OURS)
        if kept == "polled":
            browser.get("/", headers={"hx-request": "true"})
    assert browser.post("/session/renew", data=BINDING, headers=OURS).headers["location"] == "/sign-in"


def test_a_refused_form_shows_nothing_to_who_has_the_cookie_alone(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator, name="Ada Lovelace")
    routes = [route for module in MODULES for route in module.router.routes if isinstance(route, APIRoute)]
    pages = {
        route.path.replace("{request_id}", "pentest_report") for route in routes if "POST" in (route.methods or ())
    }
    ada.plane.clock.advance(MINUTE)
    for path in pages - {"/sign-out"}:
        where = re.sub(r"\{\w+\}", "00000000-0000-4000-8000-000000000000", path)
        forms = ({"data": WRONG}, {"files": [("note", (None, "x"))]}, {"files": [("binding", (None, "x"))]})
        for form in forms:
            answer = thief(ada.client).post(where, headers=OURS, **form)
            anybody = {200} if where == "/sign-in/passkey/challenge" else set()  # random, whoever asks
            assert answer.status_code in {400, 401, 403, 204, 303} | anybody, (where, answer.text)
            shown = [word for word in ("Lovelace", "ada@example.com", "Operator") if word in answer.text]
            assert shown == [], where


def test_a_young_cookie_is_not_renewed_and_tabs_that_renew_at_once_get_the_same(
    plane: Plane, browser: TestClient
) -> None:
    sign_in(browser, link(plane))
    young = browser.post("/session/renew", data=BINDING, headers=OURS)
    assert (young.status_code, "set-cookie" in young.headers) == (204, False)
    plane.clock.advance(MINUTE)
    tabs = [thief(browser), thief(browser)]
    for tab in tabs:
        assert tab.post("/session/renew", data=BINDING, headers=OURS).status_code == 204
    assert tabs[0].cookies[COOKIE] == tabs[1].cookies[COOKIE]
    assert events(plane)[-1] == "user.sign_in"


def test_a_cookie_in_another_browser_is_worth_nothing(plane: Plane, browser: TestClient) -> None:
    sign_in(browser, link(plane))
    stolen = thief(browser)
    assert stolen.get("/", headers={"user-agent": "another"}).headers["location"] == "/sign-in"
    assert stolen.get("/").status_code == 200


def test_a_member_without_the_permission_is_told_so(plane: Plane, browser: TestClient) -> None:
    sign_in(browser, link(plane, MEMBER))
    assert browser.get("/findings").status_code == 403


def test_every_answer_carries_the_security_headers(plane: Plane, browser: TestClient) -> None:
    sign_in(browser, link(plane))
    plane.clock.advance(MINUTE)
    paths = ("/", "/sign-in", "/sign-in/link?token=x", asset("base.css"), "/nothing")
    for path in paths:
        headers = browser.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
        assert path.startswith("/static/") or headers["cache-control"] == "no-store"


def test_what_a_person_typed_is_escaped(plane: Plane, browser: TestClient) -> None:
    mark = '"><script>alert(1)</script>'
    page = browser.get("/sign-in/link", params={"token": mark})
    assert_only_our_scripts(page.text)
    again = browser.post("/sign-in", data={"email": mark, "password": "x", **BINDING}, headers=OURS)
    assert_only_our_scripts(again.text)
    assert (again.status_code, "&lt;script&gt;alert(1)" in again.text) == (401, True)
    del plane
