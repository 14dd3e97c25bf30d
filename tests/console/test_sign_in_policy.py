"""An organization's sign-in policy in the console, and what it does to its members."""

import re
from datetime import timedelta

from fastapi import FastAPI

from stronghouse.access import people
from stronghouse.access.authentication import STEP_UP_LIFETIME
from stronghouse.access.roles.system import DEVELOPER
from tests.console.conftest import BINDING, OURS, Enter, Visitor
from tests.console.test_every_page import PAGES, PUBLIC, path_of
from tests.console.test_keys import PASSWORD, give_password
from tests.console.test_second_factors import EMAIL, set_up, stranger
from tests.support.control_plane import CONTEXT, Plane
from tests.unit.responsibility.findings.looks import Scene

POLICY = "/people/sign-in-policy"
WANTED = {"second_factor": "required", "idle_minutes": "60", "absolute_minutes": "720"}
OWN = "/account/factors"


def require_factor(plane: Plane, ada: Visitor) -> None:
    set_up(plane, ada)
    ada.post(POLICY, data=WANTED)


def test_who_has_no_second_factor_can_do_nothing_but_set_one_up(plane: Plane, enter: Enter, scene: Scene) -> None:
    ada, bob = enter(scene.operator), enter(scene.operator, DEVELOPER, email="bob@example.com")
    plane.control.check_runs.run_next()
    assert bob.get("/people")
    require_factor(plane, ada)
    for route in PAGES:
        if route.path in PUBLIC or route.path.startswith(OWN):
            continue
        answer = bob.client.get(path_of(route, known=True), headers=OURS)
        assert (answer.status_code, answer.headers["location"], answer.text) == (303, OWN, ""), route.path
    before = bob.events()
    for path in ("/services/new", "/account/password", "/account/sign-out-everywhere", "/checks", "/keys/new"):
        assert bob.send(path, data={"name": "x"}).headers["location"] == OWN
    assert bob.client.get("/", headers={"hx-request": "true"}).status_code == 403
    assert bob.events() == before
    assert "requires a second factor" in bob.get(OWN)
    set_up(plane, bob)
    assert bob.get("/people")
    assert "requires a second factor" not in bob.get(OWN)
    ada.get("/people")


def test_who_comes_by_a_link_sets_up_a_factor_and_comes_by_a_link_alone_no_more(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    require_factor(plane, ada)
    bob = enter(scene.operator, DEVELOPER, email="bob@example.com")
    assert bob.client.get("/account/password").headers["location"] == OWN
    set_up(plane, bob)
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        token = people.issue_sign_in_link(uow, email="bob@example.com", now=plane.clock.now()).reveal()
    client = stranger(app)
    page = client.post("/sign-in/link", data={"token": token, **BINDING}, headers=OURS)
    assert (page.status_code, "One more proof" in page.text, "set-cookie" in page.headers) == (200, True, False)


def test_the_last_factor_is_kept_where_one_is_required(plane: Plane, enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    require_factor(plane, ada)
    before = ada.events()
    assert "set up another before" in ada.post("/account/factors/app/remove", 409)
    assert ada.events() == before
    ada.post(POLICY, data={**WANTED, "second_factor": ""})
    ada.post("/account/factors/app/remove")


def test_nobody_locks_themselves_out_by_asking_for_what_they_do_not_have(enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    assert "of your own first" in ada.post(POLICY, 409, data=WANTED)
    assert ada.events() == before


def test_the_policy_is_shown_and_changed_with_a_fresh_proof(plane: Plane, enter: Enter, scene: Scene) -> None:
    ada, bob = enter(scene.operator), enter(scene.operator, DEVELOPER, email="bob@example.com")
    give_password(plane, ada)
    page = ada.get(POLICY)
    assert "2 of 2" in page
    assert "bob@example.com" in page
    assert "Members without a second factor" not in bob.get(POLICY)
    wanted = {"idle_minutes": "30", "absolute_minutes": "90"}
    assert "No role of yours" in bob.post(POLICY, 403, data=wanted)
    for wrong in ({**wanted, "idle_minutes": "4"}, {**wanted, "idle_minutes": "x"}, {**wanted, "absolute_minutes": ""}):
        assert 'role="alert"' in ada.post(POLICY, 400, data=wrong)
    plane.clock.advance(STEP_UP_LIFETIME)
    assert ada.send("/session/renew").status_code == 204
    assert "fresh proof" in ada.post(POLICY, 403, data=wanted)
    assert "organization.sign_in_policy_change" not in ada.events()
    ada.post(POLICY, data={**wanted, "current_password": PASSWORD})
    assert ada.events()[-1] == "organization.sign_in_policy_change"
    page = re.sub(r"\s+", " ", ada.get(POLICY))
    assert "<dd>30 minutes</dd>" in page
    assert "after 90 minutes, after 30 minutes without use" in ada.get("/account")


def test_a_shorter_timeout_ends_another_browsers_session_on_its_next_request(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    other = stranger(app)
    form = {"email": EMAIL, "password": PASSWORD, **BINDING}
    assert other.post("/sign-in", data=form, headers=OURS).status_code == 303
    plane.clock.advance(timedelta(minutes=6))
    for client in (ada.client, other):
        assert client.post("/session/renew", data=BINDING, headers=OURS).status_code == 204
    assert ada.get("/people")
    ada.post(POLICY, data={"idle_minutes": "5", "absolute_minutes": "720"})
    assert other.get("/people").headers["location"] == "/sign-in"
    assert ada.get("/people")
