"""What a worker tells of its engine's counters: numbers that rise with what was asked, and nothing else."""

import re
from collections.abc import Mapping

from tests.integration.worker.service import Service

QUERIES, ROWS = "ClickHouseProfileEvents_SelectQuery", "ClickHouseProfileEvents_InsertedRows"


def test_counters_rise_with_what_the_engine_did_and_hold_names_and_numbers_only(service: Service) -> None:
    service.run("CREATE TABLE counted (secret_column UInt64) ENGINE = MergeTree ORDER BY secret_column")
    before = service.do(service.running.metrics())
    for _ in range(5):
        service.run("SELECT count() FROM counted")
    service.run("INSERT INTO counted SELECT number FROM numbers(1000)")
    after = service.do(service.running.metrics())
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert _number(after, QUERIES) - _number(before, QUERIES) >= 5
    assert _number(after, ROWS) - _number(before, ROWS) >= 1000
    assert _number(after, "ClickHouseMetrics_MemoryTracking") > 0
    assert all(re.fullmatch(r"ClickHouse(ProfileEvents|Metrics)_\w+", name) for name in after)
    assert {type(value) for value in after.values()} == {int}


def _number(metrics: Mapping[str, object], name: str) -> int:
    value = metrics.get(name, 0)
    assert isinstance(value, int)
    return value
