"""Metrics: what the control plane knows of services and what their engines counted, in Prometheus' own parser."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stronghouse.kernel.canonical import Json
from tests.support.control_plane import Plane
from tests.support.region_word import report

QUERIES = "ClickHouseProfileEvents_Query"
ODD = 'a "quoted" \\ name'


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Labels and values by name; the parser adds a suffix to counters' names."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name.removesuffix("_total"), []).append((sample.labels, sample.value))
    return found


class Scrape:
    def __init__(self, plane: Plane) -> None:
        self.plane, self.organization_id = plane, plane.organization()
        self.auth = plane.admin(self.organization_id)
        self.place = f"/organizations/{self.organization_id}"

    def service(self, name: str, state: str | None = None) -> str:
        made = self.plane.call("POST", f"{self.place}/services", self.auth, json={"name": name}).json()
        service_id = str(made["result"]["service"]["id"])
        if state is not None:
            report(self.plane, service_id, state)
        return service_id

    def __call__(self, path: str, **query: str) -> Any:
        answer = self.plane.call("GET", f"{self.place}{path}", self.auth, params=query)
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture
def scrape(plane: Plane) -> Scrape:
    return Scrape(plane)


def test_a_running_service_shows_its_engines_counters_and_a_sleeping_one_is_not_asked(scrape: Scrape) -> None:
    running, asleep = scrape.service(ODD, "running"), scrape.service("asleep", "idle")
    scrape.plane.jobs.answers["metrics"] = {QUERIES: 7, "ClickHouseMetrics_Merge": 0}
    answer = scrape(f"/services/{running}/prometheus")
    assert answer.headers["content-type"].startswith("text/plain")
    found = samples(answer.text)
    ((labels, value),) = found["ClickHouse_ServiceInfo"]
    assert value == 1
    assert labels["clickhouse_service_name"] == ODD
    assert (labels["clickhouse_cluster_status"], labels["scrape"]) == ("running", "full")
    assert labels["clickhouse_version"].startswith("26.")
    assert [value for _, value in found[QUERIES]] == [7]
    assert [value for _, value in found["ClickHouse_ServiceMemoryLimitBytes"]] == [8 << 30]
    assert scrape.plane.jobs.called == [("local", "metrics", {"service_id": running})]
    sleeping = samples(scrape(f"/services/{asleep}/prometheus").text)
    assert sleeping["ClickHouse_ServiceInfo"][0][0]["scrape"] == "basic"
    assert len(scrape.plane.jobs.called) == 1


def test_all_services_of_an_organization_and_where_each_is_found(scrape: Scrape) -> None:
    assert scrape("/prometheus").text == ""
    assert scrape("/prometheus/discovery").json() == []
    ids = {scrape.service("a", "running"), scrape.service("b")}
    scrape.plane.jobs.answers["metrics"] = {QUERIES: 7, "ClickHouseMetrics_Rare": 1}
    found = samples(scrape("/prometheus", filtered_metrics="true").text)
    assert {labels["clickhouse_service"] for labels, _ in found["ClickHouse_ServiceInfo"]} == ids
    assert set(found) == {"ClickHouse_ServiceInfo", "ClickHouse_ServiceMemoryLimitBytes", QUERIES}
    targets = scrape("/prometheus/discovery", filtered_metrics="true").json()
    assert {target["labels"]["clickhouse_service"] for target in targets} == ids
    for target in targets:
        assert target["targets"] == ["localhost:8440"]
        path = target["labels"]["__metrics_path__"].removeprefix(f"/v1{scrape.place}")
        assert "ClickHouse_ServiceInfo" in scrape(path).text
        assert target["labels"]["__param_filtered_metrics"] == "true"


@pytest.mark.parametrize(
    "lie",
    [
        None,
        [],
        {"a": 1},
        {"ClickHouseMetrics_x{a=1}": 1},
        {QUERIES: "1\nmade_up 1"},
        {QUERIES: True},
        {QUERIES: 1 << 70},
        {f"ClickHouseMetrics_a{n}": n for n in range(5001)},
    ],
)
def test_a_region_that_tells_nonsense_is_left_out(scrape: Scrape, lie: Json) -> None:
    service_id = scrape.service("a", "running")
    scrape.plane.jobs.answers["metrics"] = lie
    found = samples(scrape(f"/services/{service_id}/prometheus").text)
    assert found["ClickHouse_ServiceInfo"][0][0]["scrape"] == "basic"
    assert set(found) == {"ClickHouse_ServiceInfo", "ClickHouse_ServiceMemoryLimitBytes"}


def test_a_silent_region_is_asked_once(scrape: Scrape) -> None:
    for name in "abc":
        scrape.service(name, "running")
    assert len(samples(scrape("/prometheus").text)["ClickHouse_ServiceInfo"]) == 3
    assert len(scrape.plane.jobs.called) == 1


def test_services_that_a_caller_may_not_see_are_left_out(scrape: Scrape) -> None:
    seen, hidden = scrape.service("seen"), scrape.service("hidden")
    policy = {"allowDeny": "ALLOW", "permissions": ["control-plane:service:view"], "resources": [f"instance/{seen}"]}
    body = {"name": "one", "policies": [policy], "actors": []}
    made = scrape.plane.call("POST", f"{scrape.place}/roles", scrape.auth, json=body)
    auth = scrape.plane.key(scrape.organization_id, role_ids=(made.json()["result"]["id"],))
    assert hidden not in scrape.plane.call("GET", f"{scrape.place}/prometheus", auth).text
    assert hidden not in scrape.plane.call("GET", f"{scrape.place}/prometheus/discovery", auth).text
    assert scrape.plane.call("GET", f"{scrape.place}/services/{hidden}/prometheus", auth).status_code == 404
    assert seen in scrape.plane.call("GET", f"{scrape.place}/prometheus", auth).text
