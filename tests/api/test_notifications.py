"""Channels over the API: the URL goes in and never comes out."""

from datetime import timedelta

import pytest

from tests.support.control_plane import Plane

URL = "jsons://user:marker-secret@hooks.example.com/marker-path"


def test_channel_is_added_tested_and_removed_and_its_url_is_never_shown(
    plane: Plane, capfd: pytest.CaptureFixture[str]
) -> None:
    organization_id = plane.organization()
    auth, path = plane.admin(organization_id), f"/organizations/{organization_id}/notificationChannels"
    answers = [plane.call("POST", path, auth, json={"name": "ops", "url": URL, "mode": "daily"})]
    channel = answers[0].json()["result"]
    assert (channel["address"], channel["state"]) == ("jsons://hooks.example.com", "untried")
    plane.messages.problem = "The service refuses the connection."
    answers.append(plane.call("POST", f"{path}/{channel['id']}/test", auth, json={}))
    assert answers[-1].json()["result"] == {"delivered": False, "reason": plane.messages.problem}
    again = plane.call("POST", f"{path}/{channel['id']}/test", auth, json={})
    assert again.status_code == 429
    plane.messages.problem = None
    answers.append(plane.call("GET", path, auth))
    assert answers[-1].json()["result"][0]["state"] == "failing"
    answers.append(plane.call("GET", f"/organizations/{organization_id}/auditLog", auth))
    codes = [event["code"] for event in answers[-1].json()["result"]]
    assert {"notification_channel.add", "notification_channel.test"} <= set(codes)
    answers.append(plane.call("DELETE", f"{path}/{channel['id']}", auth))
    assert plane.call("GET", path, auth).json()["result"] == []
    logged = capfd.readouterr()
    assert "marker" not in "".join([answer.text for answer in answers]) + logged.out + logged.err


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "file:///marker-secret"},
        {"name": " "},
        {"kinds": []},
        {"kinds": ["x"]},
        {"mode": "x"},
        {"url": "x" * 9999},
    ],
)
def test_bad_channels_are_refused_without_repeating_the_url(plane: Plane, wrong: dict[str, object]) -> None:
    organization_id = plane.organization()
    path = f"/organizations/{organization_id}/notificationChannels"
    answer = plane.call("POST", path, plane.admin(organization_id), json={"name": "ops", "url": URL, **wrong})
    assert answer.status_code == 400
    assert "marker" not in answer.text


def test_names_are_taken_once(plane: Plane) -> None:
    organization_id = plane.organization()
    auth, path = plane.admin(organization_id), f"/organizations/{organization_id}/notificationChannels"
    codes = [plane.call("POST", path, auth, json={"name": "ops", "url": URL}).status_code for _ in range(2)]
    assert codes == [200, 409]


def test_only_the_operators_channels_may_reach_networks_beside_the_public_ones(plane: Plane) -> None:
    for name in ("operator", "tenant"):
        organization_id = plane.organization(name)
        plane.clock.advance(timedelta(seconds=1))
        path, auth = f"/organizations/{organization_id}/notificationChannels", plane.admin(organization_id)
        new = plane.call("POST", path, auth, json={"name": "hook", "url": "jsons://hooks.example/in"}).json()["result"]
        plane.call("POST", f"{path}/{new['id']}/test", auth, json={})
    assert plane.messages.inside == [True, False]
