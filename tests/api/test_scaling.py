"""Limits of services: what the region is told, by request and by schedule; the agent's tests show what it does then."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stronghouse.audit import store as audit
from stronghouse.kernel.canonical import Json
from stronghouse.regions import store as regions
from stronghouse.services.scaling import follow_schedules
from tests.support.control_plane import Plane
from tests.support.region_word import report

MONDAY_AT_7 = datetime(2026, 11, 23, 7, tzinfo=UTC)
OFFICE = {"name": "office", "weekdays": [1, 2, 3, 4, 5], "startHourUtc": 8, "endHourUtc": 18}
LARGE = {"minReplicaMemoryGb": 32, "maxReplicaMemoryGb": 32}


class Scaled:
    """A service, what its region was told last, and what was recorded."""

    def __init__(self, plane: Plane) -> None:
        self.plane, self.organization_id = plane, plane.organization()
        self.auth = plane.admin(self.organization_id)
        made = plane.call("POST", f"/organizations/{self.organization_id}/services", self.auth, json={"name": "a"})
        self.id = made.json()["result"]["service"]["id"]

    def call(self, method: str, place: str = "", body: object = None, *, expect: int = 200) -> Any:
        path = f"/organizations/{self.organization_id}/services/{self.id}{place}"
        options: dict[str, Any] = {} if body is None else {"json": body}
        answer = self.plane.call(method, path, self.auth, **options)
        assert answer.status_code == expect, answer.text
        return answer.json()["error"] if expect >= 400 else answer.json().get("result")

    @property
    def told(self) -> dict[str, Json]:
        """The document that the agent gets."""
        with self.plane.control.database.read() as connection:
            (document,) = regions.find_desired(connection, "local")
        return document.document

    @property
    def limits(self) -> tuple[Json, Json, Json]:
        return self.told["memory_gb"], self.told["idle_scaling"], self.told["idle_timeout_minutes"]

    def events(self, code: str) -> list[Json]:
        with self.plane.control.database.read() as connection:
            return [entry.event()["data"] for entry in audit.entries(connection) if entry.code == code]

    def follow(self, **later: float) -> int:
        self.plane.clock.advance(timedelta(**later))
        control = self.plane.control
        return follow_schedules(control.audit, control.jobs, now=control.clock.now())


@pytest.fixture
def scaled(plane: Plane) -> Scaled:
    plane.clock.advance(MONDAY_AT_7 - plane.clock.now())
    return Scaled(plane)


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("/replicaScaling", {**LARGE, "numReplicas": 1, "autoscalingMode": "vertical"}),
        ("/replicaScaling", {"maxReplicaMemoryGb": 32.0}),
        ("/replicaScaling", {"minReplicaMemoryGb": 32, "minReplicas": 1, "maxReplicas": 1}),
        ("/scaling", {"minTotalMemoryGb": 96, "maxTotalMemoryGb": 96}),
        ("/scaling", {"maxTotalMemoryGb": 96.0}),
    ],
)
def test_a_memory_limit_reaches_the_region_and_every_answer(
    scaled: Scaled, place: str, body: dict[str, object]
) -> None:
    before = scaled.told
    changed = scaled.call("PATCH", place, body)
    assert scaled.told == {**before, "memory_gb": 32}
    assert scaled.plane.jobs.notified[-1] == "local"
    assert changed == scaled.call("GET")
    assert {changed["minReplicaMemoryGb"], changed["maxReplicaMemoryGb"]} == {32}
    assert {changed["minTotalMemoryGb"], changed["maxTotalMemoryGb"]} == {96}
    assert changed["currentScaling"]["effectiveMaxReplicaMemoryGb"] == 32
    assert scaled.events("service.memory_change") == [{"before": 8, "after": 32}]
    scaled.call("PATCH", place, body)
    assert len(scaled.events("service.memory_change")) == 1


def test_sleep_reaches_the_region(scaled: Scaled) -> None:
    changed = scaled.call("PATCH", "/replicaScaling", {"idleTimeoutMinutes": 5.0})
    assert (scaled.limits, changed["idleTimeoutMinutes"]) == ((8, True, 5), 5)
    scaled.call("PATCH", "/scaling", {"idleScaling": False})
    assert scaled.limits == (8, False, 5)
    assert [event["idle_scaling"] for event in scaled.events("service.idling_change") if isinstance(event, dict)] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"numReplicas": 2}, "one replica"),
        ({"minReplicas": 1, "maxReplicas": 3}, "one replica"),
        ({"numReplicas": 0}, "one replica"),
        ({"autoscalingMode": "horizontal"}, "one replica"),
        ({"minReplicaMemoryGb": 8, "maxReplicaMemoryGb": 16}, "one memory limit"),
        ({"maxReplicaMemoryGb": 9}, "steps of 4"),
        ({"maxReplicaMemoryGb": 4}, "8 to 356"),
        ({"maxReplicaMemoryGb": 360}, "8 to 356"),
        ({"maxReplicaMemoryGb": 8.5}, ""),
        ({"idleTimeoutMinutes": 4}, "5 to"),
    ],
)
def test_what_one_process_cannot_do_is_refused_by_name_and_changes_nothing(
    scaled: Scaled, body: dict[str, object], word: str
) -> None:
    before = scaled.told
    for place in ("/replicaScaling", "/scaling"):
        assert word in scaled.call("PATCH", place, {"idleScaling": False, **body}, expect=400)
        entry = {**OFFICE, **body}
        assert word in scaled.call("POST", "/scalingSchedule", {"entries": [entry]}, expect=400)
    if "minReplicaMemoryGb" in body:
        refused = scaled.plane.call(
            "POST", f"/organizations/{scaled.organization_id}/services", scaled.auth, json={"name": "b", **body}
        )
        assert (refused.status_code, word in refused.json()["error"]) == (400, True)
    assert "multiple of 12" in scaled.call("PATCH", "/scaling", {"maxTotalMemoryGb": 25}, expect=400)
    assert scaled.told == before
    scaled.call("GET", "/scalingSchedule", expect=404)


def test_a_schedule_changes_the_limits_at_its_hours_and_gives_them_back(scaled: Scaled) -> None:
    made = scaled.call("POST", "/scalingSchedule", {"entries": [{**OFFICE, **LARGE, "idleScaling": False}]})
    (entry,) = made["entries"]
    assert (entry["isActiveNow"], scaled.limits, scaled.follow()) == (False, (8, True, 15), 0)
    assert scaled.follow(minutes=59) == 0
    assert scaled.follow(minutes=1) == 1
    assert scaled.limits == (32, False, 15)
    shown = scaled.call("GET")
    assert (shown["minReplicaMemoryGb"], shown["currentScaling"]["effectiveMinReplicaMemoryGb"]) == (8, 32)
    assert shown["currentScaling"]["activeEntryId"] == shown["scalingSchedule"]["activeEntryId"] == entry["id"]
    assert shown["scalingSchedule"]["entries"][0]["isActiveNow"] is True
    assert scaled.plane.jobs.notified[-1] == "local"
    assert scaled.follow(hours=9, minutes=59) == 0
    assert scaled.follow(minutes=1) == 1
    assert scaled.limits == (8, True, 15)
    assert "activeEntryId" not in scaled.call("GET", "/scalingSchedule")
    followed = scaled.events("service.schedule_follow")
    assert [event["entry"] for event in followed if isinstance(event, dict)] == ["office", None]


def test_an_entry_is_in_force_at_once_and_its_removal_too(scaled: Scaled) -> None:
    now = {**OFFICE, **LARGE, "startHourUtc": 7, "idleTimeoutMinutes": 30}
    made = scaled.call("POST", "/scalingSchedule", {"entries": [now]})
    assert (made["entries"][0]["isActiveNow"], scaled.limits) == (True, (32, True, 30))
    scaled.call("PATCH", "/replicaScaling", {"maxReplicaMemoryGb": 12})
    assert scaled.limits == (32, True, 30), "the entry's limits hold while it is active"
    assert scaled.call("GET")["minReplicaMemoryGb"] == 12
    scaled.call("DELETE", "/scalingSchedule")
    assert scaled.limits == (12, True, 15)
    scaled.call("GET", "/scalingSchedule", expect=404)
    scaled.call("DELETE", "/scalingSchedule", expect=404)
    assert scaled.follow(days=1) == 0


def test_an_empty_schedule_is_none(scaled: Scaled) -> None:
    scaled.call("POST", "/scalingSchedule", {"entries": [OFFICE]})
    assert scaled.call("POST", "/scalingSchedule", {"entries": []}) == {"entries": [], "baseConfig": {}}
    scaled.call("GET", "/scalingSchedule", expect=404)
    assert "scalingSchedule" not in scaled.call("GET")


def test_the_same_schedule_again_changes_nothing(scaled: Scaled) -> None:
    first = scaled.call("POST", "/scalingSchedule", {"entries": [OFFICE]})
    assert scaled.call("POST", "/scalingSchedule", {"entries": [OFFICE]}) == first
    assert len(scaled.events("service.schedule_change")) == 1


def test_a_service_that_is_to_end_has_no_limits_to_change(scaled: Scaled) -> None:
    scaled.call("POST", "/scalingSchedule", {"entries": [{**OFFICE, **LARGE}]})
    report(scaled.plane, scaled.id, "idle")
    scaled.call("DELETE")
    scaled.call("PATCH", "/replicaScaling", {"maxReplicaMemoryGb": 12}, expect=409)
    scaled.call("POST", "/scalingSchedule", {"entries": []}, expect=409)
    assert scaled.follow(hours=2) == 0
