"""Who is connected, and changes of an IP access list that hold only for the list they were made for."""

import re
from typing import Any

import pytest

from stronghouse.kernel.canonical import Json
from tests.support.control_plane import Plane


@pytest.fixture
def organization_id(plane: Plane) -> str:
    return plane.organization()


@pytest.fixture
def auth(plane: Plane, organization_id: str) -> tuple[str, str]:
    return plane.admin(organization_id)


@pytest.fixture
def path(plane: Plane, organization_id: str, auth: tuple[str, str]) -> str:
    """Of a service."""
    services = f"/organizations/{organization_id}/services"
    made = plane.call("POST", services, auth, json={"name": "demo", "ipAccessList": [{"source": "::1"}]})
    return f"{services}/{made.json()['result']['service']['id']}"


def patch(plane: Plane, path: str, auth: tuple[str, str], source: str, tag: str | None = None) -> Any:
    headers = {} if tag is None else {"if-match": tag}
    return plane.call("PATCH", path, auth, json={"ipAccessList": {"add": [{"source": source}]}}, headers=headers)


def test_connections_are_answered_as_the_region_tells_them(plane: Plane, path: str, auth: tuple[str, str]) -> None:
    told: list[Json] = [{"address": "127.0.0.1", "connections": 2}]
    plane.jobs.answers["connections"] = {
        "taken_at": "2026-11-23T12:00:00.000Z",
        "connections": told,
        "complete": True,
    }
    answer = plane.call("GET", f"{path}/connections", auth)
    assert answer.status_code == 200
    assert answer.json()["result"] == {"takenAt": "2026-11-23T12:00:00.000Z", "complete": True, "connections": told}


def test_a_silent_region_gets_503_with_a_sentence(plane: Plane, path: str, auth: tuple[str, str]) -> None:
    answer = plane.call("GET", f"{path}/connections", auth)
    assert answer.status_code == 503
    assert answer.json()["error"] == (
        "SERVICE_UNAVAILABLE: Who is connected is not known. Region local did not answer within 3 s."
    )


def test_no_region_is_asked_about_a_service_that_is_not_there(plane: Plane, path: str, auth: tuple[str, str]) -> None:
    assert plane.call("GET", f"{path[:-4]}0000/connections", auth).status_code == 404
    assert plane.call("GET", f"{path[:-4]}x/connections", auth).status_code == 404
    assert plane.jobs.called == []


def test_a_change_for_a_list_that_is_there_no_more_is_refused(plane: Plane, path: str, auth: tuple[str, str]) -> None:
    tag = plane.call("GET", path, auth).headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{64}"', tag)
    first = patch(plane, path, auth, "192.0.2.1", tag)
    assert first.status_code == 200
    assert first.headers["etag"] not in {tag, ""}
    stale = patch(plane, path, auth, "192.0.2.2", tag)
    assert stale.status_code == 409
    assert "changed meanwhile" in stale.json()["error"]
    sources = [entry["source"] for entry in plane.call("GET", path, auth).json()["result"]["ipAccessList"]]
    assert sources == ["::1", "192.0.2.1"]
    assert patch(plane, path, auth, "192.0.2.2", first.headers["etag"]).status_code == 200


@pytest.mark.parametrize("tag", [None, "*"])
def test_without_a_version_a_change_holds_for_any_list(
    plane: Plane, path: str, auth: tuple[str, str], tag: str | None
) -> None:
    assert patch(plane, path, auth, "192.0.2.1", tag).status_code == 200


@pytest.mark.parametrize("tag", ["", "x", f'W/"{"0" * 64}"', "0" * 64, f'"{"0" * 64}", "{"1" * 64}"'])
def test_a_version_in_another_form_is_refused_and_not_ignored(
    plane: Plane, path: str, auth: tuple[str, str], tag: str
) -> None:
    assert patch(plane, path, auth, "192.0.2.1", tag).status_code == 400
