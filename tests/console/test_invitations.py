"""Inviting people in the console, and what an invitation's link leads to."""

import re
from datetime import timedelta

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stronghouse.access.invitations import store
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import ADMIN, BILLING, DEVELOPER, MEMBER, SYSTEM_ROLES
from tests.console.conftest import BINDING, OURS, Enter, Visitor, assert_only_our_scripts
from tests.support.control_plane import Plane
from tests.support.roles import role_of
from tests.unit.responsibility.findings.looks import Scene

GRACE = "grace@example.com"
PASSWORD = "Walrus onyx fable crumpet 1"
INVITATIONS, ACCEPT = "/people/invitations", "/sign-in/invitation"


@pytest.fixture
def unmailed(plane: Plane) -> Plane:
    """Without a mail server: links are shown."""
    plane.control.sends_mail = False
    return plane


def link_of(page: str) -> str:
    """The token of the link that a page shows."""
    (token,) = re.findall(r'id="invitation-link"[^>]*>https://localhost:8441/sign-in/invitation\?token=(\S+?)<', page)
    return str(token)


def invite(visitor: Visitor, *role_ids: str, email: str = GRACE) -> str:
    """The token of a new link."""
    return link_of(visitor.post(INVITATIONS, 200, data={"email": email, "role": list(role_ids)}))


def accept(browser: TestClient, token: str, status: int = 303, **fields: str) -> str:
    form = {"token": token, "name": "Grace", "password": PASSWORD, "again": PASSWORD, **BINDING, **fields}
    answer = browser.post(ACCEPT, data=form, headers=OURS)
    assert answer.status_code == status, answer.text
    assert token not in answer.headers.get("location", "")
    return str(answer.text)


def last_waiting(page: str) -> list[str]:
    return re.findall(r'<a href="/people/invitations/[^"]+"><bdi>([^<]+)</bdi>', page)


def first_id(visitor: Visitor) -> str:
    (found, *_) = re.findall(r'href="/people/invitations/([^"]+)"', visitor.get("/people"))
    return str(found)


def test_somebody_new_follows_the_link_sets_a_password_and_is_in(
    enter: Enter, scene: Scene, unmailed: Plane, browser: TestClient
) -> None:
    ada = enter(scene.operator)
    token = invite(ada, DEVELOPER.id)
    assert last_waiting(ada.get("/people")) == [GRACE]
    page = browser.get(ACCEPT, params={"token": token})
    assert page.status_code == 200
    assert_only_our_scripts(page.text)
    for told in (GRACE, "Developer", "Choose a password"):
        assert told in page.text
    browser.get(ACCEPT, params={"token": token})  # a preview spends nothing
    accept(browser, token)
    assert browser.get("/").status_code == 200
    assert GRACE in browser.get("/account").text
    assert last_waiting(ada.get("/people")) == []
    assert "Grace" in ada.get("/people")
    again = browser.post("/sign-in", data={"email": GRACE, "password": PASSWORD, **BINDING}, headers=OURS)
    assert again.status_code == 303
    assert ada.events().count("invitation.accept") == 1
    used = browser.get(ACCEPT, params={"token": token})
    assert (used.status_code, "used already" in used.text) == (404, True)


def test_the_link_is_shown_once_and_never_again(enter: Enter, scene: Scene, unmailed: Plane) -> None:
    ada = enter(scene.operator)
    token = invite(ada, MEMBER.id)
    one = first_id(ada)
    for path in ("/people", f"{INVITATIONS}/{one}", "/audit", "/audit?code=invitation."):
        assert "sh_invite_" not in ada.get(path)
    another = link_of(ada.post(f"{INVITATIONS}/{one}/renew", 200))
    assert another != token
    assert "sh_invite_" not in ada.get("/people")


def test_with_a_mail_server_no_page_shows_a_link(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    assert "They get a link by mail" in ada.get("/people")
    answer = ada.send(INVITATIONS, data={"email": GRACE, "role": MEMBER.id})
    assert (answer.status_code, answer.headers["location"]) == (303, "/people?done=invited")
    page = ada.get("/people?done=invited")
    assert ("on its way" in page, "to be mailed" in page, "sh_invite_" in page) == (True, True, False)
    answer = ada.send(f"{INVITATIONS}/{first_id(ada)}/renew")
    assert (answer.status_code, answer.headers["location"]) == (303, "/people?done=renewed")


def test_trouble_with_the_mail_is_seen(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    ada.post(INVITATIONS, data={"email": GRACE})
    one = first_id(ada)
    problem = "The mail server refuses the address with status 550."
    with plane.control.audit.bookkeeping("test") as connection:
        store.update_invitation(connection, one, error=problem, next_attempt_at=None, attempts=1)
    for page in (ada.get("/people"), ada.get(f"{INVITATIONS}/{one}")):
        assert problem in page
        assert "refused by the mail server" in page
    plane.control.sends_mail = False
    with plane.control.audit.bookkeeping("test") as connection:
        store.update_invitation(connection, one, error=None)
    assert "no mail server is set" in ada.get("/people")


def test_an_invitation_is_revoked_at_once(enter: Enter, scene: Scene, unmailed: Plane, browser: TestClient) -> None:
    ada = enter(scene.operator)
    token = invite(ada)
    ada.post(f"{INVITATIONS}/{first_id(ada)}/revoke")
    assert "was revoked" in ada.get("/people?done=revoked")
    assert last_waiting(ada.get("/people")) == []
    page = accept(browser, token, 404)
    assert "was revoked" in page
    assert "Choose a password" not in page


def test_inviting_needs_a_fresh_proof(enter: Enter, scene: Scene, unmailed: Plane) -> None:
    ada = enter(scene.operator)
    invite(ada)
    one = first_id(ada)
    unmailed.clock.advance(timedelta(minutes=11))
    for path in (INVITATIONS, f"{INVITATIONS}/{one}/renew", f"{INVITATIONS}/{one}/revoke"):
        page = ada.post(path, 403, data={"email": "other@example.com", "current_password": "wrong"})
        assert "sh_invite_" not in page
    assert ada.send("/session/renew").status_code == 204
    assert last_waiting(ada.get("/people")) == [GRACE]


def test_a_form_that_is_not_right_says_what_is_wrong_and_keeps_what_was_typed(
    enter: Enter, scene: Scene, unmailed: Plane
) -> None:
    ada = enter(scene.operator)
    page = ada.post(INVITATIONS, 400, data={"email": "no address", "role": [DEVELOPER.id]})
    assert 'value="no address"' in page
    assert "wrong-email" in page
    assert re.search(rf'value="{DEVELOPER.id}" checked', page)
    assert "is a member already" in ada.post(INVITATIONS, 409, data={"email": "ADA@example.com"})
    invite(ada)
    assert "invited already" in ada.post(INVITATIONS, 409, data={"email": GRACE})


def test_nobody_offers_in_the_console_what_they_do_not_hold(enter: Enter, scene: Scene, unmailed: Plane) -> None:
    hosts = role_of("hosts", {Permission.ORGANIZATION_VIEW, Permission.MEMBERS_MANAGE})
    SYSTEM_ROLES[hosts.id] = hosts
    try:
        bob = enter(scene.operator, hosts, email="bob@example.com")
        assert f'name="role" value="{ADMIN.id}"' not in bob.get("/people")
        assert "cannot give" in bob.post(INVITATIONS, 403, data={"email": GRACE, "role": [ADMIN.id]})
    finally:
        del SYSTEM_ROLES[hosts.id]


def test_who_may_not_invite_sees_who_is_invited_and_no_form(enter: Enter, scene: Scene, unmailed: Plane) -> None:
    invite(enter(scene.operator))
    for role in (MEMBER, BILLING, DEVELOPER):
        page = enter(scene.operator, role, email=f"{role.name.lower()}@example.com").get("/people")
        assert last_waiting(page) == [GRACE]
        assert f'action="{INVITATIONS}"' not in page
        assert Permission.MEMBERS_MANAGE.value in page


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"password": "short", "again": "short"}, "12 to 256 characters"),
        ({"password": "Grace Grace Grace 1", "again": "Grace Grace Grace 1"}, "made of your name"),
        ({"again": "another"}, "not what you typed above"),
        ({"name": "x" * 300}, "at most 256 characters"),
        ({"binding": ""}, "script did not load"),
    ],
)
def test_what_is_wrong_with_a_new_account_is_said_and_spends_nothing(
    enter: Enter, scene: Scene, unmailed: Plane, browser: TestClient, fields: dict[str, str], told: str
) -> None:
    token = invite(enter(scene.operator), MEMBER.id)
    page = accept(browser, token, 400, **fields)
    assert told in page
    assert PASSWORD not in page
    accept(browser, token)


def test_whoever_has_an_account_signs_in_and_accepts_as_themselves(
    enter: Enter, scene: Scene, unmailed: Plane, app: FastAPI
) -> None:
    ada = enter(scene.operator)
    boss = enter(scene.other, email="boss@example.com")
    token = invite(boss, MEMBER.id, email="ada@example.com")
    with TestClient(app, base_url="https://localhost:8441", follow_redirects=False) as stranger:
        page = stranger.get(ACCEPT, params={"token": token}).text
        assert ("You have an account already" in page, "Choose a password" in page) == (True, False)
        assert "You have an account already" in accept(stranger, token, 409)
        joined = stranger.post(f"{ACCEPT}/join", data={"token": token, **BINDING}, headers=OURS)
        assert (joined.status_code, joined.headers["location"]) == (303, "/sign-in")
    wrong = boss.get(ACCEPT, params={"token": token})
    assert ("You are signed in as" in wrong, ">Accept<" in wrong) == (True, False)
    assert "is for ada@example.com" in boss.post(f"{ACCEPT}/join", 403, data={"token": token})
    assert ">Accept<" in ada.get(ACCEPT, params={"token": token})
    answer = ada.send(f"{ACCEPT}/join", data={"token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?done=joined")
    assert "have accepted" in ada.get("/account?done=joined")
    assert ada.get(ACCEPT, 404, params={"token": token})
    member = boss.send(INVITATIONS, data={"email": "ada@example.com"})
    assert (member.status_code, "is a member already" in member.text) == (409, True)


def test_joining_needs_the_secret_of_this_origin(enter: Enter, scene: Scene, unmailed: Plane) -> None:
    ada = enter(scene.operator)
    token = invite(enter(scene.other, email="boss@example.com"), email="ada@example.com")
    answer = ada.client.post(f"{ACCEPT}/join", data={"token": token, "binding": "c" * 64}, headers=OURS)
    assert answer.status_code == 403
    ada.post(f"{ACCEPT}/join", data={"token": token})


def test_a_member_gets_a_clear_sentence(enter: Enter, scene: Scene, unmailed: Plane, browser: TestClient) -> None:
    ada = enter(scene.operator)
    token = invite(ada)
    enter(scene.operator, email=GRACE)
    for page in (browser.get(ACCEPT, params={"token": token}).text, accept(browser, token, 404)):
        assert "was revoked" in page


def test_what_is_not_given_any_more_is_said_before_it_is_accepted(
    enter: Enter, scene: Scene, unmailed: Plane, browser: TestClient
) -> None:
    passing = role_of("Passing", {Permission.ORGANIZATION_VIEW})
    SYSTEM_ROLES[passing.id] = passing
    try:
        token = invite(enter(scene.operator), passing.id, MEMBER.id)
    finally:
        del SYSTEM_ROLES[passing.id]
    page = browser.get(ACCEPT, params={"token": token}).text
    assert "have changed since" in page
    accept(browser, token, 409)


@pytest.mark.parametrize("token", ["", "x", "sh_invite_" + "x" * 43])
def test_a_link_that_is_none_is_a_page_that_says_so(browser: TestClient, scene: Scene, token: str) -> None:
    del scene
    page = browser.get(ACCEPT, params={"token": token})
    assert (page.status_code, "Ask for another" in page.text) == (404, True)
    accept(browser, token or "x", 404)


def test_names_and_addresses_in_pages_are_text(
    enter: Enter, scene: Scene, unmailed: Plane, browser: TestClient
) -> None:
    ada = enter(scene.operator)
    email = "a'&`{b}`|c@example.com"
    token = invite(ada, email=email)
    for page in (ada.get("/people"), browser.get(ACCEPT, params={"token": token}).text):
        assert_only_our_scripts(page)
        assert "a&#39;&amp;`{b}`|c@example.com" in page
