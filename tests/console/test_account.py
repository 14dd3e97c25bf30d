"""One's own account: setting and changing the password, seeing and ending sessions."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from stronghouse.access import people, store
from stronghouse.access.model import Session
from stronghouse.access.roles.system import MEMBER
from stronghouse.console.devices import device
from stronghouse.console.protection import COOKIE
from tests.console.conftest import BINDING, OURS, Enter, Visitor, assert_only_our_scripts
from tests.console.test_keys import log_text
from tests.support.control_plane import CONTEXT, Plane
from tests.unit.responsibility.findings.looks import Scene

FIRST, SECOND = "xK9#mQ2$vL7!", "walrus Onyx 47 crumpet"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0"

KIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME, SAFARI = f"{KIT} Chrome/156.0.0.0 Safari/537.36", f"{KIT} Version/26.1 Safari/605.1.15"


def twice(password: str, present: str = "", **fields: str) -> dict[str, str]:
    return {"password": password, "again": password, "current_password": present, **fields}


def sessions(plane: Plane, user_id: str) -> list[Session]:
    with plane.control.database.read() as connection:
        return store.sessions_of(connection, user_id, plane.clock.now())


def again(visitor: Visitor, *, user_agent: str = FIREFOX, address: str = "192.0.2.9") -> Visitor:
    """The same person in another browser."""
    with visitor.plane.control.audit.unit_of_work(CONTEXT) as uow:
        token = people.issue_sign_in_link(uow, email="ada@example.com", now=visitor.plane.clock.now()).reveal()
    headers = {"user-agent": user_agent, "x-sh-client-ip": address}
    client = TestClient(visitor.client.app, base_url="https://localhost:8441", follow_redirects=False, headers=headers)
    assert client.post("/sign-in/link", data={"token": token, **BINDING}, headers=OURS).status_code == 303
    return Visitor(visitor.plane, client, visitor.user_id)


def sign_in(app: Any, password: str) -> int:
    client = TestClient(app, base_url="https://localhost:8441", follow_redirects=False)
    answer = client.post("/sign-in", data={"email": "ada@example.com", "password": password, **BINDING}, headers=OURS)
    return int(answer.status_code)


def test_a_first_password_is_set_after_a_link_and_signs_in(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    page = ada.get("/account/password")
    for rule in ("12 to 256 characters", "at least three kinds", "known from breaches", "your organization&#39;s name"):
        assert rule in page or html.unescape(rule) in page
    assert 'name="current_password"' not in page
    ada.post("/account/password", data=twice(FIRST))
    assert ada.events()[-1] == "user.password_set"
    assert "Your password is set" in ada.get("/account?done=password")
    assert sign_in(ada.client.app, FIRST) == 303
    assert FIRST not in log_text(plane)
    assert "You have no password yet" not in ada.get("/")


def test_a_first_password_is_not_set_in_a_browser_that_somebody_left(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    plane.clock.advance(timedelta(minutes=10))
    ada.post("/session/renew", 204)
    assert 'name="password"' not in ada.get("/account/password")
    before = ada.events()
    assert "new one-time link" in ada.post("/account/password", 403, data=twice(FIRST))
    assert ada.events() == before


@pytest.mark.parametrize(
    ("password", "sentences"),
    [
        ("short", ["12 to 256 characters; this one has 5", "at least three"]),
        ("password", ["12 to 256 characters", "at least three", "known from breaches"]),
        ("Password123!", ["known from breaches"]),
        ("Operator.Ada.2026", ["made of your name, your address"]),
        ("x" * 300, ["this one has 300", "at least three"]),
        ("", ["this one has 0"]),
    ],
)
def test_each_rule_that_a_password_breaks_is_named_at_the_field(
    enter: Enter, scene: Scene, password: str, sentences: list[str]
) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    page = ada.post("/account/password", 400, data=twice(password))
    found = re.search(r'id="wrong-password">([^<]*)<', page)
    assert found
    for sentence in sentences:
        assert sentence in html.unescape(found[1])
    assert 'aria-invalid="true" aria-describedby="wrong-password rules"' in page
    assert ada.events() == before


def test_the_two_have_to_be_the_same(enter: Enter, scene: Scene) -> None:
    page = enter(scene.operator).post("/account/password", 400, data=twice(FIRST, again=SECOND))
    assert 'id="wrong-again">The two are not the same.' in page
    assert (FIRST in page, SECOND in page) == (False, False)


def test_a_password_is_changed_by_who_knows_it_and_other_sessions_end(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    ada.post("/account/password", data=twice(FIRST))
    other = again(ada)
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        people.issue_sign_in_link(uow, email="ada@example.com", now=plane.clock.now())
    before = ada.events()
    assert "present password is needed" in ada.post("/account/password", 400, data=twice(SECOND))
    assert "choose another" in ada.post("/account/password", 400, data=twice(FIRST, FIRST))
    page = ada.post("/account/password", 403, data=twice(SECOND, "not my password"))
    assert 'id="wrong-current_password">The password is wrong' in page
    assert "not my password" not in page
    ada.post("/account/password", 403, data=twice(SECOND, "not my password"))
    assert ada.events()[len(before) :] == ["user.step_up_fail"]  # once in ten seconds
    assert len(sessions(plane, ada.user_id)) == 2
    ada.post("/account/password", data=twice(SECOND, FIRST))
    assert ada.events()[-1] == "user.password_set"
    assert len(sessions(plane, ada.user_id)) == 1
    assert other.client.get("/").headers["location"] == "/sign-in"
    assert (sign_in(ada.client.app, FIRST), sign_in(ada.client.app, SECOND)) == (401, 303)
    for secret in (FIRST, SECOND, "not my password"):
        assert secret not in log_text(plane)


def test_the_account_tells_who_one_is_and_where_one_is_signed_in(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator, name="<i>Ada</i>")
    enter_other(plane, scene)
    plane.clock.advance(timedelta(seconds=30))
    other = again(ada)
    page = other.get("/account")
    assert_only_our_scripts(page)
    for one in (
        "<bdi>&lt;i&gt;Ada&lt;/i&gt;</bdi>",
        "<dt><bdi>Operator</bdi></dt><dd>Admin</dd>",
        "<dd>Member</dd>",
        "2 sessions are open",
        "Firefox 148 on Linux <strong>(this one)</strong>",
        "<bdi>192.0.2.9</bdi>",
        "read and act",
    ):
        assert one in page, one
    assert f"/audit?code=user.&amp;actor={ada.user_id}" in other.get("/account?done=session")


def enter_other(plane: Plane, scene: Scene) -> None:
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        people.create_member(
            uow,
            organization_id=scene.other,
            email="ada@example.com",
            name="",
            role_ids=(MEMBER.id,),
            now=plane.clock.now(),
        )


def test_one_session_is_ended_and_only_ones_own(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada, bob = enter(scene.operator), enter(scene.operator, email="bob@example.com")
    other = again(ada)
    (theirs,) = sessions(plane, bob.user_id)
    mine = {one.user_agent: one.id for one in sessions(plane, ada.user_id)}
    before = ada.events()
    for session_id in (theirs.id, "nothing", "00000000-0000-4000-8000-000000000000"):
        ada.post(f"/account/sessions/{session_id}/end", 404)
    assert ada.events() == before
    ada.post(f"/account/sessions/{mine[FIREFOX]}/end")
    assert "That session has ended" in ada.get("/account?done=session")
    assert other.client.get("/").status_code == 303
    own = mine["testclient"]
    answer = ada.send(f"/account/sessions/{own}/end")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert f'{COOKIE}="";' in answer.headers["set-cookie"]
    assert ada.events()[len(before) :] == ["user.sign_out"] * 2
    assert len(sessions(plane, bob.user_id)) == 1


def test_signing_out_everywhere_ends_all_sessions_and_links(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator, MEMBER)
    other = again(ada)
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        link = people.issue_sign_in_link(uow, email="ada@example.com", now=plane.clock.now()).reveal()
    assert "2 sessions end, this one too" in ada.get("/account")
    answer = ada.send("/account/sign-out-everywhere")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?ended=everywhere")
    assert COOKIE not in ada.client.cookies
    assert ada.events()[-1] == "user.sign_out_everywhere"
    assert "You are signed out everywhere" in ada.get("/sign-in?ended=everywhere")
    assert other.client.get("/account").headers["location"] == "/sign-in"
    assert ada.client.post("/sign-in/link", data={"token": link, **BINDING}, headers=OURS).status_code == 401
    assert sessions(plane, ada.user_id) == []


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox 148 on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Edg/156.0.0.0", "Edge 156 on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} OPR/140.0.0.0", "Opera 140 on Windows"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME}", "Chrome 156 on Android"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {CHROME.replace('Chrome', 'HeadlessChrome')}", "Chrome 156 on Linux"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI}", "Safari 26 on macOS"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) {SAFARI}", "Safari 26 on iOS"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) {KIT} CriOS/156.0 Safari/604.1", "Chrome 156 on iOS"),
        ("curl/8.14.1", "curl 8"),
        ("<script>alert(1)</script>", "An unknown program"),
        (None, "An unknown program"),
    ],
)
def test_a_device_is_called_by_its_browser_and_system(user_agent: str | None, words: str) -> None:
    assert device(user_agent) == words
