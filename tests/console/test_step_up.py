"""What touches keys, opens the network or destroys something needs a proof that is younger than ten minutes."""

from datetime import timedelta

import pytest

from stronghouse.access.authentication import STEP_UP_LIFETIME
from stronghouse.access.model import Source
from stronghouse.access.roles.system import ADMIN, DEVELOPER
from stronghouse.services import actions
from stronghouse.services.access_preview import list_version
from stronghouse.services.requests import ServiceRequest
from tests.console.conftest import Enter, Visitor
from tests.console.test_keys import PASSWORD, form, give_password, hidden, keys_of
from tests.support.control_plane import CONTEXT, Plane
from tests.unit.responsibility.findings.looks import Scene

LATER = STEP_UP_LIFETIME + timedelta(seconds=1)


def service(plane: Plane, organization_id: str, *sources: Source) -> str:
    wanted = ServiceRequest(name="orders", ip_access=sources)
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        return actions.create_service(uow, wanted, organization_id=organization_id, now=plane.clock.now()).service.id


def grown_old(plane: Plane, ada: Visitor) -> None:
    """Let the last proof grow too old, while her page keeps the cookie young."""
    give_password(plane, ada)
    plane.clock.advance(LATER)
    assert ada.send("/session/renew").status_code == 204


def test_a_list_is_opened_only_with_a_fresh_proof(plane: Plane, enter: Enter, scene: Scene) -> None:
    ada, here = enter(scene.operator), Source("192.0.2.1")
    one = service(plane, scene.operator, here)
    grown_old(plane, ada)
    wanted = {"step": "apply", "entries": "0.0.0.0/0 all", "base": "192.0.2.1", "version": list_version((here,))}
    before = ada.events()
    assert "current_password" in ada.post(f"/services/{one}/access", 200, data={**wanted, "step": "preview"})
    ada.post(f"/services/{one}/access", 403, data=wanted)
    assert ada.events() == before
    ada.post(f"/services/{one}/access", data={**wanted, "current_password": PASSWORD})
    assert ada.events()[len(before) :] == ["user.step_up", "service.ip_access_change"]


def test_a_channel_is_removed_only_with_a_fresh_proof(plane: Plane, enter: Enter, scene: Scene) -> None:
    ada = enter(scene.operator)
    new = {"name": "on call", "url": "jsons://hooks.example.com/x", "severity": "high", "mode": "hourly"}
    ada.post("/notifications", data=new)
    with plane.control.database.read() as connection:
        (one,) = connection.exec_driver_sql("SELECT id FROM notification_channel").scalars()
    grown_old(plane, ada)
    before = ada.events()
    assert "current_password" in ada.get("/notifications")
    ada.post(f"/notifications/{one}/remove", 403)
    assert ada.events() == before
    ada.post(f"/notifications/{one}/remove", data={"current_password": PASSWORD})
    assert ada.events()[len(before) :] == ["user.step_up", "notification_channel.remove"]


def test_a_form_made_for_another_state_of_a_key_is_stale_before_anything_else(
    plane: Plane, enter: Enter, scene: Scene
) -> None:
    """Else a form for the key's next state would be applied without a proof, once somebody brings that state about."""
    ada = enter(scene.operator)
    plane.key(scene.operator, DEVELOPER, name="deploy")
    path = f"/keys/{keys_of(plane, scene.operator)['deploy'].id}/change"
    ahead = hidden(ada.post(path, 200, data=form(name="deploy", role=[ADMIN.id], sources="127.0.0.0/8", expiry="keep")))
    grown_old(plane, ada)
    assert "Somebody changed this key" in ada.post(path, 409, data={**ahead, "version": "0" * 64})
    ada.post(path, 403, data=ahead)
    assert keys_of(plane, scene.operator)["deploy"].role_ids == (DEVELOPER.id,)


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
@pytest.mark.parametrize("path", ["/documents/{}/file", "/packages/{}/file", "/audit/export?format=csv"])
def test_a_download_is_not_taken_for_a_page_of_another_origin(
    plane: Plane, enter: Enter, scene: Scene, path: str, site: str
) -> None:
    """It is recorded who took a file: another port must not have somebody take one by an image."""
    ada = enter(scene.operator)
    before = ada.events()
    where = path.format("00000000-0000-4000-8000-000000000000")
    assert "Another site asked for this file" in ada.get(where, 403, headers={"sec-fetch-site": site})
    assert ada.events() == before
