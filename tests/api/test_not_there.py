"""What this version cannot do is refused by name, and nothing of it is stored, told to the region or recorded."""

from typing import Any

import pytest

from stronghouse.audit import store as audit
from tests.api.test_scaling import Scaled
from tests.support.control_plane import Plane

ABSENT = "0197c0de-0000-4000-8000-000000000000"

BUCKET = {"bucketProvider": "GCP", "bucketPath": "b", "accessKeyId": "k", "secretAccessKey": "SECRET-OF-A-BUCKET"}


@pytest.fixture
def service(plane: Plane) -> Scaled:
    return Scaled(plane)


@pytest.mark.parametrize(
    ("method", "place", "body", "status", "word"),
    [
        ("POST", "/privateEndpoint", {"id": "vpce-12345678", "description": "d"}, 400, "no private endpoints"),
        ("POST", "/privateEndpoint", {}, 400, "no private endpoints"),
        ("PUT", "/upgradeWindow", {"weekday": 0, "startHourUtc": 6}, 400, "no upgrade window"),
        ("PUT", "/upgradeWindow", {"weekday": 0.0, "startHourUtc": 6.0}, 400, "no upgrade window"),
        ("GET", "/upgradeWindow", None, 404, "no upgrade window"),
        ("DELETE", "/upgradeWindow", None, 404, "no upgrade window"),
        ("PATCH", "/backupConfiguration", {"backupPeriodInHours": 12.0}, 400, "no backups"),
        ("PATCH", "/backupConfiguration", {"backupStartTime": "03:00"}, 400, "no backups"),
        ("PATCH", "/backupConfiguration", {"backupRetentionPeriodInHours": 24}, 400, "no backups"),
        ("GET", f"/backups/{ABSENT}", None, 404, "makes none"),
        ("GET", "/backupBucket", None, 404, "no backup bucket"),
        ("POST", "/backupBucket", BUCKET, 400, "no backups"),
        ("PATCH", "/backupBucket", BUCKET, 404, "no backup bucket"),
        ("DELETE", "/backupBucket", None, 404, "no backup bucket"),
    ],
)
def test_the_limit_is_named_and_nothing_is_stored(
    service: Scaled, method: str, place: str, body: Any, status: int, word: str
) -> None:
    before, told, size = service.call("GET"), service.told, recorded(service)
    assert word in service.call(method, place, body, expect=status)
    assert (service.call("GET"), service.told, recorded(service)) == (before, told, size)
    elsewhere = Scaled(service.plane)
    service.id = elsewhere.id
    assert "no such service" in service.call(method, place, body, expect=404)


def recorded(service: Scaled) -> int:
    with service.plane.control.database.read() as connection:
        return audit.size(connection)


def test_a_private_connection_would_lead_to_the_services_own_address(service: Scaled) -> None:
    found = service.call("GET", "/privateEndpointConfig")
    endpoint = service.call("GET")["endpoints"][0]
    assert found == {
        "endpointServiceId": f"{endpoint['host']}:{endpoint['port']}",
        "privateDnsHostname": endpoint["host"],
    }


@pytest.mark.parametrize(
    ("provider", "region", "status"),
    [("aws", "us-east-1", 200), ("self-hosted", "local", 200), ("gcp", "us-east-1", 400), ("aws", "mars", 400)],
)
def test_a_region_without_services_is_told_from_one_with_some(
    service: Scaled, provider: str, region: str, status: int
) -> None:
    path = f"/organizations/{service.organization_id}/privateEndpointConfig"
    query = {"cloud_provider": provider, "region_id": region}
    answer = service.plane.call("GET", path, service.auth, params=query)
    assert answer.status_code == status
    assert status == 200 or "no created instances" in answer.json()["error"]
    other = service.plane.organization("Without services")
    empty = service.plane.call(
        "GET", f"/organizations/{other}/privateEndpointConfig", service.plane.admin(other), params=query
    )
    assert (empty.status_code, "no created instances" in empty.json()["error"]) == (400, True)
    incomplete = service.plane.call("GET", path, service.auth, params={"cloud_provider": provider})
    assert incomplete.status_code == 400
