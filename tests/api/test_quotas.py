"""Quotas are what creating services is held to; usage has no price."""

import pytest

from stronghouse.services.model import SLOTS
from tests.support.control_plane import Plane

SERVICES = "services-per-organization"


def test_the_quota_of_services_is_where_creating_ends(plane: Plane) -> None:
    """The effect outside: the region has no port left, and the next service is refused."""
    mine, theirs = plane.organization(), plane.organization("Other")
    auth, other = plane.admin(mine), plane.admin(theirs)
    place, others = f"/organizations/{mine}", f"/organizations/{theirs}"
    assert plane.call("POST", f"{others}/services", other, json={"name": "theirs"}).status_code == 200
    quota = plane.call("GET", f"{place}/quotas/{SERVICES}", auth).json()["result"]
    assert (quota["usage"], quota["value"], quota["adjustable"]) == (0, SLOTS - 1, False)
    for number in range(quota["value"]):
        assert plane.call("POST", f"{place}/services", auth, json={"name": f"s{number}"}).status_code == 200
    refused = plane.call("POST", f"{place}/services", auth, json={"name": "one more"})
    assert (refused.status_code, refused.json()["error"].split(":")[0]) == (409, "CONFLICT")
    (full,) = [
        one for one in plane.call("GET", f"{place}/quotas", auth).json()["result"] if one["quotaCode"] == SERVICES
    ]
    assert (full["usage"], full["value"]) == (SLOTS - 1, SLOTS - 1)


def test_quotas_of_what_does_not_exist_are_not_found(plane: Plane) -> None:
    organization_id = plane.organization()
    place = f"/organizations/{organization_id}/quotas/postgres-services-per-organization"
    answer = plane.call("GET", place, plane.admin(organization_id))
    assert answer.status_code == 404
    assert SERVICES in answer.json()["error"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from_date": "2026-11-01"},
        {"from_date": "soon", "to_date": "2026-11-02"},
        {"from_date": "2026-11-02", "to_date": "2026-11-01"},
        {"from_date": "2026-10-01", "to_date": "2026-11-01"},
        {"from_date": "2026-11-01", "to_date": "2026-11-02", "filter": "tag:team"},
    ],
)
def test_usage_is_asked_for_by_at_most_31_days(plane: Plane, query: dict[str, str]) -> None:
    organization_id = plane.organization()
    answer = plane.call(
        "GET", f"/organizations/{organization_id}/usageCost", plane.admin(organization_id), params=query
    )
    assert (answer.status_code, answer.json()["error"].split(":")[0]) == (400, "BAD_REQUEST")
