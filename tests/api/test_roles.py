"""Roles in the API: each change is felt at the next request of whoever holds the role."""

from typing import Any

import pytest

from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import ADMIN, DEVELOPER, MEMBER, SYSTEM_ROLES
from stronghouse.kernel.ids import new_id
from tests.api.test_members import add
from tests.support.control_plane import Plane

VIEW, MANAGE = Permission.SERVICE_VIEW.value, Permission.SERVICE_MANAGE.value


class Office:
    """An organization with an administrator's key."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.id = plane.organization()
        self.path = f"/organizations/{self.id}"
        self.admin = plane.admin(self.id)

    def call(self, method: str, path: str, auth: Any = None, **body: Any) -> Any:
        return self.plane.call(method, f"{self.path}{path}", auth or self.admin, **body)

    def service(self, name: str) -> str:
        """A new service's id."""
        return str(self.call("POST", "/services", json={"name": name}).json()["result"]["service"]["id"])

    def role(self, *policies: dict[str, Any], name: str = "Viewers", actors: tuple[str, ...] = ()) -> dict[str, Any]:
        answer = self.call("POST", "/roles", json={"name": name, "policies": policies, "actors": actors})
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["result"])

    def holder(self, role_id: str) -> tuple[str, tuple[str, str]]:
        """The actor and the credentials of a new key that holds a role."""
        auth = self.plane.key(self.id, name=f"key {new_id()}")
        (key_id,) = (
            one["id"] for one in self.call("GET", "/keys").json()["result"] if one["keySuffix"] == auth[0][-4:]
        )
        assert self.call("PATCH", f"/keys/{key_id}", json={"assignedRoleIds": [role_id]}).status_code == 200
        return f"apiKey/{key_id}", auth


def allow(*permissions: str, on: str, effect: str = "ALLOW", **more: Any) -> dict[str, Any]:
    return {"allowDeny": effect, "permissions": list(permissions), "resources": [on], **more}


@pytest.fixture
def office(plane: Plane) -> Office:
    return Office(plane)


def test_the_system_roles_come_first_and_cannot_be_edited(office: Office) -> None:
    found = office.call("GET", "/roles").json()["result"]
    assert [role["id"] for role in found] == list(SYSTEM_ROLES)
    admin = found[0]
    assert (admin["name"], admin["type"], admin["tenantId"]) == ("Admin", "system", f"organization/{office.id}")
    assert len(admin["actors"]) == 1
    assert [policy["resources"] for policy in admin["policies"]] == [[f"organization/{office.id}"], ["instance/*"]]
    changes: tuple[dict[str, Any], ...] = ({"name": "Boss"}, {"policies": []})
    for change in changes:
        assert office.call("PATCH", f"/roles/{ADMIN.id}", json=change).status_code == 400
    assert office.call("DELETE", f"/roles/{ADMIN.id}").status_code == 400


def test_the_life_of_a_role_is_felt_by_its_holders(office: Office) -> None:
    role = office.role(allow(VIEW, on="instance/*"))
    actor, auth = office.holder(MEMBER.id)
    assert office.call("GET", "/services", auth).status_code == 403
    changed = office.call("PATCH", f"/roles/{role['id']}", json={"actors": [actor]}).json()["result"]
    assert changed["actors"] == [actor]
    assert office.call("GET", "/services", auth).status_code == 200
    office.call("PATCH", f"/roles/{role['id']}", json={"policies": [allow(VIEW, on="instance/*", effect="DENY")]})
    assert office.call("GET", "/services", auth).status_code == 403
    office.call("PATCH", f"/roles/{role['id']}", json={"policies": [allow(VIEW, on="instance/*")], "name": "Seers"})
    assert office.call("GET", "/services", auth).status_code == 200
    assert office.call("GET", f"/roles/{role['id']}").json()["result"]["name"] == "Seers"
    assert office.call("DELETE", f"/roles/{role['id']}").status_code == 200
    assert office.call("GET", f"/roles/{role['id']}").status_code == 404
    assert office.call("GET", "/services", auth).status_code == 403
    found = office.call("GET", "/auditLog", params={"code": "role."}).json()["result"]
    assert [one["code"] for one in found] == ["role.delete", "role.update", "role.update", "role.create"]


def test_a_role_for_one_service_shows_just_that_one(office: Office) -> None:
    mine, other = (office.service(name) for name in ("mine", "other"))
    role = office.role(allow(VIEW, on=f"instance/{mine}"))
    _, auth = office.holder(role["id"])
    assert [one["id"] for one in office.call("GET", "/services", auth).json()["result"]] == [mine]
    assert office.call("GET", f"/services/{mine}", auth).status_code == 200
    assert office.call("PATCH", f"/services/{mine}", auth, json={"name": "x"}).status_code == 403
    hidden, nobody = (office.call("GET", f"/services/{one}", auth) for one in (other, new_id()))
    assert (hidden.status_code, hidden.json()["error"]) == (404, nobody.json()["error"])


def test_order_and_tags_of_policies_are_kept(office: Office) -> None:
    policies = [
        allow(MANAGE, VIEW, on="instance/*"),
        allow(
            Permission.DATABASE_ACCESS.value,
            on="instance/*",
            tags={"grants": ["sales", "hr"], "roleV2": "sql-console-readonly"},
        ),
        allow(VIEW, on="instance/*", effect="DENY"),
    ]
    role = office.role(*policies)
    shown = office.call("GET", f"/roles/{role['id']}").json()["result"]["policies"]
    assert [{name: one[name] for name in wanted} for one, wanted in zip(shown, policies, strict=True)] == policies
    assert len({one["id"] for one in shown}) == 3


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        (allow("control-plane:service:fly", on="instance/*"), "There is no permission"),
        (allow(VIEW, on="instance/nothing"), "names no resource"),
        (allow(VIEW, on="everything"), "names no resource"),
        (allow(VIEW, on="ORGANIZATION"), "take resources that begin with instance/"),
        (allow(VIEW, Permission.ORGANIZATION_VIEW.value, on="instance/*"), "same resource scope"),
        (allow(Permission.ORGANIZATION_VIEW.value, on="instance/*"), "take resources that begin with organization/"),
        (
            allow(Permission.ORGANIZATION_VIEW.value, on="organization/0197c0de-0000-7000-8000-000000000000"),
            "must match",
        ),
        (allow(Permission.DATABASE_ACCESS.value, on="instance/*"), "needs the tag roleV2"),
        (allow(VIEW, on="instance/*", tags={"roleV2": "sql-console-admin"}), "Tags go with"),
        (allow(on="instance/*"), "at least one permission"),
        ({"allowDeny": "MAYBE", "permissions": [VIEW], "resources": ["instance/*"]}, "allowDeny"),
    ],
)
def test_a_policy_that_means_nothing_is_refused_whole(office: Office, policy: dict[str, Any], sentence: str) -> None:
    policy = {
        **policy,
        "resources": [one.replace("ORGANIZATION", f"organization/{office.id}") for one in policy["resources"]],
    }
    body = {"name": "odd", "policies": [allow(VIEW, on="instance/*"), policy], "actors": []}
    answer = office.call("POST", "/roles", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("BAD_REQUEST: ")
    assert sentence in answer.json()["error"]
    assert len(office.call("GET", "/roles").json()["result"]) == len(SYSTEM_ROLES)


def test_names_are_unique_and_actors_exist(office: Office) -> None:
    office.role(name="Viewers")
    for body, status in (
        ({"name": "viewers", "policies": [], "actors": []}, 409),
        ({"name": "Admin", "policies": [], "actors": []}, 409),
        ({"name": " ", "policies": [], "actors": []}, 400),
        ({"name": "x", "policies": [], "actors": [f"user/{new_id()}"]}, 400),
        ({"name": "x", "policies": [], "actors": ["somebody"]}, 400),
    ):
        assert office.call("POST", "/roles", json=body).status_code == status, body
    assert [one["name"] for one in office.call("GET", "/roles").json()["result"]][len(SYSTEM_ROLES) :] == ["Viewers"]


def test_nobody_gains_by_roles_what_they_do_not_hold(office: Office) -> None:
    manager = office.role(
        allow(Permission.ROLES_MANAGE.value, Permission.MEMBERS_MANAGE.value, on=f"organization/{office.id}"),
        allow(VIEW, on="instance/*"),
        name="Role managers",
    )
    ada = add(office.plane, office.id, "ada@example.com", ADMIN)
    bob = add(office.plane, office.id, "bob@example.com", MEMBER)
    actor, auth = office.holder(manager["id"])

    def tried(method: str, path: str, **body: Any) -> tuple[int, str]:
        answer = office.call(method, path, auth, json=body)
        return answer.status_code, answer.json().get("error", "")

    more = allow(MANAGE, on="instance/*")
    assert tried("POST", "/roles", name="more", policies=[more], actors=[])[0] == 403
    assert tried("PATCH", f"/roles/{manager['id']}", policies=[more])[0] == 403
    assert tried("PATCH", f"/roles/{ADMIN.id}", actors=[actor])[0] == 403
    assert tried("PATCH", f"/roles/{DEVELOPER.id}", actors=[f"user/{bob}"])[0] == 403
    assert tried("PATCH", f"/members/{bob}", assignedRoleIds=[ADMIN.id])[0] == 403
    assert tried("PATCH", f"/members/{ada}", assignedRoleIds=[])[0] == 403
    assert tried("DELETE", f"/members/{ada}")[0] == 403
    assert tried("POST", "/roles", name="same", policies=[allow(VIEW, on="instance/*")], actors=[])[0] == 200
    assert tried("PATCH", f"/members/{bob}", assignedRoleIds=[manager["id"]])[0] == 403, "who is not viewing"


def test_taking_a_denial_away_is_giving(office: Office) -> None:
    service = office.service("guarded")
    limited = office.role(
        allow(Permission.ROLES_MANAGE.value, Permission.ORGANIZATION_VIEW.value, on=f"organization/{office.id}"),
        allow(VIEW, MANAGE, on="instance/*"),
        allow(MANAGE, on=f"instance/{service}", effect="DENY"),
        name="Limited",
    )
    _, auth = office.holder(limited["id"])
    kept = [one for one in limited["policies"] if one["allowDeny"] == "ALLOW"]
    body = {"policies": [{name: one[name] for name in ("allowDeny", "permissions", "resources")} for one in kept]}
    assert office.call("PATCH", f"/roles/{limited['id']}", auth, json=body).status_code == 403
    assert office.call("DELETE", f"/services/{service}", auth).status_code == 403


def test_ones_own_access_and_the_last_administrator_are_protected(office: Office) -> None:
    ada = add(office.plane, office.id, "ada@example.com", ADMIN)
    (own,) = (one for one in office.call("GET", f"/roles/{ADMIN.id}").json()["result"]["actors"] if "apiKey" in one)
    for path, body in (
        (f"/roles/{ADMIN.id}", {"actors": [own]}),
        (f"/members/{ada}", {"assignedRoleIds": [MEMBER.id]}),
    ):
        answer = office.call("PATCH", path, json=body)
        assert (answer.status_code, "without a member who administers" in answer.text) == (409, True)
    assert office.call("DELETE", f"/members/{ada}").status_code == 409
    answer = office.call("PATCH", f"/roles/{ADMIN.id}", json={"actors": [f"user/{ada}"]})
    assert (answer.status_code, "from yourself" in answer.text) == (409, True)
    add(office.plane, office.id, "bob@example.com", ADMIN)
    assert office.call("DELETE", f"/members/{ada}").status_code == 200
    assert [one["email"] for one in office.call("GET", "/members").json()["result"]] == ["bob@example.com"]


def test_members_get_other_roles_and_the_legacy_role_is_refused_as_the_cloud_does(office: Office) -> None:
    ada = add(office.plane, office.id, "ada@example.com")
    answer = office.call("PATCH", f"/members/{ada}", json={"assignedRoleIds": [DEVELOPER.id, MEMBER.id]})
    assert [one["roleName"] for one in answer.json()["result"]["assignedRoles"]] == ["Developer", "Member"]
    legacy = office.call("PATCH", f"/members/{ada}", json={"role": "admin"})
    assert (legacy.status_code, "migrated to Custom Roles" in legacy.text) == (400, True)
    assert office.call("PATCH", f"/members/{ada}", json={"assignedRoleIds": [new_id()]}).status_code == 400
    assert office.call("PATCH", f"/members/{new_id()}", json={"assignedRoleIds": []}).status_code == 404
    assert office.call("PATCH", f"/members/{ada}", json={"assignedRoleIds": []}).json()["result"]["assignedRoles"] == []


def test_roles_and_members_of_another_organization_are_out_of_reach(office: Office) -> None:
    role = office.role(allow(VIEW, on="instance/*"))
    other = Office(office.plane)
    for method, body in (("GET", {}), ("PATCH", {"json": {"name": "x"}}), ("DELETE", {})):
        assert other.call(method, f"/roles/{role['id']}", **body).status_code == 404
        assert office.call(method, f"/roles/{role['id']}", other.admin, **body).status_code == 404
    stranger = f"user/{add(other.plane, other.id, 'eve@example.com')}"
    assert office.call("PATCH", f"/roles/{role['id']}", json={"actors": [stranger]}).status_code == 400


def test_every_decision_is_explained(office: Office) -> None:
    service = office.service("sales")
    role = office.role(
        allow(VIEW, MANAGE, on="instance/*"), allow(MANAGE, on=f"instance/{service}", effect="DENY"), name="All but"
    )
    ada = add(office.plane, office.id, "ada@example.com")
    office.call("PATCH", f"/members/{ada}", json={"assignedRoleIds": [MEMBER.id, role["id"]]})

    def asked(permission: str, resource: str = "", who: str = "ada@example.com") -> dict[str, Any]:
        query = {"who": who, "permission": permission} | ({"resource": resource} if resource else {})
        answer = office.call("GET", "/accessExplanation", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["result"])

    denied = asked(MANAGE, service)
    assert not denied["allowed"]
    assert denied["decidedBy"]["policyNumber"] == 2
    assert "policy 2 of the role All but denies it" in denied["reason"]
    assert asked(MANAGE)["allowed"]
    seen = asked(Permission.ORGANIZATION_VIEW.value, who=f"user/{ada}")
    assert (seen["allowed"], seen["decidedBy"]["roleName"]) == (True, "Member")
    nothing = asked(Permission.ROLES_MANAGE.value)
    assert (nothing["allowed"], "decidedBy" in nothing) == (False, False)
    assert "no policy of their roles (Member, All but) allows it" in nothing["reason"]
    for query, status in (
        ({"who": "nobody@example.com", "permission": VIEW}, 404),
        ({"who": "ada@example.com", "permission": "view"}, 400),
        ({"who": "ada@example.com", "permission": VIEW, "resource": f"organization/{office.id}"}, 400),
        ({"who": "ada@example.com", "permission": Permission.ROLES_MANAGE.value, "resource": service}, 400),
    ):
        assert office.call("GET", "/accessExplanation", params=query).status_code == status
