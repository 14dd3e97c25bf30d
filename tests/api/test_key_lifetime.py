"""API keys: how long they may live, successors, and secrets that scanners know."""

import base64
import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stronghouse.access.api_keys import hash_text
from stronghouse.access.key_secrets import new_key_secret
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import ADMIN, DEVELOPER
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.secret import Secret
from tests.api.test_roles import Office, allow
from tests.support.control_plane import NOW, Plane

DOCUMENT = (Path(__file__).parents[2] / "docs/reference/key-secrets.md").read_text()
DAY = timedelta(days=1)
OPEN = [{"source": "127.0.0.0/8", "description": "here"}]


@pytest.fixture
def office(plane: Plane) -> Office:
    return Office(plane)


def set_maximum(office: Office, days: object) -> Any:
    return office.call("PUT", "/keyPolicy", json={"maximumLifetimeDays": days})


def make(office: Office, days: int | None = None, **more: Any) -> Any:
    end = {} if days is None else {"expireAt": rfc3339(NOW + days * DAY)}
    body = {"name": "ci", "assignedRoleIds": [DEVELOPER.id], "ipAccessList": OPEN, **end, **more}
    return office.call("POST", "/keys", json=body)


def rotate(office: Office, key_id: str, auth: Any = None, **body: Any) -> Any:
    return office.call("POST", f"/keys/{key_id}/rotate", auth, json=body)


def works(office: Office, made: dict[str, Any]) -> bool:
    return bool(office.call("GET", "/services", (made["keyId"], made["keySecret"])).status_code == 200)


def codes(office: Office) -> list[str]:
    """Newest first."""
    return [one["code"] for one in office.call("GET", "/auditLog").json()["result"]]


def test_no_key_is_made_to_live_longer_than_the_maximum(office: Office) -> None:
    assert office.call("GET", "/keyPolicy").json()["result"] == {"maximumLifetimeDays": None}
    assert make(office).status_code == 200
    assert set_maximum(office, 90).json()["result"] == {"maximumLifetimeDays": 90}
    for beyond in (make(office), make(office, 91)):
        assert (beyond.status_code, "at most 90 days" in beyond.text) == (400, True)
    assert "2027-02-21T12:00:00Z" in make(office, 91).text
    assert make(office, 90).status_code == 200
    assert set_maximum(office, None).json()["result"] == {"maximumLifetimeDays": None}
    assert make(office).status_code == 200
    assert codes(office).count("key_policy.update") == 2


def test_a_key_gets_no_later_end_beyond_the_maximum_but_always_a_nearer_one(office: Office, plane: Plane) -> None:
    endless = make(office).json()["result"]["key"]["id"]
    within = make(office, 30).json()["result"]["key"]["id"]
    set_maximum(office, 90)
    plane.clock.advance(80 * DAY)

    def end(key_id: str, days: int | None) -> int:
        body = {"expireAt": None if days is None else rfc3339(NOW + days * DAY)}
        return int(office.call("PATCH", f"/keys/{key_id}", json=body).status_code)

    assert office.call("PATCH", f"/keys/{endless}", json={"name": "as long as it was"}).status_code == 200
    assert end(endless, None) == 200  # it had no end
    assert end(endless, 200) == 200  # nearer than none
    assert end(endless, 201) == 400
    assert end(endless, None) == 400
    assert end(endless, 95) == 200
    assert end(within, 90) == 200
    assert end(within, 91) == 400
    assert end(within, None) == 400


@pytest.mark.parametrize("days", [0, -1, 3651, 1.5, "many", [90]])
def test_a_maximum_is_a_number_of_days(office: Office, days: object) -> None:
    assert set_maximum(office, days).status_code == 400
    assert office.call("PUT", "/keyPolicy", json={}).status_code == 400


def test_the_same_maximum_again_is_no_change(office: Office) -> None:
    set_maximum(office, 90)
    before = len(codes(office))
    set_maximum(office, 90.0)
    assert len(codes(office)) == before


def test_both_keys_work_until_the_overlap_ends(office: Office, plane: Plane) -> None:
    old = make(office, 100).json()["result"]
    plane.clock.advance(40 * DAY)
    done = rotate(office, old["key"]["id"], overlapMinutes=60).json()["result"]
    assert done["keyId"] != old["keyId"]
    assert works(office, old)
    assert works(office, done)
    new, predecessor = done["key"], done["predecessor"]
    for same in ("name", "assignedRoles", "ipAccessList", "state"):
        assert new[same] == old["key"][same]
    assert new["expireAt"] == rfc3339(NOW + 140 * DAY)
    assert predecessor["id"] == old["key"]["id"]
    assert predecessor["name"] == "ci (until 2027-01-02 13:00)"
    assert predecessor["expireAt"] == rfc3339(NOW + 40 * DAY + timedelta(hours=1))
    plane.clock.advance(timedelta(hours=1))
    assert not works(office, old)
    assert works(office, done)
    assert codes(office).count("api_key.rotate") == 1
    again = rotate(office, old["key"]["id"])
    assert (again.status_code, "has ended" in again.text) == (409, True)


def test_a_successor_ends_within_the_maximum_and_the_old_key_no_later_than_it_would(office: Office) -> None:
    endless, short = (make(office, days).json()["result"]["key"]["id"] for days in (None, 1))
    kept = rotate(office, endless).json()["result"]
    assert kept["key"]["expireAt"] is None
    assert kept["predecessor"]["expireAt"] == rfc3339(NOW + DAY)
    set_maximum(office, 90)
    assert rotate(office, kept["key"]["id"]).json()["result"]["key"]["expireAt"] == rfc3339(NOW + 90 * DAY)
    done = rotate(office, short, overlapMinutes=10 * 1440).json()["result"]
    assert done["predecessor"]["expireAt"] == rfc3339(NOW + DAY)


def test_a_key_may_rotate_itself(office: Office) -> None:
    old = make(office, 100, assignedRoleIds=[ADMIN.id]).json()["result"]
    done = rotate(office, old["key"]["id"], (old["keyId"], old["keySecret"])).json()["result"]
    assert works(office, done)
    assert works(office, old)


def test_hashes_of_ones_own_are_taken_and_nothing_is_shown(office: Office) -> None:
    old = make(office, 100).json()["result"]["key"]["id"]
    texts = "theirkeyid1234567890", "their-secret"
    hashed = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
    data = {"keyIdHash": hashed[0], "keyIdSuffix": "7890", "keySecretHash": hashed[1]}
    done = rotate(office, old, hashData=data).json()["result"]
    assert set(done) == {"key", "predecessor"}
    assert works(office, {"keyId": texts[0], "keySecret": texts[1]})


def test_who_may_make_keys_and_not_change_them_rotates_none(office: Office) -> None:
    old = make(office, 100).json()["result"]["key"]["id"]
    create, update = Permission.API_KEYS_CREATE.value, Permission.API_KEYS_UPDATE.value
    place = f"organization/{office.id}"
    _, maker = office.holder(office.role(allow(create, on=place), name="Makers")["id"])
    assert rotate(office, old, maker).status_code == 403
    powerless = make(office, 100, assignedRoleIds=[], name="nothing").json()["result"]["key"]["id"]
    refused = rotate(office, powerless, maker)
    assert (refused.status_code, update in refused.text) == (403, True)
    _, lesser = office.holder(office.role(allow(create, update, on=place), name="Lesser")["id"])
    denied = rotate(office, old, lesser)
    assert (denied.status_code, "cannot give" in denied.text) == (403, True)
    (kept,) = (one for one in office.call("GET", "/keys").json()["result"] if one["id"] == old)
    assert (kept["name"], kept["expireAt"]) == ("ci", rfc3339(NOW + 100 * DAY))


def test_what_cannot_be_rotated_is_left_alone(office: Office) -> None:
    old = make(office, 100).json()["result"]["key"]["id"]
    wrong: list[dict[str, Any]] = [{"overlapMinutes": number} for number in (0, 43201, "x")]
    for body in (*wrong, {"hashData": {}}):
        assert rotate(office, old, **body).status_code == 400
    office.call("PATCH", f"/keys/{old}", json={"state": "disabled"})
    assert rotate(office, old).status_code == 409
    assert rotate(Office(office.plane), old).status_code == 404
    assert len(office.call("GET", "/keys").json()["result"]) == 2


def test_a_long_name_is_cut_for_the_old_key(office: Office) -> None:
    old = make(office, 100, name="n" * 256).json()["result"]["key"]["id"]
    done = rotate(office, old).json()["result"]
    assert (done["key"]["name"], len(done["predecessor"]["name"])) == ("n" * 256, 256)


def test_scanners_tell_secrets_from_look_alikes_as_the_documentation_says(office: Office) -> None:
    (pattern,) = re.findall(r"```text\n(.*)\n```", DOCUMENT)
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - the program that the page shows
    of_api = make(office).json()["result"]["keySecret"]
    found = [of_api, *(new_key_secret().reveal() for _ in range(500))]
    assert len(set(found)) == len(found)
    for secret in found:
        assert re.search(pattern, f"SECRET={secret}\n")
        assert names["is_key_secret"](secret)
        other = "A" if secret[20] != "A" else "B"
        assert not names["is_key_secret"](f"{secret[:20]}{other}{secret[21:]}")
        assert not names["is_key_secret"](secret[:-1] + ("0" if secret[-1] != "0" else "1"))


def test_a_secret_of_the_old_form_goes_on_working(office: Office) -> None:
    secret = Secret.generate(prefix="sh_").reveal()
    data = {"keyIdHash": hash_text("x" * 20), "keyIdSuffix": "xxxx", "keySecretHash": hash_text(secret)}
    assert make(office, hashData=data).status_code == 200
    assert works(office, {"keyId": "x" * 20, "keySecret": secret})
