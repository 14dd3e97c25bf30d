"""Second factors in the console: setting them up, signing in with them, proving them once more, losing them."""

import html
import re
from datetime import timedelta

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stronghouse.access import people
from stronghouse.access.attempts import OF_ACCOUNT, OF_CODES
from stronghouse.access.authentication import STEP_UP_LIFETIME
from stronghouse.audit import store as audit_store
from stronghouse.kernel.canonical import Json
from tests.console.conftest import BINDING, OURS, Enter, Visitor, assert_only_our_scripts
from tests.console.test_keys import PASSWORD, give_password
from tests.support.control_plane import CONTEXT, Plane
from tests.support.second_factors import Phone
from tests.unit.responsibility.findings.looks import Scene

EMAIL = "ada@example.com"
STEP = timedelta(seconds=30)
QR = re.compile(r'<svg viewBox="0 0 \d+ \d+" class="segno">')


def token_in(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None, page
    return html.unescape(found[1])


def shown(page: str, element: str) -> str:
    found = re.search(rf'<pre id="{element}"[^>]*>([^<]+)</pre>', page)
    assert found is not None, page
    return html.unescape(found[1])


def set_up(plane: Plane, ada: Visitor) -> tuple[Phone, list[str]]:
    """Set up an app; the phone and the recovery codes."""
    page = ada.get("/account/factors/app")
    phone = Phone(shown(page, "app-secret"))
    form = {"token": token_in(page), "code": phone.code(plane.clock.now())}
    return phone, shown(ada.post("/account/factors/app", 200, data=form), "codes").split("\n")


def stranger(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="https://localhost:8441", follow_redirects=False)


def link(plane: Plane) -> str:
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        return people.issue_sign_in_link(uow, email=EMAIL, now=plane.clock.now()).reveal()


def first_step(plane: Plane, app: FastAPI, method: str = "password") -> tuple[TestClient, str]:
    """A browser that has shown a password or a link, and the token of its sign-in."""
    client = stranger(app)
    if method == "password":
        answer = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD, **BINDING}, headers=OURS)
    else:
        answer = client.post("/sign-in/link", data={"token": link(plane), **BINDING}, headers=OURS)
    assert answer.status_code == 200, answer.text
    assert "set-cookie" not in answer.headers
    return client, token_in(answer.text)


def second_step(client: TestClient, token: str, code: str, **headers: str) -> tuple[int, str]:
    form = {"token": token, "code": code, **BINDING}
    answer = client.post("/sign-in/second-factor", data=form, headers={**OURS, **headers})
    return answer.status_code, answer.headers.get("location", "") or answer.text


def last_event(plane: Plane, code: str) -> dict[str, Json]:
    with plane.control.database.read() as connection:
        *_, last = audit_store.entries_of(connection, [code])
        data = last.event()["data"]
    assert isinstance(data, dict)
    return data


def test_an_app_is_set_up_by_its_first_code_and_ten_codes_are_shown_once(
    plane: Plane, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    page = ada.get("/account/factors/app")
    assert_only_our_scripts(page)
    assert QR.search(page)
    phone = Phone(shown(page, "app-secret"))
    form = {"token": token_in(page), "code": "000000"}
    assert "not the code that the app shows" in ada.post("/account/factors/app", 400, data=form)
    assert ada.events() == before
    done = ada.post("/account/factors/app", 200, data={**form, "code": phone.code(plane.clock.now())})
    codes = shown(done, "codes").split("\n")
    assert (len(codes), len(set(codes))) == (10, 10)
    assert ada.events()[len(before) :] == ["user.factor_enroll", "user.recovery_codes_make"]
    page = ada.get("/account/factors")
    assert "10 of 10 are left" in page
    assert not [code for code in codes if code in page]
    with plane.control.database.read() as connection:
        for table in ("authenticator_app", "recovery_code", "audit_entry"):
            text = str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
            assert not [one for one in (phone.text, *codes) if one in text or one.replace("-", "") in text]


def test_a_secret_that_another_session_was_offered_is_not_taken(plane: Plane, enter: Enter, scene: Scene) -> None:
    ada, eve = enter(scene.operator), enter(scene.operator, email="eve@example.com")
    page = eve.get("/account/factors/app")
    code = Phone(shown(page, "app-secret")).code(plane.clock.now())
    for token in (token_in(page), token_in(page)[:-4] + "AAA=", "?", ""):
        assert "another session" in ada.post("/account/factors/app", 400, data={"token": token, "code": code})
    assert "user.factor_enroll" not in ada.events()


def test_setting_up_an_app_needs_a_fresh_proof_and_ends_the_other_sessions(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    other = stranger(app)
    other.post("/sign-in", data={"email": EMAIL, "password": PASSWORD, **BINDING}, headers=OURS)
    assert other.get("/account").status_code == 200
    plane.clock.advance(STEP_UP_LIFETIME)
    assert ada.send("/session/renew").status_code == 204
    page = ada.get("/account/factors/app")
    assert "Your password" in page
    form = {"token": token_in(page), "code": Phone(shown(page, "app-secret")).code(plane.clock.now())}
    assert "fresh proof" in ada.post("/account/factors/app", 403, data=form)
    assert "user.factor_enroll" not in ada.events()
    ada.post("/account/factors/app", 200, data={**form, "current_password": PASSWORD})
    assert other.get("/account").headers["location"] == "/sign-in"
    ada.get("/account")


@pytest.mark.parametrize("method", ["password", "link"])
def test_signing_in_asks_for_the_code_after_the_password_or_the_link(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene, method: str
) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    phone, _ = set_up(plane, ada)
    plane.clock.advance(STEP)
    before = ada.events()
    client, token = first_step(plane, app, method)
    assert client.get("/").headers["location"] == "/sign-in"
    assert ada.events()[len(before) + (method == "link") :] == ["user.second_factor_ask"]
    assert second_step(client, token, "000000")[0] == 401
    assert second_step(client, token, phone.code(plane.clock.now())) == (303, "/")
    assert client.get("/").status_code == 200
    told = last_event(plane, "user.sign_in")
    assert (told["method"], told["second_factor"]) == (method, "authenticator_app")
    assert second_step(stranger(app), token, phone.code(plane.clock.now() + STEP))[0] == 401


def test_a_code_works_once_and_so_does_the_one_before(plane: Plane, app: FastAPI, enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    phone, _ = set_up(plane, ada)
    now = plane.clock.now()
    for old in (phone.code(now), phone.code(now - STEP)):  # the first one set it up
        assert second_step(*first_step(plane, app), old)[0] == 401
    ahead = phone.code(now + STEP)
    assert second_step(*first_step(plane, app), ahead)[0] == 303
    assert second_step(*first_step(plane, app), ahead)[0] == 401


def test_a_recovery_code_signs_in_once_however_it_is_typed(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    _, codes = set_up(plane, ada)
    assert second_step(*first_step(plane, app), codes[0].upper().replace("-", " "))[0] == 303
    assert last_event(plane, "user.recovery_code_use")["left"] == 9
    assert last_event(plane, "user.sign_in")["second_factor"] == "recovery_code"
    assert second_step(*first_step(plane, app), codes[0])[0] == 401
    page = ada.get("/account/factors")
    assert "9 of 10" in page
    new = shown(ada.post("/account/factors/codes", 200, data={"form_id": "x"}), "codes").split("\n")
    assert "sent already" in ada.post("/account/factors/codes", 409, data={"form_id": "x"})
    assert second_step(*first_step(plane, app), codes[1])[0] == 401
    assert second_step(*first_step(plane, app), new[1])[0] == 303


def test_somebody_elses_codes_are_wrong(plane: Plane, app: FastAPI, enter: Enter, scene: Scene) -> None:
    ada, eve = enter(scene.operator), enter(scene.operator, email="eve@example.com")
    give_password(plane, ada)
    set_up(plane, ada)
    phone, codes = set_up(plane, eve)
    for code in (codes[0], phone.code(plane.clock.now() + STEP)):
        assert second_step(*first_step(plane, app), code)[0] == 401
    assert "user.recovery_code_use" not in ada.events()


def test_a_wrong_password_says_the_same_with_and_without_a_second_factor(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    set_up(plane, ada)

    def page(email: str) -> str:
        form = {"email": email, "password": "Wrong horse 7 battery", **BINDING}
        answer = stranger(app).post("/sign-in", data=form, headers=OURS)
        assert answer.status_code == 401
        return re.sub(r'nonce="[^"]+"', "", answer.text).replace(email, "…")

    assert page(EMAIL) == page("nobody@example.com")


def test_five_tries_or_ten_minutes_end_a_sign_in(plane: Plane, app: FastAPI, enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    phone, codes = set_up(plane, ada)
    plane.clock.advance(STEP)
    client, token = first_step(plane, app)
    for _ in range(people.MAX_TRIES):
        assert second_step(client, token, "000000")[0] == 401
    status, page = second_step(client, token, phone.code(plane.clock.now()))
    assert (status, "too many tries" in page) == (401, True)
    client, token = first_step(plane, app)
    plane.clock.advance(people.PENDING_LIFETIME)
    assert second_step(client, token, codes[0])[0] == 401
    assert ada.events().count("user.second_factor_fail") == 1
    client, token = first_step(plane, app)
    ada.client.post("/sign-out", data=BINDING, headers=OURS)
    assert second_step(client, token, codes[0])[0] == 303


def test_signing_out_everywhere_ends_what_waits_for_a_code(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    _, codes = set_up(plane, ada)
    client, token = first_step(plane, app)
    ada.post("/account/sign-out-everywhere")
    assert second_step(client, token, codes[0])[0] == 401


def test_guessing_codes_counts_in_the_same_lock_out_and_over_all_addresses(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    _, codes = set_up(plane, ada)
    statuses = []
    for turn in range(OF_CODES + 2):
        plane.clock.advance(timedelta(seconds=70))
        client, token = first_step(plane, app, "link")
        statuses.append(second_step(client, token, "000000", **{"x-sh-client-ip": f"198.51.100.{turn}"})[0])
    assert statuses == [401] * OF_CODES + [429] * 2
    assert second_step(*first_step(plane, app), codes[0])[0] == 303
    tried = 2  # the password and the recovery code, from one address for one account
    while tried < OF_ACCOUNT:
        client, token = first_step(plane, app, "link")
        for _ in range(min(people.MAX_TRIES, OF_ACCOUNT - tried)):
            assert second_step(client, token, codes[0])[0] == 401
            tried += 1
    assert second_step(*first_step(plane, app, "link"), codes[1])[0] == 429
    form = {"email": EMAIL, "password": PASSWORD, **BINDING}
    assert stranger(app).post("/sign-in", data=form, headers=OURS).status_code == 429


def test_who_has_a_second_factor_steps_up_with_it_and_not_with_the_password(
    plane: Plane, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    phone, codes = set_up(plane, ada)
    plane.clock.advance(STEP_UP_LIFETIME)
    assert ada.send("/session/renew").status_code == 204
    page = ada.get("/account/factors")
    assert "one of your recovery codes" in page
    assert "Your password" not in page
    before = ada.events()
    for wrong, status in (("", 403), (PASSWORD, 403), ("000000", 403)):
        ada.post("/account/factors/codes", status, data={"form_id": f"x{wrong}", "current_password": wrong})
    assert ada.events()[len(before) :] == ["user.step_up_fail"]
    new = ada.post(
        "/account/factors/codes",
        200,
        data={"form_id": "y", "current_password": phone.code(plane.clock.now())},
    )
    assert ada.events()[len(before) + 1 :] == ["user.step_up", "user.recovery_codes_make"]
    plane.clock.advance(STEP_UP_LIFETIME)
    assert ada.send("/session/renew").status_code == 204
    ada.post("/account/factors/codes", 403, data={"form_id": "z", "current_password": codes[0]})
    good = shown(new, "codes").split("\n")[3]
    ada.post("/account/factors/app/remove", data={"current_password": good})
    assert ada.events()[-3:] == ["user.recovery_code_use", "user.step_up", "user.factor_remove"]


def test_without_a_second_factor_any_more_a_password_is_enough_again(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    _, codes = set_up(plane, ada)
    ada.post("/account/factors/app/remove")
    assert "no authenticator app" in ada.post("/account/factors/app/remove", 409)
    assert "Set up a second factor" in ada.get("/account")
    client = stranger(app)
    answer = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD, **BINDING}, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    with plane.control.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM recovery_code").scalar_one() == 0
        assert connection.exec_driver_sql("SELECT second_factor FROM session").scalars().all() == [None, None]
    assert len(codes) == 10
    assert "set one up first" in ada.post("/account/factors/codes", 409, data={"form_id": "x"})


def test_another_app_takes_the_place_of_the_first(plane: Plane, app: FastAPI, enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    old, codes = set_up(plane, ada)
    page = ada.get("/account/factors/app")
    new = Phone(shown(page, "app-secret"))
    form = {"token": token_in(page), "code": new.code(plane.clock.now())}
    ada.post("/account/factors/app", data=form)
    assert "not the code" in ada.post("/account/factors/app", 400, data=form)  # sent again: the code is used up
    plane.clock.advance(STEP)
    assert second_step(*first_step(plane, app), old.code(plane.clock.now()))[0] == 401
    assert second_step(*first_step(plane, app), new.code(plane.clock.now()))[0] == 303
    assert second_step(*first_step(plane, app), codes[0])[0] == 303
