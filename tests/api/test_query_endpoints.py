"""The query endpoint of a service, and what its region is given of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from stronghouse.access.api_keys import hash_text
from stronghouse.access.permissions import Permission
from stronghouse.access.roles import store as roles
from stronghouse.access.roles.policies import EVERY_SERVICE, DatabaseRole, Effect, Policy, PolicyTags, Role
from stronghouse.access.roles.system import ADMIN, MEMBER
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.ids import new_id
from stronghouse.regions import actions as regions
from stronghouse.services.query_endpoints.actions import DESIRED_KIND
from stronghouse.services.query_endpoints.model import origins_of
from stronghouse.services.reports import Report, take_reports
from tests.support.control_plane import CONTEXT, NOW, Plane

READ_ONLY, ADMINISTRATOR = "sql_console_read_only", "sql_console_admin"


@dataclass
class World:
    """An organization with a service and a key, and ways to ask."""

    plane: Plane
    organization_id: str
    auth: tuple[str, str]
    service_id: str

    def call(self, method: str, body: object = None, *, auth: tuple[str, str] | None = None) -> Any:
        path = f"/organizations/{self.organization_id}/services/{self.service_id}/serviceQueryEndpoint"
        options: dict[str, Any] = {} if body is None else {"json": body}
        return self.plane.call(method, path, auth or self.auth, **options)

    def set(self, *key_ids: str, roles: tuple[str, ...] = (READ_ONLY,), origins: str = "") -> Any:
        body = {"roles": roles, "openApiKeys": key_ids, "allowedOrigins": origins}
        answer = self.call("POST", body)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def key(self, *roles: Role, **request: Any) -> tuple[str, tuple[str, str]]:
        """A new key: its resource id, and its id and secret."""
        auth = self.plane.key(self.organization_id, *roles, **request)
        who = self.plane.call("GET", "/whoami", auth).json()["result"]
        return who["keyId"], auth

    def change_key(self, key_id: str, **change: Any) -> None:
        path = f"/organizations/{self.organization_id}/keys/{key_id}"
        assert self.plane.call("PATCH", path, self.auth, json=change).status_code == 200

    def document(self) -> dict[str, Any] | None:
        """What the region is to bring about."""
        with self.plane.control.database.read() as connection:
            documents = regions.desired_state(connection, "local").documents
        found = [one for one in documents if one.kind == DESIRED_KIND and one.id == self.service_id]
        return dict(found[0].document) if found else None

    def events(self) -> list[Any]:
        path = f"/organizations/{self.organization_id}/auditLog?limit=100"
        return [event["code"] for event in self.plane.call("GET", path, self.auth).json()["result"]]


@pytest.fixture
def world(plane: Plane) -> World:
    organization_id = plane.organization()
    auth = plane.admin(organization_id)
    made = plane.call("POST", f"/organizations/{organization_id}/services", auth, json={"name": "events"})
    return World(plane, organization_id, auth, made.json()["result"]["service"]["id"])


def test_there_is_none_until_it_is_made_and_its_id_stays(world: World) -> None:
    assert world.call("GET").status_code == 404
    assert world.call("DELETE").status_code == 404
    key_id, _ = world.key()
    first = world.set(key_id, origins="app.example.com, https://b.example.com:8443")
    assert first["allowedOrigins"] == "app.example.com, https://b.example.com:8443"
    second = world.set(roles=(ADMINISTRATOR,))
    url = f"https://localhost:8442/service/{world.service_id}/run"
    assert second == {"id": first["id"], "openApiKeys": [], "roles": [ADMINISTRATOR], "allowedOrigins": "", "url": url}
    assert world.call("GET").json()["result"] == second
    assert world.call("DELETE").status_code == 200
    assert world.call("GET").status_code == 404
    assert world.document() is None


def test_region_gets_hashes_of_the_keys_that_it_names_and_of_no_others(world: World) -> None:
    world.key()
    key_id, (public_id, secret) = world.key(expires_at=NOW + timedelta(days=1))
    endpoint = world.set(key_id, origins="app.example.com")
    document = world.document()
    assert document == {
        "id": endpoint["id"],
        "service_id": world.service_id,
        "roles": [READ_ONLY],
        "allowed_origins": ["https://app.example.com"],
        "keys": [
            {
                "id": key_id,
                "key_id_hash": hash_text(public_id),
                "key_secret_hash": hash_text(secret),
                "enabled": True,
                "expires_at": rfc3339(NOW + timedelta(days=1)),
                "ip_access": ["127.0.0.0/8"],
            }
        ],
    }
    assert secret not in str(document)
    assert world.plane.jobs.notified[-1] == "local"


def test_what_happens_to_a_key_reaches_the_region_at_once(world: World) -> None:
    key_id, _ = world.key()
    world.set(key_id)
    world.plane.jobs.notified.clear()
    world.change_key(key_id, name="another name")
    assert world.plane.jobs.notified == []
    world.change_key(key_id, state="disabled", ipAccessList=[{"source": "192.0.2.7", "description": ""}])
    document = world.document()
    assert document is not None
    assert (document["keys"][0]["enabled"], document["keys"][0]["ip_access"]) == (False, ["192.0.2.7/32"])
    assert world.plane.jobs.notified == ["local"]
    path = f"/organizations/{world.organization_id}/keys/{key_id}"
    assert world.plane.call("DELETE", path, world.auth).status_code == 200
    document = world.document()
    assert document is not None
    assert document["keys"] == []
    assert world.call("GET").json()["result"]["openApiKeys"] == []
    assert world.plane.jobs.notified == ["local", "local"]


def test_a_service_that_is_deleted_takes_its_endpoint_along(world: World) -> None:
    key_id, _ = world.key()
    world.set(key_id)
    services = f"/organizations/{world.organization_id}/services/{world.service_id}"
    assert world.plane.call("PATCH", f"{services}/state", world.auth, json={"command": "stop"}).status_code == 200
    with world.plane.control.audit.unit_of_work(CONTEXT) as uow:
        take_reports(uow, region_id="local", reports=[Report(world.service_id, "stopped", version=10_000)])
    assert world.plane.call("DELETE", services, world.auth).status_code == 200
    assert world.document() is None
    assert world.call("GET").status_code == 404
    assert world.call("POST", {"roles": [READ_ONLY]}).status_code == 409


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "roles names"),
        ({"roles": ["root"]}, "roles"),
        ({"roles": [READ_ONLY], "openApiKeys": ["11111111-1111-4111-8111-111111111111"]}, "not the id of an API key"),
        ({"roles": [READ_ONLY], "openApiKeys": ["x" * 5000]}, "not the id of an API key"),
        ({"roles": [READ_ONLY], "allowedOrigins": "https://a.example.com/path"}, "not an origin"),
        ({"roles": [READ_ONLY], "allowedOrigins": "null"}, None),
        ({"roles": [READ_ONLY], "allowedOrigins": "*.example.com"}, "not an origin"),
        ({"roles": [READ_ONLY], "allowedOrigins": ",".join(f"a{n}.example.com" for n in range(65))}, "at most 64"),
    ],
)
def test_what_makes_no_sense_is_refused(world: World, body: object, reason: str | None) -> None:
    answer = world.call("POST", body)
    if reason is None:  # a name like any other: it stands for https://null, which is not what browsers call no origin
        assert answer.status_code == 200
        return
    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    assert world.call("GET").status_code == 404
    assert world.document() is None


def test_access_lists_that_are_too_long_together_are_refused_wherever_they_come_from(world: World) -> None:
    def sources(count: int) -> list[dict[str, str]]:
        return [{"source": f"10.0.{number // 256}.{number % 256}"} for number in range(count)]

    first, _ = world.key()
    second, _ = world.key()
    world.change_key(first, ipAccessList=sources(600))
    world.change_key(second, ipAccessList=sources(401))
    assert world.call("POST", {"roles": [READ_ONLY], "openApiKeys": [first, second]}).status_code == 400
    world.change_key(second, ipAccessList=sources(400))
    world.set(first, second)
    path = f"/organizations/{world.organization_id}/keys/{second}"
    refused = world.plane.call("PATCH", path, world.auth, json={"ipAccessList": sources(401), "name": "b"})
    assert refused.status_code == 400
    assert "at most 1000 entries together" in refused.json()["error"]
    kept = world.plane.call("GET", path, world.auth).json()["result"]
    assert (len(kept["ipAccessList"]), kept["name"]) == (400, "test")


def test_keys_of_another_organization_cannot_be_named(world: World) -> None:
    other = world.plane.organization("Other")
    auth = world.plane.admin(other)
    theirs = world.plane.call("GET", "/whoami", auth).json()["result"]["keyId"]
    assert world.call("POST", {"roles": [READ_ONLY], "openApiKeys": [theirs]}).status_code == 400
    assert world.call("GET", auth=auth).status_code == 404


def test_members_without_the_permission_neither_see_nor_change_it(world: World) -> None:
    world.set()
    _, auth = world.key(MEMBER)
    assert world.call("GET", auth=auth).status_code == 403
    assert world.call("POST", {"roles": [READ_ONLY]}, auth=auth).status_code == 403
    assert world.call("DELETE", auth=auth).status_code == 403
    _, admin = world.key(ADMIN)
    assert world.call("GET", auth=admin).status_code == 200


def test_each_change_is_in_the_audit_log_once(world: World) -> None:
    key_id, _ = world.key()
    world.set(key_id)
    world.set(key_id)
    world.call("DELETE")
    codes = [code for code in world.events() if code.startswith("query_endpoint.")]
    assert codes == ["query_endpoint.delete", "query_endpoint.set"]


def test_origins_are_read_as_browsers_send_them() -> None:
    assert origins_of(" https://A.example.com:443 ,b.example.com,, http://localhost:3000, * ") == (
        "https://a.example.com",
        "https://b.example.com",
        "http://localhost:3000",
        "*",
    )
    assert origins_of("") == ()


def test_nobody_gives_statements_that_they_may_not_run(world: World) -> None:
    managing = Permission.QUERY_ENDPOINTS_MANAGE
    key_id, _ = world.key()
    reading = PolicyTags(role=DatabaseRole.READ_ONLY)
    everywhere = (EVERY_SERVICE,)
    plain = Policy(new_id(), Effect.ALLOW, (managing,), everywhere)
    reads = Policy(new_id(), Effect.ALLOW, (Permission.DATABASE_ACCESS,), everywhere, reading)
    manages = Policy(new_id(), Effect.ALLOW, (Permission.SERVICE_MANAGE,), everywhere)

    def status(role: str, *policies: Policy) -> int:
        held = Role(new_id(), new_id(), policies, world.organization_id)
        with world.plane.control.database.write() as connection:
            roles.insert_role(connection, held, now=NOW)
        _, auth = world.key(held)
        body = {"roles": [role], "openApiKeys": [key_id], "allowedOrigins": ""}
        return int(world.call("POST", body, auth=auth).status_code)

    assert (status(READ_ONLY, plain), status(ADMINISTRATOR, plain)) == (403, 403)
    assert (status(READ_ONLY, plain, reads), status(ADMINISTRATOR, plain, reads)) == (200, 403)
    assert status(ADMINISTRATOR, plain, manages) == 200
