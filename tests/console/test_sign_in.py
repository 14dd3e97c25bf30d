"""Signing in to the console, and what keeps other sites and other ports out."""

import pytest
from starlette.testclient import TestClient

from stronghouse.access import people
from stronghouse.access.roles import ADMIN, MEMBER, Role
from stronghouse.console.protection import COOKIE
from tests.support.control_plane import CONTEXT, Plane

EMAIL = "ada@example.com"
OURS = {"sec-fetch-site": "same-origin"}


def link(plane: Plane, role: Role = ADMIN) -> str:
    organization_id = plane.organization()
    now = plane.clock.now()
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        people.create_member(
            uow, organization_id=organization_id, email=EMAIL, name="Ada", role_ids=(role.id,), now=now
        )
        return people.issue_sign_in_link(uow, email=EMAIL, now=now).reveal()


def sign_in(browser: TestClient, token: str) -> None:
    assert browser.post("/sign-in/link", data={"token": token}, headers=OURS).status_code == 303


def test_a_link_leads_to_the_matrix_and_opening_its_page_does_not_spend_it(plane: Plane, browser: TestClient) -> None:
    token = link(plane)
    for _ in range(2):
        page = browser.get("/sign-in/link", params={"token": token})
        assert token in page.text
    sign_in(browser, token)
    home = browser.get("/")
    assert home.status_code == 200
    assert home.text.count('<tr class="row">') == 34
    assert "not evidenced" in home.text
    assert browser.post("/sign-in/link", data={"token": token}, headers=OURS).status_code == 401


def test_the_cookie_is_bound_to_this_host_and_hidden_from_scripts(plane: Plane, browser: TestClient) -> None:
    answer = browser.post("/sign-in/link", data={"token": link(plane)}, headers=OURS)
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
@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link", "/password", "/sign-out"])
def test_forms_of_other_sites_and_other_ports_get_nowhere(
    plane: Plane, browser: TestClient, path: str, headers: dict[str, str]
) -> None:
    sign_in(browser, link(plane))
    assert browser.post(path, data={"password": "x" * 20}, headers=headers).status_code == 403
    assert browser.get("/").status_code == 200


def test_without_a_session_every_page_leads_to_signing_in(browser: TestClient) -> None:
    for method, path in (("GET", "/"), ("POST", "/password"), ("POST", "/sign-out")):
        answer = browser.request(method, path, data={"password": "x" * 20} if method == "POST" else None, headers=OURS)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    browser.cookies.set(COOKIE, "sh_session_forged", domain="localhost")
    assert browser.get("/").status_code == 303


def test_a_password_can_be_set_and_signs_in(plane: Plane, browser: TestClient) -> None:
    sign_in(browser, link(plane))
    short = browser.post("/password", data={"password": "short"}, headers=OURS)
    assert (short.status_code, "12 to 256" in short.text) == (400, True)
    assert browser.post("/password", data={"password": "correct horse battery"}, headers=OURS).status_code == 303
    assert browser.post("/sign-out", headers=OURS).status_code == 303
    assert browser.get("/").status_code == 303
    wrong = browser.post("/sign-in", data={"email": EMAIL, "password": "wrong password"}, headers=OURS)
    assert wrong.status_code == 401
    assert "wrong password" not in wrong.text
    assert (
        browser.post("/sign-in", data={"email": EMAIL, "password": "correct horse battery"}, headers=OURS).status_code
        == 303
    )
    assert browser.get("/").status_code == 200


def test_a_member_without_the_permission_is_told_so(plane: Plane, browser: TestClient) -> None:
    sign_in(browser, link(plane, MEMBER))
    assert browser.get("/").status_code == 403


def test_every_answer_carries_the_security_headers(plane: Plane, browser: TestClient) -> None:
    sign_in(browser, link(plane))
    for path in ("/", "/sign-in", "/sign-in/link?token=x", "/static/console.css", "/nothing"):
        headers = browser.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
        assert headers["cache-control"] == "no-store"


def test_what_a_person_typed_is_escaped(browser: TestClient) -> None:
    page = browser.get("/sign-in/link", params={"token": '"><script>alert(1)</script>'})
    assert "<script>" not in page.text
