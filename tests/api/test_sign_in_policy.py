"""The sign-in policy in the API."""

import pytest

from stronghouse.access.roles.system import DEVELOPER
from stronghouse.audit import store as audit_store
from tests.support.control_plane import Plane

DEFAULT = {"secondFactorRequired": False, "idleTimeoutMinutes": 60, "absoluteTimeoutMinutes": 720}


def test_it_is_shown_and_changed(plane: Plane) -> None:
    mine, theirs = plane.organization(), plane.organization("Other")
    path, auth = f"/organizations/{mine}/signInPolicy", plane.admin(mine)
    assert plane.call("GET", path, auth).json()["result"] == DEFAULT
    wanted = {"secondFactorRequired": True, "idleTimeoutMinutes": 15}
    assert plane.call("PATCH", path, auth, json=wanted).json()["result"] == {**DEFAULT, **wanted}
    assert plane.call("GET", path, auth).json()["result"] == {**DEFAULT, **wanted}
    other = plane.call("GET", f"/organizations/{theirs}/signInPolicy", plane.admin(theirs))
    assert other.json()["result"] == DEFAULT
    with plane.control.database.read() as connection:
        (event,) = audit_store.entries_of(connection, ["organization.sign_in_policy_change"])
    assert event.organization_id == mine


@pytest.mark.parametrize(
    "wrong",
    [
        {"idleTimeoutMinutes": 4},
        {"absoluteTimeoutMinutes": 1441},
        {"idleTimeoutMinutes": 700, "absoluteTimeoutMinutes": 60},
        {"idleTimeoutMinutes": "15"},
        {"idleTimeoutMinutes": 15.5},
        {"secondFactorRequired": "yes"},
        {"secondFactorRequired": 1},
    ],
)
def test_what_is_no_policy_is_refused_and_nothing_changes(plane: Plane, wrong: dict[str, object]) -> None:
    mine = plane.organization()
    path, auth = f"/organizations/{mine}/signInPolicy", plane.admin(mine)
    answer = plane.call("PATCH", path, auth, json=wrong)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("BAD_REQUEST")
    assert plane.call("GET", path, auth).json()["result"] == DEFAULT


def test_who_may_only_view_does_not_change_it(plane: Plane) -> None:
    mine = plane.organization()
    path, auth = f"/organizations/{mine}/signInPolicy", plane.key(mine, DEVELOPER)
    assert plane.call("GET", path, auth).status_code == 200
    assert plane.call("PATCH", path, auth, json={"idleTimeoutMinutes": 5}).status_code == 403
