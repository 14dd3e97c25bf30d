"""Members in the API: everyone of the organization, and nobody else."""

from stronghouse.access import people
from stronghouse.access.roles.policies import Role
from stronghouse.access.roles.system import ADMIN, BILLING, MEMBER
from stronghouse.kernel.ids import new_id
from tests.support.control_plane import CONTEXT, Plane


def add(plane: Plane, organization_id: str, email: str, role: Role = MEMBER) -> str:
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        return people.create_member(
            uow, organization_id=organization_id, email=email, name="Ada", role_ids=(role.id,), now=plane.clock.now()
        ).id


def test_members_are_listed_by_address_as_the_cloud_shows_them(plane: Plane) -> None:
    organization_id = plane.organization()
    bob = add(plane, organization_id, "bob@example.com")
    ada = add(plane, organization_id, "ada@example.com", ADMIN)
    auth = plane.key(organization_id, BILLING)
    first, second = plane.call("GET", f"/organizations/{organization_id}/members", auth).json()["result"]
    assert first == {
        "userId": ada,
        "name": "Ada",
        "email": "ada@example.com",
        "joinedAt": "2026-11-23T12:00:00.000Z",
        "assignedRoles": [{"roleId": ADMIN.id, "roleName": "Admin", "roleType": "system"}],
    }
    assert second["userId"] == bob
    one = plane.call("GET", f"/organizations/{organization_id}/members/{bob.upper()}", auth)
    assert one.json()["result"] == second


def test_members_of_another_organization_cannot_be_told_from_nobody(plane: Plane) -> None:
    mine, theirs = plane.organization(), plane.organization("Other")
    bob = add(plane, theirs, "bob@example.com")
    auth = plane.admin(mine)
    assert plane.call("GET", f"/organizations/{mine}/members", auth).json()["result"] == []
    answers = [plane.call("GET", f"/organizations/{mine}/members/{one}", auth) for one in (bob, new_id())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["error"] == answers[1].json()["error"]
    assert plane.call("GET", f"/organizations/{mine}/members/nobody", auth).status_code == 404
