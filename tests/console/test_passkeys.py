"""Passkeys in the console, with an authenticator in software that can also lie."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stronghouse.access.authentication import STEP_UP_LIFETIME
from stronghouse.access.factors.challenges import LIFETIME
from stronghouse.access.factors.passkeys import MAX_PASSKEYS
from tests.console.conftest import BINDING, OURS, Enter, Visitor
from tests.console.test_keys import PASSWORD, give_password
from tests.console.test_second_factors import EMAIL, last_event, shown, stranger, token_in
from tests.support.control_plane import CONSOLE_URL, Plane
from tests.support.second_factors import Authenticator, encoded
from tests.unit.responsibility.findings.looks import Scene

REFUSED = "This passkey was not accepted."


def offer(ada: Visitor) -> dict[str, Any]:
    answer = ada.send("/account/factors/passkeys/offer")
    assert answer.status_code == 200, answer.text
    asked: dict[str, Any] = answer.json()
    return asked


def register(ada: Visitor, key: Authenticator | None = None, name: str = "laptop") -> tuple[Authenticator, list[str]]:
    """Add a passkey; it, and the recovery codes if they came with it."""
    key, asked = key or Authenticator(CONSOLE_URL), offer(ada)
    form = {"challenge": asked["challenge"], "answer": key.make(asked["options"]), "name": name}
    answer = ada.send("/account/factors/passkeys", data=form)
    assert answer.status_code in {200, 303}, answer.text
    return key, shown(answer.text, "codes").split("\n") if answer.status_code == 200 else []


def challenge(client: TestClient, path: str = "/sign-in/passkey/challenge") -> dict[str, Any]:
    answer = client.post(path, data=BINDING, headers=OURS)
    assert answer.status_code == 200, answer.text
    asked: dict[str, Any] = answer.json()
    return asked


def sign_in(client: TestClient, token: str, answer: str) -> tuple[int, str]:
    form = {"challenge": token, "answer": answer, **BINDING}
    got = client.post("/sign-in/passkey", data=form, headers=OURS)
    return got.status_code, got.headers.get("location", "") or got.text


def test_a_passkey_is_added_and_signs_in_alone(plane: Plane, app: FastAPI, enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    before = ada.events()
    asked = offer(ada)
    told = asked["options"]
    assert told["rp"] == {"id": "localhost", "name": "Stronghouse"}
    assert told["authenticatorSelection"]["residentKey"] == "required"
    assert told["authenticatorSelection"]["userVerification"] == "required"
    key, codes = register(ada)
    assert len(codes) == 10
    assert ada.events()[len(before) :] == ["user.factor_enroll", "user.recovery_codes_make"]
    client = stranger(app)
    asked = challenge(client)
    assert asked["options"].get("allowCredentials", []) == []
    assert asked["options"]["userVerification"] == "required"
    key.counter += 1
    assert sign_in(client, asked["challenge"], key.sign(asked["options"])) == (303, "/")
    assert client.get("/").status_code == 200
    told = last_event(plane, "user.sign_in")
    assert (told["method"], told["second_factor"], told["user_id"]) == ("passkey", "passkey", ada.user_id)
    assert "laptop" in client.get("/account/factors").text


def test_after_a_password_the_passkey_or_a_recovery_code_is_asked_for(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    _, codes = register(ada)
    client = stranger(app)
    page = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD, **BINDING}, headers=OURS)
    assert (page.status_code, "Sign in with a passkey" in page.text) == (200, True)
    form = {"token": token_in(page.text), "code": codes[0], **BINDING}
    assert client.post("/sign-in/second-factor", data=form, headers=OURS).status_code == 303


Lie = Callable[[Authenticator, dict[str, Any]], str]


def unverified(key: Authenticator, options: dict[str, Any]) -> str:
    key.verified = False
    return key.sign(options)


def of_another_party(key: Authenticator, options: dict[str, Any]) -> str:
    key.rp_id = "example.com"
    return key.sign(options)


def of_another_key(key: Authenticator, options: dict[str, Any]) -> str:
    return Authenticator(CONSOLE_URL, id=key.id, owner=key.owner).sign(options)


def foreign(key: Authenticator, options: dict[str, Any]) -> str:
    return Authenticator(CONSOLE_URL, owner=key.owner).sign(options)


def of_somebody_else(key: Authenticator, options: dict[str, Any]) -> str:
    key.owner = bytes(16)
    return key.sign(options)


def of_nobody(key: Authenticator, options: dict[str, Any]) -> str:
    answer = json.loads(key.sign(options))
    del answer["response"]["userHandle"]
    return json.dumps(answer)


def without_a_signature(key: Authenticator, options: dict[str, Any]) -> str:
    answer = json.loads(key.sign(options))
    answer["response"]["signature"] = encoded(b"")
    return json.dumps(answer)


LIES: dict[str, Lie] = {
    "wrong origin": lambda key, options: key.sign(options, origin="https://localhost:8444"),
    "origin of a look-alike": lambda key, options: key.sign(options, origin=CONSOLE_URL + ".example.com"),
    "wrong challenge": lambda key, options: key.sign({**options, "challenge": encoded(bytes(32))}),
    "a registration's kind": lambda key, options: key.sign(options, type="webauthn.create"),
    "person not verified": unverified,
    "another relying party": of_another_party,
    "another key under the same id": of_another_key,
    "foreign credential": foreign,
    "another person's handle": of_somebody_else,
    "no handle": of_nobody,
    "no signature": without_a_signature,
    "no JSON": lambda *_: "{",
    "not an object": lambda *_: "[]",
    "nothing": lambda *_: "",
    "other types": lambda *_: '{"id": 1, "rawId": [], "response": {"clientDataJSON": {}}, "type": "public-key"}',
    "deep": lambda *_: "[" * 8000,
}


@pytest.mark.parametrize("lie", LIES)
def test_no_other_answer_signs_in_and_all_are_told_the_same(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene, lie: str
) -> None:
    ada = enter(scene.operator)
    key, _ = register(ada)
    key.counter += 1
    client = stranger(app)
    asked = challenge(client)
    status, page = sign_in(client, asked["challenge"], LIES[lie](key, asked["options"]))
    assert (status, REFUSED in page) == (401, True), page
    assert ada.events()[-1] == "user.sign_in_fail"
    assert client.get("/").headers["location"] == "/sign-in"


def test_an_answer_works_once_and_not_for_long(plane: Plane, app: FastAPI, enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    key, _ = register(ada)
    key.counter = 0  # one that does not count: nothing but the challenge tells an answer from its replay
    with plane.control.database.write() as connection:
        connection.exec_driver_sql("UPDATE passkey SET sign_count = 0")
    client, asked = stranger(app), challenge(stranger(app))
    answer = key.sign(asked["options"])
    assert sign_in(client, asked["challenge"], answer)[0] == 303
    status, page = sign_in(stranger(app), asked["challenge"], answer)
    assert (status, "sent already" in page) == (401, True)
    assert "user.passkey_refuse" not in ada.events()
    late = challenge(client)
    plane.clock.advance(LIFETIME)
    assert sign_in(client, late["challenge"], key.sign(late["options"]))[0] == 401
    other = challenge(client)
    assert sign_in(client, late["challenge"], key.sign(other["options"]))[0] == 401
    assert sign_in(client, other["challenge"], key.sign(other["options"]))[0] == 303


def test_a_challenge_for_one_thing_is_not_good_for_another(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene
) -> None:
    ada = enter(scene.operator)
    key, _ = register(ada)
    key.counter += 1
    proof = challenge(ada.client, "/account/factors/proof/challenge")
    assert sign_in(stranger(app), proof["challenge"], key.sign(proof["options"]))[0] == 401
    made = Authenticator(CONSOLE_URL).make({**proof["options"], "user": offer(ada)["options"]["user"]})
    form = {"challenge": proof["challenge"], "answer": made, "name": "x"}
    assert "try again" in ada.post("/account/factors/passkeys", 400, data=form)
    entry = challenge(stranger(app))
    form = {"challenge": entry["challenge"], "answer": key.sign(entry["options"])}
    assert ada.send("/account/factors/proof", data=form).status_code == 401
    form = {"challenge": entry["challenge"], "answer": Authenticator(CONSOLE_URL).make(offer(ada)["options"])}
    assert "try again" in ada.post("/account/factors/passkeys", 400, data={**form, "name": "x"})


@pytest.mark.parametrize(("counted", "status"), [(2, 303), (1, 401), (0, 401)])
def test_a_counter_that_does_not_go_on_tells_of_a_copy(
    plane: Plane, app: FastAPI, enter: Enter, scene: Scene, counted: int, status: int
) -> None:
    ada = enter(scene.operator)
    key, _ = register(ada)
    client, asked = stranger(app), challenge(stranger(app))
    key.counter = counted
    got, page = sign_in(client, asked["challenge"], key.sign(asked["options"]))
    assert got == status
    refused = "user.passkey_refuse" in ada.events()
    assert (refused, "as a copy" in page) == (status == 401, status == 401)


@pytest.mark.parametrize(
    ("changes", "lie"),
    [
        ({"origin": "https://localhost:8444"}, {}),
        ({"challenge": encoded(bytes(32))}, {}),
        ({"type": "webauthn.get"}, {}),
        ({}, {"verified": False}),
        ({}, {"rp_id": "example.com"}),
    ],
)
def test_no_passkey_is_kept_of_a_wrong_answer(
    enter: Enter, scene: Scene, changes: dict[str, Any], lie: dict[str, Any]
) -> None:
    ada = enter(scene.operator)
    before, asked = ada.events(), offer(ada)
    answer = Authenticator(CONSOLE_URL, **lie).make(asked["options"], **changes)
    form = {"challenge": asked["challenge"], "answer": answer, "name": "x"}
    assert "not accepted" in ada.post("/account/factors/passkeys", 400, data=form)
    for junk in ("", "{", "[]", '{"id": 1}', "[" * 8000):
        ada.post("/account/factors/passkeys", 400, data={**form, "answer": junk})
    assert ada.events() == before


def test_a_passkey_is_kept_once_under_a_name_and_by_who_was_offered_it(enter: Enter, scene: Scene) -> None:
    ada, eve = enter(scene.operator), enter(scene.operator, email="eve@example.com")
    key, _ = register(ada)
    asked = offer(ada)
    assert [one["id"] for one in asked["options"]["excludeCredentials"]] == [encoded(key.id)]
    form = {"challenge": asked["challenge"], "answer": key.make(asked["options"]), "name": "again"}
    assert "known already" in ada.post("/account/factors/passkeys", 400, data=form)
    new = Authenticator(CONSOLE_URL)
    form["answer"] = new.make(asked["options"])
    assert "try again" in eve.post("/account/factors/passkeys", 400, data=form)
    for name in ("", "x" * 65, "a\nb"):
        assert "printable" in ada.post("/account/factors/passkeys", 400, data={**form, "name": name})
    ada.post("/account/factors/passkeys", data=form)
    assert "sent already" in ada.post("/account/factors/passkeys", 400, data=form)
    for _ in range(MAX_PASSKEYS - 2):
        register(ada)
    asked = offer(ada)
    form = {"challenge": asked["challenge"], "answer": Authenticator(CONSOLE_URL).make(asked["options"]), "name": "x"}
    assert "remove one first" in ada.post("/account/factors/passkeys", 429, data=form)


def test_adding_and_removing_one_needs_a_fresh_proof_which_a_passkey_gives(
    plane: Plane, enter: Enter, scene: Scene
) -> None:
    ada, eve = enter(scene.operator), enter(scene.operator, email="eve@example.com")
    key, _ = register(ada)
    others, _ = register(eve)
    plane.clock.advance(STEP_UP_LIFETIME + timedelta(seconds=1))
    assert ada.send("/session/renew").status_code == 204
    (path,) = set(re.findall(r"/account/factors/passkeys/[0-9a-f-]+/remove", ada.get("/account/factors")))
    assert "fresh proof" in ada.post(path, 403)
    asked = offer(ada)
    form = {"challenge": asked["challenge"], "answer": Authenticator(CONSOLE_URL).make(asked["options"]), "name": "x"}
    assert "fresh proof" in ada.post("/account/factors/passkeys", 403, data=form)
    asked = challenge(ada.client, "/account/factors/proof/challenge")
    key.counter, others.counter = 7, 7
    before = ada.events()
    proof = {"challenge": asked["challenge"], "answer": others.sign(asked["options"])}
    assert ada.send("/account/factors/proof", data=proof).status_code == 401
    assert ada.events()[len(before) :] == ["user.step_up_fail"]
    ada.post(path, 403)
    proof["answer"] = key.sign(asked["options"])
    assert ada.send("/account/factors/proof", data=proof).status_code == 204
    ada.post(path)
    assert ada.events()[-2:] == ["user.step_up", "user.factor_remove"]
    assert "none yet" in ada.get("/account")
    ada.post(path, 404)
