"""The page of a service's query endpoint."""

import html
import re

import pytest

from stronghouse.access.roles.system import DEVELOPER, MEMBER
from stronghouse.services.model import Service
from stronghouse.services.query_endpoints import store
from stronghouse.services.query_endpoints.model import QueryEndpoint, QueryRole
from tests.console.conftest import Enter
from tests.support.console_services import events_about, later, make_service
from tests.support.control_plane import Plane

ADMIN = "sql_console_admin"


@pytest.fixture
def organization(plane: Plane) -> str:
    return plane.organization()


@pytest.fixture
def service(plane: Plane, organization: str) -> Service:
    return make_service(plane, organization)


def key_of(plane: Plane, organization: str, **request: str) -> str:
    auth = plane.key(organization, **request)
    return str(plane.call("GET", "/whoami", auth).json()["result"]["keyId"])


def endpoint(plane: Plane, service: Service) -> QueryEndpoint | None:
    with plane.control.database.read() as connection:
        return store.find(connection, organization_id=service.organization_id, service_id=service.id)


def version_in(page: str) -> str:
    found = re.search(r'name="version" value="([0-9a-f]*)"', page)
    assert found is not None
    return found[1]


def test_an_endpoint_is_made_replaced_and_deleted(
    plane: Plane, enter: Enter, organization: str, service: Service
) -> None:
    key = key_of(plane, organization, name="<i>reports</i>")
    path, ada = f"/services/{service.id}/query-endpoint", enter(organization)
    empty = ada.get(path)
    assert ("There is none" in empty, html.escape("<i>reports</i>") in empty) == (True, True)
    assert f'href="{path}"' in ada.get(f"/services/{service.id}")
    form = {
        "act": "set",
        "role": "sql_console_read_only",
        "key": key,
        "origins": "https://a.example.com\nb.example.com",
    }
    made = ada.send(path, data=form)
    assert (made.status_code, made.headers["location"]) == (303, f"{path}?done=set")
    found = endpoint(plane, service)
    assert found is not None
    assert (found.roles, found.key_ids) == ((QueryRole.READ_ONLY,), (key,))
    assert found.allowed_origins == "https://a.example.com,b.example.com"
    page = ada.get(path)
    assert f"https://localhost:8442/service/{service.id}/run" in page
    assert f"stronghouse service query-endpoint set {service.id} --role sql_console_read_only --key {key}" in page
    ada.post(path, data={"act": "set", "role": ADMIN, "version": version_in(page)})
    changed = endpoint(plane, service)
    assert changed is not None
    assert (changed.id, changed.roles, changed.key_ids) == (found.id, (QueryRole.ADMIN,), ())
    ada.post(path, data={"act": "delete", "version": version_in(ada.get(path))})
    assert endpoint(plane, service) is None
    codes = [code for code, _ in events_about(plane, service.id)]
    assert codes == ["query_endpoint.set", "query_endpoint.set", "query_endpoint.delete"]
    assert plane.jobs.notified.count("local") >= 3


def test_what_somebody_else_did_meanwhile_is_not_overwritten(
    plane: Plane, enter: Enter, organization: str, service: Service
) -> None:
    path, ada = f"/services/{service.id}/query-endpoint", enter(organization)
    grace = enter(organization, email="grace@example.com")
    ada.post(path, data={"act": "set", "role": ADMIN})
    refused = grace.post(path, 409, data={"act": "set", "role": "sql_console_read_only", "version": ""})
    assert "Somebody changed this query endpoint" in refused
    assert 'value="sql_console_read_only" checked' in refused
    found = endpoint(plane, service)
    assert found is not None
    assert found.roles == (QueryRole.ADMIN,)


def test_what_is_wrong_is_told_and_kept(plane: Plane, enter: Enter, organization: str, service: Service) -> None:
    path, ada = f"/services/{service.id}/query-endpoint", enter(organization)
    refused = ada.post(path, 400, data={"act": "set", "role": ADMIN, "origins": "https://a.example.com/path"})
    assert ("is not an origin" in refused, "https://a.example.com/path</textarea>" in refused) == (True, True)
    ada.post(path, 400, data={"act": "set", "role": ADMIN, "key": "nobody"})
    ada.post(path, 400, data={"act": "explode"})
    ada.post(path, 400, data={"act": "set", "role": "root"})
    later(plane)
    assert "fresh proof" in ada.post(path, 403, data={"act": "set", "role": ADMIN})
    assert (endpoint(plane, service), events_about(plane, service.id)) == (None, [])


def test_who_may_not_sees_no_form_and_changes_nothing(
    plane: Plane, enter: Enter, organization: str, service: Service
) -> None:
    path = f"/services/{service.id}/query-endpoint"
    member = enter(organization, MEMBER)
    assert member.send(path, data={"act": "set", "role": ADMIN}).status_code == 403
    developer = enter(organization, DEVELOPER, email="grace@example.com")
    allowed = developer.client.get(path).status_code == 200
    assert (path in developer.get(f"/services/{service.id}")) is allowed
    assert endpoint(plane, service) is None
