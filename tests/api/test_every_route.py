"""What holds for every route: who gets in, and how each kind of bad request is answered."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import ADMIN, BILLING, DEVELOPER, MEMBER, SYSTEM_ROLES
from stronghouse.api.application import MODULES, health
from stronghouse.api.limits import UPLOADS
from stronghouse.api.routing import Public, access_of
from stronghouse.audit import store
from stronghouse.kernel.ids import new_id
from tests.support.control_plane import Plane
from tests.support.databases import SQLITE

GOLDEN = Path(__file__).parent.parent / "golden" / "authz_matrix.txt"
ROUTES: list[tuple[str, APIRoute]] = sorted(
    (
        (method, route)
        for router in (health, *(module.router for module in MODULES))
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    ),
    key=lambda pair: (pair[1].path, pair[0]),
)
GUARDED = [(method, route) for method, route in ROUTES if not isinstance(access_of(route), Public)]
SCOPED = [(method, route) for method, route in GUARDED if "{organization_id}" in route.path]
TAKING_BODY = [(method, route) for method, route in SCOPED if method in {"POST", "PATCH", "PUT"}]


@pytest.fixture(scope="module")
def back_end() -> str:
    """On SQLite only: what is refused here is refused before a store is asked, and the routes are many."""
    return SQLITE


def name(pair: tuple[str, APIRoute]) -> str:
    return f"{pair[0]} {pair[1].path}"


def path_of(route: APIRoute, organization_id: str) -> str:
    ids = {"organization_id": organization_id, "service_id": new_id(), "key_id": new_id(), "activity_id": new_id()}
    ids |= {"event_id": new_id(), "evidence_id": "0" * 64}
    ids |= {"finding_id": "0" * 64, "disposition_id": new_id(), "row_id": "assess.pentest"}
    ids |= {"package_id": new_id(), "user_id": new_id()}
    ids |= {"document_id": new_id(), "role_id": new_id()}
    ids |= {"quota_code": "services-per-organization", "setting_name": "max_threads", "backup_id": new_id()}
    ids["profile"] = "baseline"
    ids |= {"run_id": new_id(), "channel_id": new_id(), "invitation_id": new_id()}
    return route.path.format(**ids)


def check_envelope(answer, status: int, word: str) -> None:  # type: ignore[no-untyped-def]
    body = answer.json()
    assert (answer.status_code, body["status"]) == (status, status), body
    assert body["error"].startswith(f"{word}: "), body
    assert set(body) == {"status", "error", "requestId"}
    assert answer.headers["x-request-id"] == body["requestId"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("pair", GUARDED, ids=name)
def test_a_caller_without_a_good_key_gets_401_before_the_body_is_looked_at(
    plane: Plane, pair: tuple[str, APIRoute]
) -> None:
    method, route = pair
    organization_id = plane.organization()
    key_id, secret = plane.admin(organization_id)
    disabled = plane.key(organization_id, ADMIN, state="disabled")
    credentials = [None, (key_id, secret + "x"), (key_id, ""), ("", secret), ("nobody", secret), disabled]
    for auth in credentials:
        answer = plane.call(
            method, path_of(route, organization_id), auth, content=b"{", headers={"content-type": "application/json"}
        )
        check_envelope(answer, 401, "UNAUTHORIZED")
    bearer = plane.call(method, path_of(route, organization_id), None, headers={"authorization": f"Bearer {secret}"})
    check_envelope(bearer, 401, "UNAUTHORIZED")


@pytest.mark.parametrize("pair", GUARDED, ids=name)
def test_a_good_key_from_an_address_it_does_not_allow_gets_403(plane: Plane, pair: tuple[str, APIRoute]) -> None:
    method, route = pair
    organization_id = plane.organization()
    answer = plane.call(method, path_of(route, organization_id), plane.admin(organization_id), address="192.0.2.1")
    check_envelope(answer, 403, "FORBIDDEN")


@pytest.mark.parametrize("pair", SCOPED, ids=name)
def test_another_organization_looks_like_one_that_does_not_exist(plane: Plane, pair: tuple[str, APIRoute]) -> None:
    method, route = pair
    mine, theirs = plane.organization(), plane.organization("Foreign")
    answers = [
        plane.call(method, path_of(route, organization_id), plane.admin(mine))
        for organization_id in (theirs, new_id(), "not-a-uuid")
    ]
    for answer in answers:
        check_envelope(answer, 404, "NOT_FOUND")
    assert answers[0].json()["error"] == answers[1].json()["error"]


@pytest.mark.parametrize("pair", TAKING_BODY, ids=name)
@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b'"text"', b"null", b"{" * 100_000])
def test_a_malformed_body_gets_400(plane: Plane, pair: tuple[str, APIRoute], body: bytes) -> None:
    method, route = pair
    organization_id = plane.organization()
    answer = plane.call(
        method,
        path_of(route, organization_id),
        plane.admin(organization_id),
        content=body,
        headers={"content-type": "application/json"},
    )
    check_envelope(answer, 400, "BAD_REQUEST")


@pytest.mark.parametrize("pair", GUARDED, ids=name)
def test_ten_megabytes_get_413(plane: Plane, pair: tuple[str, APIRoute]) -> None:
    method, route = pair
    organization_id = plane.organization()
    auth = plane.admin(organization_id)
    if any(pattern.match(f"{method} /v1{path_of(route, organization_id)}") for pattern, _ in UPLOADS):
        return  # a file; the tests of these routes try their limits
    announced = plane.call(method, path_of(route, organization_id), auth, content=b"x" * 10_000_000)
    check_envelope(announced, 413, "PAYLOAD_TOO_LARGE")
    chunked = plane.call(method, path_of(route, organization_id), auth, content=iter([b"x" * 100_000] * 100))
    check_envelope(chunked, 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("pair", SCOPED, ids=name)
def test_each_role_gets_in_just_where_its_permissions_say(plane: Plane, pair: tuple[str, APIRoute]) -> None:
    method, route = pair
    organization_id = plane.organization()
    needed = access_of(route)
    for role in (*SYSTEM_ROLES.values(), None):
        auth = plane.key(organization_id, *([role] if role else []))
        answer = plane.call(
            method, path_of(route, organization_id), auth, content=b"[]", headers={"content-type": "application/json"}
        )
        assert (answer.status_code == 403) == (needed not in (role.permissions if role else ())), (role, answer.text)


def test_the_matrix_of_roles_and_routes_is_the_golden_one() -> None:
    """`make golden` rewrites the file; a change of it is a change of who may do what and is reviewed as one."""
    lines = [f"{'route':<75} {'needs':<50} roles"]
    for method, route in ROUTES:
        needed = access_of(route)
        holders = [role.name for role in (ADMIN, DEVELOPER, BILLING, MEMBER) if needed in role.permissions]
        shown = needed.value if isinstance(needed, Permission) else f"{type(needed).__name__.lower()}: {needed.reason}"
        lines.append(f"{method + ' /v1' + route.path:<75} {shown:<50} {' '.join(holders)}".rstrip())
    text = "\n".join(lines) + "\n"
    if os.environ.get("STRONGHOUSE_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    assert GOLDEN.read_text() == text


def test_every_denied_request_is_in_the_audit_log(plane: Plane) -> None:
    organization_id = plane.organization()
    member = plane.key(organization_id, MEMBER)
    check_envelope(plane.call("GET", f"/organizations/{organization_id}/keys", member), 403, "FORBIDDEN")
    events = plane.call("GET", f"/organizations/{organization_id}/auditLog", plane.admin(organization_id)).json()[
        "result"
    ]
    denied = next(event for event in events if event["code"] == "access.deny")
    assert (denied["outcome"], denied["data"]["permission"]) == ("denied", Permission.API_KEYS_VIEW.value)


def test_refused_keys_are_recorded_but_cannot_flood_the_log(plane: Plane) -> None:
    organization_id = plane.organization()
    key_id, _ = auth = plane.admin(organization_id)
    for _ in range(20):
        plane.call("GET", "/organizations", (key_id, "wrong"))
    events = plane.call("GET", f"/organizations/{organization_id}/auditLog", auth).json()["result"]
    assert [event["code"] for event in events].count("api_key.refuse") == 1


def log_size(plane: Plane) -> int:
    with plane.control.database.read() as connection:
        return store.size(connection)


def test_made_up_keys_and_repeated_denials_cannot_flood_the_log(plane: Plane) -> None:
    organization_id = plane.organization()
    member = plane.key(organization_id, MEMBER)
    before = log_size(plane)
    for number in range(20):
        plane.call("GET", "/organizations", (f"nobody{number}", "wrong"))
        plane.call("GET", f"/organizations/{organization_id}/keys", member)
    assert log_size(plane) - before == 2


@pytest.mark.parametrize(
    "spell", [lambda id_: id_.replace("-", ""), lambda id_: f"{{{id_}}}", lambda id_: f"urn:uuid:{id_}"]
)
def test_an_organization_has_one_spelling(plane: Plane, spell: Callable[[str], str]) -> None:
    organization_id = plane.organization()
    auth = plane.admin(organization_id)
    answer = plane.call("POST", f"/organizations/{spell(organization_id)}/services", auth, json={"name": "shadow"})
    check_envelope(answer, 404, "NOT_FOUND")
    upper = plane.call("POST", f"/organizations/{organization_id.upper()}/services", auth, json={"name": "seen"})
    assert upper.status_code == 200
    assert len(plane.call("GET", f"/organizations/{organization_id}/services", auth).json()["result"]) == 1


@pytest.mark.parametrize(
    "query", ["auditLog?before=99999999999999999999999", "activities?to_date=9999-12-31", "keys?limit=0"]
)
def test_numbers_and_times_out_of_range_get_400(plane: Plane, query: str) -> None:
    organization_id = plane.organization()
    answer = plane.call("GET", f"/organizations/{organization_id}/{query}", plane.admin(organization_id))
    check_envelope(answer, 400, "BAD_REQUEST")


def test_paths_and_methods_that_are_not_there_get_the_envelope(plane: Plane) -> None:
    check_envelope(plane.call("GET", "/nothing", None), 404, "NOT_FOUND")
    check_envelope(plane.call("PUT", "/whoami", None), 405, "METHOD_NOT_ALLOWED")
    for path, method in itertools.product(("/../etc/passwd", "/organizations//services"), ("GET", "POST")):
        assert plane.call(method, path, None).status_code in {401, 404, 405}
