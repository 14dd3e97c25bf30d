"""The routes of packages: asked for, watched, downloaded by whom, deleted."""

import io
from datetime import timedelta

import pytest

from stronghouse.audit.checkpoint import verifier_key
from stronghouse.compliance.verifier import verify
from stronghouse.kernel.clock import rfc3339
from tests.support.control_plane import NOW, Plane


def ask(plane: Plane, organization_id: str, auth: tuple[str, str], **body: str) -> dict[str, object]:
    wanted = {"from": rfc3339(NOW - timedelta(days=1)), **body}
    answer = plane.call("POST", f"/organizations/{organization_id}/packages", auth, json=wanted)
    assert answer.status_code == 200, answer.text
    result: dict[str, object] = answer.json()["result"]
    return result


def test_life_of_a_package(plane: Plane) -> None:
    organization_id = plane.organization()
    auth = plane.admin(organization_id)
    asked = ask(plane, organization_id, auth)
    base = f"/organizations/{organization_id}/packages"
    path = f"{base}/{asked['id']}"
    assert (asked["state"], asked["progress"], asked["sample"]) == ("building", 0, "daily")
    assert plane.call("GET", f"{path}/file", auth).status_code == 409
    assert plane.call("DELETE", path, auth).status_code == 409
    plane.control.packages.run_due()
    ready = plane.call("GET", path, auth).json()["result"]
    assert (ready["state"], ready["progress"], ready["error"]) == ("ready", 100, None)
    file = plane.call("GET", f"{path}/file", auth)
    assert file.status_code == 200
    assert file.headers["cache-control"] == "no-store"
    assert file.headers["content-disposition"].startswith("attachment; ")
    assert file.headers["content-type"] == "application/zip"
    assert len(file.content) == ready["size"]
    signer = plane.control.audit.signer
    found = verify(io.BytesIO(file.content), verifier_key(signer.origin, signer.public_key))
    assert found.organization == organization_id
    assert plane.call("DELETE", path, auth).status_code == 200
    assert not plane.control.packages.path(str(asked["id"])).exists()
    for gone in (path, f"{path}/file"):
        assert plane.call("GET", gone, auth).status_code == 404
    assert plane.call("GET", base, auth).json()["result"] == []
    events = plane.call("GET", f"/organizations/{organization_id}/auditLog", auth).json()["result"]
    assert [event["code"] for event in events if event["code"].startswith("package.")][::-1] == [
        "package.request",
        "package.create",
        "package.verify",
        "package.download",
        "package.delete",
    ]


def test_list_goes_on_page_by_page(plane: Plane) -> None:
    organization_id = plane.organization()
    auth = plane.admin(organization_id)
    made = []
    for _ in range(3):
        made.append(ask(plane, organization_id, auth)["id"])
        plane.control.packages.recover()
        plane.clock.advance(timedelta(minutes=1))
    base = f"/organizations/{organization_id}/packages"
    first = plane.call("GET", f"{base}?limit=2", auth).json()
    second = plane.call("GET", f"{base}?limit=2&cursor={first['nextCursor']}", auth).json()
    assert [one["id"] for one in first["result"] + second["result"]] == made[::-1]
    assert "nextCursor" not in second


def test_another_organizations_package_is_as_if_absent(plane: Plane) -> None:
    mine, theirs = plane.organization(), plane.organization("Foreign")
    package = ask(plane, theirs, plane.admin(theirs))
    plane.control.packages.run_due()
    auth = plane.admin(mine)
    for method, rest in (("GET", ""), ("GET", "/file"), ("DELETE", "")):
        answer = plane.call(method, f"/organizations/{mine}/packages/{package['id']}{rest}", auth)
        assert answer.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"from": "yesterday"},
        {"from": "2026-11-24T00:00:00Z"},
        {"from": "2026-11-22T00:00:00Z", "to": "2026-11-21T00:00:00Z"},
        {"from": "2026-11-22T00:00:00Z", "to": "2999-01-01T00:00:00Z"},
        {"from": "2026-11-22T00:00:00Z", "sample": "some"},
        {"from": "0001-01-01T00:00:00+23:00"},
    ],
)
def test_period_that_cannot_be_is_refused(plane: Plane, body: dict[str, str]) -> None:
    organization_id = plane.organization()
    answer = plane.call("POST", f"/organizations/{organization_id}/packages", plane.admin(organization_id), json=body)
    assert answer.status_code == 400, answer.text
