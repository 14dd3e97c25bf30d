"""Rotating keys in the console, and how long they may live."""

import re
from datetime import timedelta

from stronghouse.access import store
from stronghouse.access.model import ApiKey
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import ADMIN, DEVELOPER
from tests.console.conftest import Enter, assert_only_our_scripts
from tests.support.control_plane import NOW, Plane
from tests.unit.responsibility.findings.looks import Scene

POLICY = "/keys/policy"


def keys(plane: Plane, organization_id: str) -> list[ApiKey]:
    with plane.control.database.read() as connection:
        return store.keys(connection, organization_id=organization_id)


def made(plane: Plane, organization_id: str) -> ApiKey:
    plane.key(organization_id, DEVELOPER, name="deploy", expires_at=NOW + timedelta(days=100))
    (key,) = keys(plane, organization_id)
    return key


def test_a_successor_is_made_and_its_secret_shown_once(enter: Enter, scene: Scene, plane: Plane) -> None:
    key = made(plane, scene.operator)
    ada = enter(scene.operator)
    assert f'href="/keys/{key.id}/rotate"' in ada.get(f"/keys/{key.id}")
    form = ada.get(f"/keys/{key.id}/rotate")
    (form_id,) = re.findall(r'name="form_id" value="([^"]+)"', form)
    page = ada.post(f"/keys/{key.id}/rotate", 200, data={"overlap": "1", "form_id": form_id})
    assert_only_our_scripts(page)
    (secret,) = set(re.findall(r"sh_key_[0-9A-Za-z]{49}\b", page))
    assert f"stronghouse key rotate {key.id} --overlap 1h" in page
    old, new = sorted(keys(plane, scene.operator), key=lambda one: one.id != key.id)
    assert (new.name, new.role_ids) == ("deploy", key.role_ids)
    assert old.expires_at == plane.clock.now() + timedelta(hours=1)
    again = ada.post(f"/keys/{key.id}/rotate", 409, data={"form_id": form_id})
    assert "look at the list" in again
    for path in ("/keys", f"/keys/{new.id}", f"/keys/{old.id}", "/audit"):
        assert secret not in ada.get(path)


def test_a_key_that_does_not_work_is_not_rotated(enter: Enter, scene: Scene, plane: Plane) -> None:
    key = made(plane, scene.operator)
    ada = enter(scene.operator)
    ada.post(f"/keys/{key.id}/state", data={"state": "disabled"})
    assert f'href="/keys/{key.id}/rotate"' not in ada.get(f"/keys/{key.id}")
    assert "nothing to overlap" in ada.post(f"/keys/{key.id}/rotate", 409, data={"form_id": "x"})
    assert "The form was not filled in" in ada.post(f"/keys/{key.id}/rotate", 400, data={"overlap": "2"})
    assert len(keys(plane, scene.operator)) == 1


def test_the_maximum_is_set_shown_and_kept_to(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    assert "no maximum lifetime" in ada.get("/keys")
    ada.post(POLICY, data={"days": " 60 "})
    assert "at most 60 days" in ada.get("/keys?done=policy")
    assert 'value="60"' in ada.get(POLICY)
    refused = ada.post("/keys/new", 400, data={"name": "ci", "role": ADMIN.id, "expiry": "90", "form_id": "a"})
    assert "at most 60 days" in refused
    assert 'aria-invalid="true"' in refused
    assert "sh_key_" in ada.post(
        "/keys/new", 200, data={"name": "ci", "role": ADMIN.id, "expiry": "30", "form_id": "b"}
    )
    for wrong in ("0", "-1", "x", "4000", "6.5", "٦"):
        assert "1 to 3650" in ada.post(POLICY, 400, data={"days": wrong})
    ada.post(POLICY, data={"days": ""})
    assert "no maximum lifetime" in ada.get("/keys")
    assert ada.events().count("key_policy.update") == 2


def test_the_maximum_is_set_by_who_manages_the_organization(enter: Enter, scene: Scene) -> None:
    dev = enter(scene.operator, DEVELOPER)
    for page in (dev.get(POLICY, 403), dev.post(POLICY, 403, data={"days": "3"})):
        assert Permission.ORGANIZATION_MANAGE.value in page or Permission.API_KEYS_VIEW.value in page


def test_both_need_a_fresh_proof(enter: Enter, scene: Scene, plane: Plane) -> None:
    key = made(plane, scene.operator)
    ada = enter(scene.operator)
    plane.clock.advance(timedelta(minutes=11))
    ada.post(POLICY, 403, data={"days": "3"})
    ada.post(f"/keys/{key.id}/rotate", 403, data={"form_id": "x"})
    assert keys(plane, scene.operator) == [key]
