"""Invitations in the API: who may invite whom to what, and where a link is shown."""

from datetime import timedelta
from typing import Any

import pytest

from stronghouse.access.invitations.actions import LIFETIME, MOST_PENDING, end_expired
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import ADMIN, DEVELOPER, MEMBER
from stronghouse.kernel.ids import new_id
from tests.api.test_members import add
from tests.api.test_roles import Office, allow
from tests.support.control_plane import Plane

EMAIL = "grace@example.com"
INVITATIONS, DELIVERIES = "/invitations", "/invitationDeliveries"


@pytest.fixture
def office(plane: Plane) -> Office:
    return Office(plane)


def invite(office: Office, *roles: str, email: str = EMAIL, path: str = INVITATIONS, auth: Any = None) -> Any:
    return office.call("POST", path, auth, json={"email": email, "assignedRoleIds": list(roles)})


def made(office: Office, *roles: str, email: str = EMAIL, path: str = INVITATIONS) -> dict[str, Any]:
    answer = invite(office, *roles, email=email, path=path)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["result"])


def pending(office: Office) -> list[dict[str, Any]]:
    return list(office.call("GET", INVITATIONS).json()["result"])


def manager(office: Office) -> tuple[str, tuple[str, str]]:
    """A key that may manage members and nothing else but look."""
    view, manage = Permission.ORGANIZATION_VIEW.value, Permission.MEMBERS_MANAGE.value
    return office.holder(office.role(allow(view, manage, on=f"organization/{office.id}"), name="Hosts")["id"])


def test_an_invitation_ends_after_a_week_and_is_seen_by_its_organization_only(office: Office, plane: Plane) -> None:
    one = made(office)
    assert one["assignedRoles"] == []
    assert (one["createdAt"], one["expireAt"]) == ("2026-11-23T12:00:00.000Z", "2026-11-30T12:00:00.000Z")
    other = Office(plane)
    assert pending(other) == []
    for method in ("GET", "DELETE"):
        assert other.call(method, f"{INVITATIONS}/{one['id']}").status_code == 404
    assert other.call("POST", f"{DELIVERIES}/{one['id']}", json={}).status_code == 404
    plane.clock.advance(LIFETIME - timedelta(seconds=1))
    assert pending(office) == [one]
    plane.clock.advance(timedelta(seconds=1))
    assert pending(office) == []
    assert office.call("GET", f"{INVITATIONS}/{one['id']}").status_code == 404
    end_expired(plane.control.audit, plane.clock.now())
    end_expired(plane.control.audit, plane.clock.now())
    codes = [one["code"] for one in office.call("GET", "/auditLog").json()["result"]]
    assert codes.count("invitation.expire") == 1


def test_one_address_is_invited_once_at_a_time_and_no_member_is(office: Office, plane: Plane) -> None:
    one = made(office, MEMBER.id)
    again = invite(office, email=f" {EMAIL.upper()} ")
    assert (again.status_code, "invited already" in again.text) == (409, True)
    assert office.call("DELETE", f"{INVITATIONS}/{one['id']}").status_code == 200
    assert office.call("DELETE", f"{INVITATIONS}/{one['id']}").status_code == 404
    assert made(office)["id"] != one["id"]
    plane.clock.advance(LIFETIME)
    assert made(office)["id"] != one["id"]  # the one that expired is no obstacle
    add(plane, office.id, "ada@example.com")
    member = invite(office, email="Ada@Example.com")
    assert (member.status_code, "member already" in member.text) == (409, True)
    assert made(Office(plane), email="ada@example.com")["email"] == "ada@example.com"


def test_nobody_offers_what_they_do_not_hold(office: Office) -> None:
    _, auth = manager(office)
    denied = invite(office, ADMIN.id, auth=auth)
    assert (denied.status_code, "cannot give" in denied.text) == (403, True)
    assert invite(office, MEMBER.id, auth=auth).status_code == 200
    admin = made(office, ADMIN.id, email="boss@example.com")
    assert office.call("POST", f"{DELIVERIES}/{admin['id']}", auth, json={}).status_code == 403


def test_a_link_of_what_one_does_not_hold_is_not_shown(office: Office, plane: Plane) -> None:
    _, auth = manager(office)
    plane.control.sends_mail = False
    admin = made(office, ADMIN.id, path=DELIVERIES)
    denied = office.call("POST", f"{DELIVERIES}/{admin['invitation']['id']}", auth, json={})
    assert (denied.status_code, "token" in denied.text) == (403, False)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": ""},
        {"email": "nobody"},
        {"email": "a@b.example\r\nBcc: c@d.example"},
        {"email": "a@b.example, c@d.example"},
        {"email": f"{'x' * 400}@b.example"},
        {"email": EMAIL, "role": "admin"},
        {"email": EMAIL, "assignedRoleIds": [new_id()]},
        {"email": EMAIL, "assignedRoleIds": ["Admin"]},
        {"email": EMAIL, "assignedRoleIds": [MEMBER.id] * 101},
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(office: Office, body: dict[str, Any]) -> None:
    for path in (INVITATIONS, DELIVERIES):
        answer = office.call("POST", path, json=body)
        assert (answer.status_code, answer.json()["error"].startswith("BAD_REQUEST: ")) == (400, True), answer.text
    assert pending(office) == []


def test_the_old_field_is_refused_with_the_sentence_that_clients_know(office: Office) -> None:
    answer = office.call("POST", INVITATIONS, json={"email": EMAIL, "role": "developer"})
    assert "Use 'assignedRoleIds' instead of 'role'." in answer.text
    both = office.call("POST", INVITATIONS, json={"email": EMAIL, "role": "admin", "assignedRoleIds": [DEVELOPER.id]})
    assert both.json()["result"]["assignedRoles"][0]["roleName"] == "Developer"


def test_at_most_a_hundred_wait(office: Office) -> None:
    for number in range(MOST_PENDING):
        made(office, email=f"p{number}@example.com")
    answer = invite(office)
    assert (answer.status_code, "wait already" in answer.text) == (429, True)


def test_without_a_mail_server_the_cloud_operation_says_so_and_ours_shows_the_link_once(
    office: Office, plane: Plane
) -> None:
    plane.control.sends_mail = False
    refused = invite(office)
    assert (refused.status_code, "STRONGHOUSE__MAIL__HOST" in refused.text) == (409, True)
    assert pending(office) == []
    one = made(office, MEMBER.id, path=DELIVERIES)
    assert one["link"].startswith("https://localhost:8441/sign-in/invitation?token=sh_invite_")
    assert (one["channel"], one["state"], one["error"]) == ("shown", "shown", None)
    another = office.call("POST", f"{DELIVERIES}/{one['invitation']['id']}", json={}).json()["result"]
    assert another["link"] != one["link"]
    token = another["link"].partition("token=")[2]
    for path in (INVITATIONS, f"{INVITATIONS}/{one['invitation']['id']}", DELIVERIES, "/auditLog", "/activities"):
        shown = office.call("GET", path)
        assert shown.status_code == 200
        assert token not in shown.text
        assert "sh_invite_" not in shown.text


def test_with_a_mail_server_no_link_is_shown_to_anybody(office: Office, plane: Plane) -> None:
    one = made(office, path=DELIVERIES)
    assert "link" not in one
    assert (one["channel"], one["state"], one["attempts"]) == ("mail", "waiting", 0)
    plane.control.sends_mail = False
    shown = office.call("POST", f"{DELIVERIES}/{one['invitation']['id']}", json={}).json()["result"]
    assert (shown["state"], "link" in shown) == ("shown", True)
    plane.control.sends_mail = True
    mailed = office.call("POST", f"{DELIVERIES}/{one['invitation']['id']}", json={}).json()["result"]
    assert (mailed["state"], "link" in mailed) == ("waiting", False)
