"""What was decided when a request came is asked again where it is done; what a role says of one service stays there."""

import threading
import time
from typing import Any

import pytest

from stronghouse.access import store
from stronghouse.access.events import KeyDeleted, KeyUpdated
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.requests import MAX_RESOURCES
from stronghouse.access.roles.system import ADMIN, MEMBER
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.ids import new_id
from tests.api.test_members import add
from tests.api.test_roles import MANAGE, VIEW, Office, allow
from tests.support.control_plane import CONTEXT, Plane

BACKDOOR = {"name": "backdoor", "assignedRoleIds": [ADMIN.id], "ipAccessList": [{"source": "0.0.0.0/0"}]}


@pytest.fixture
def office(plane: Plane) -> Office:
    return Office(plane)


def meanwhile(office: Office, auth: tuple[str, str], change: Any) -> int:
    """The status of a request that waits for another writer, who makes a change before it can go on."""
    statuses: list[int] = []

    def send() -> None:
        statuses.append(office.call("POST", "/keys", auth, json=BACKDOOR).status_code)

    sender = threading.Thread(target=send)
    with office.plane.control.audit.unit_of_work(CONTEXT) as uow:
        sender.start()
        time.sleep(0.5)
        change(uow)
    sender.join(10)
    return statuses[0]


def test_a_key_that_is_deleted_while_its_request_waits_makes_no_other(office: Office) -> None:
    actor, auth = office.holder(ADMIN.id)
    key_id = actor.partition("/")[2]

    def delete(uow: UnitOfWork) -> None:
        store.delete_key(uow.connection, key_id)
        uow.record(KeyDeleted(organization_id=office.id, key_id=key_id, name="key"))

    assert meanwhile(office, auth, delete) == 401
    assert "backdoor" not in office.call("GET", "/keys").text


def test_a_key_that_loses_its_roles_while_its_request_waits_does_nothing(office: Office) -> None:
    actor, auth = office.holder(ADMIN.id)
    key_id = actor.partition("/")[2]

    def demote(uow: UnitOfWork) -> None:
        key = store.key(uow.connection, organization_id=office.id, key_id=key_id)
        assert key is not None
        store.update_key(uow.connection, key.__class__(**{**key.__dict__, "role_ids": (MEMBER.id,)}))
        uow.record(
            KeyUpdated(organization_id=office.id, key_id=key_id, change="role-changed", before=[], after=[MEMBER.id])
        )

    assert meanwhile(office, auth, demote) == 409
    assert "backdoor" not in office.call("GET", "/keys").text


def test_who_tries_to_gain_is_in_the_audit_log(office: Office) -> None:
    managing = allow(Permission.ROLES_MANAGE.value, Permission.MEMBERS_MANAGE.value, on=f"organization/{office.id}")
    _, auth = office.holder(office.role(managing)["id"])
    bob = add(office.plane, office.id, "bob@example.com")
    assert office.call("PATCH", f"/members/{bob}", auth, json={"assignedRoleIds": [ADMIN.id]}).status_code == 403
    (denied,) = office.call("GET", "/auditLog", params={"code": "access.deny"}).json()["result"]
    assert (denied["data"]["permission"], denied["data"]["reason"]) == ("", "grant_exceeds_own")
    assert denied["summary"].endswith("was denied: grant_exceeds_own.")
    service = office.service("hidden")
    _, narrow = office.holder(office.role(allow(VIEW, on=f"instance/{new_id()}"), name="Elsewhere")["id"])
    assert office.call("DELETE", f"/services/{service}", narrow).status_code in {403, 404}
    assert len(office.call("GET", "/auditLog", params={"code": "access.deny"}).json()["result"]) == 2


def test_guidance_neither_shows_nor_changes_what_a_role_does_not_reach(office: Office) -> None:
    body = {"name": "secret-service", "ipAccessList": [{"source": "0.0.0.0/0", "description": "all"}]}
    other = office.call("POST", "/services", json=body).json()["result"]["service"]["id"]
    mine = office.service("mine")
    organization = [Permission.ORGANIZATION_VIEW, Permission.RESPONSIBILITIES_VIEW, Permission.FINDINGS_MANAGE]
    role = office.role(
        allow(*(one.value for one in organization), on=f"organization/{office.id}"),
        allow(VIEW, MANAGE, on=f"instance/{mine}"),
    )
    _, auth = office.holder(role["id"])
    shown = office.call("GET", "/guidance/baseline", auth).text
    assert other not in shown
    assert "secret-service" not in shown
    (planned,) = (
        one
        for one in office.call("GET", "/guidance/baseline").json()["result"]["differences"]
        if one["id"] == f"service.access.widest/service/{other}"
    )
    acts = {"acts": [{"id": planned["id"], "before": planned["plan"]["beforeHash"]}], "tasks": False}
    assert office.call("POST", "/guidance/baseline/apply", auth, json=acts).status_code == 404
    kept = office.call("GET", f"/services/{other}").json()["result"]["ipAccessList"]
    assert [one["source"] for one in kept] == ["0.0.0.0/0"]


def test_access_to_a_database_is_given_by_who_has_it(office: Office) -> None:
    access = Permission.DATABASE_ACCESS.value
    reading = {"grants": ["a"], "roleV2": "sql-console-readonly"}
    role = office.role(
        allow(Permission.ROLES_MANAGE.value, on=f"organization/{office.id}"),
        allow(access, on="instance/*", tags=reading),
    )
    _, auth = office.holder(role["id"])

    def given(**tags: Any) -> int:
        policy = allow(access, on="instance/*", tags=tags)
        body = {"name": f"role {new_id()}", "policies": [policy], "actors": []}
        return int(office.call("POST", "/roles", auth, json=body).status_code)

    assert given(**reading) == 200
    assert given(grants=["b"], roleV2="sql-console-readonly") == 403
    assert given(roleV2="sql-console-readonly") == 403
    assert given(grants=["a"], roleV2="sql-console-admin") == 403


@pytest.mark.parametrize("name", ["Admin ", " Viewers", "\uff21dmin", "Ad\u200bmin", "\ufb01nance"])
def test_a_name_that_looks_like_another_is_refused(office: Office, name: str) -> None:
    assert office.call("POST", "/roles", json={"name": name, "policies": [], "actors": []}).status_code == 400


@pytest.mark.parametrize("database", ["a,b", "every database", " a", "", "x" * 257, "a\nb"])
def test_a_database_whose_name_would_say_something_else_is_refused(office: Office, database: str) -> None:
    tags = {"grants": [database], "roleV2": "sql-console-readonly"}
    body = {
        "name": "x",
        "policies": [allow(Permission.DATABASE_ACCESS.value, on="instance/*", tags=tags)],
        "actors": [],
    }
    assert office.call("POST", "/roles", json=body).status_code == 400


def test_a_role_is_of_a_bounded_size_and_held_once(office: Office) -> None:
    resources = [f"instance/{new_id()}" for _ in range(MAX_RESOURCES)]
    wide = {"allowDeny": "ALLOW", "permissions": [VIEW], "resources": resources}
    more = allow(VIEW, on=f"instance/{new_id()}")
    assert office.call("POST", "/roles", json={"name": "x", "policies": [wide, more], "actors": []}).status_code == 400
    body = {"name": "twice", "assignedRoleIds": [MEMBER.id, MEMBER.id], "ipAccessList": []}
    made = office.call("POST", "/keys", json=body).json()["result"]["key"]
    assert [one["roleId"] for one in made["assignedRoles"]] == [MEMBER.id]
