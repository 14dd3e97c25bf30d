"""Limits and settings of a service through the vendor's own command line: what the engine then says."""

import json
from pathlib import Path

import pytest

from tests.e2e.test_clickhousectl import Tool
from tests.support.stack import Stack

THREADS = "SELECT getSetting('max_threads')"


@pytest.fixture
def tool(stack: Stack, tmp_path: Path) -> Tool:
    return Tool(stack, tmp_path)


def engine_file(stack: Stack, service_id: str) -> str:
    """What the service's engine was started with."""
    return (stack.state_dir / "agent/services" / service_id / "data/configuration/engine.xml").read_text()


def test_settings_are_what_the_next_query_has(tool: Tool) -> None:
    service = tool.stack.create_service("set")
    before = tool.stack.query(service.id, service.password, THREADS)
    tool.run("service", "settings", "set", service.id, "--setting", "max_threads=7")
    tool.stack.wait_until(lambda: tool.stack.query(service.id, service.password, THREADS) == "7")
    assert tool.json("service", "settings", "list", service.id)["settings"] == [{"name": "max_threads", "value": "7"}]
    assert "Cannot parse" in tool.run(
        "service", "settings", "set", service.id, "--setting", 'max_block_size="many"', expect=1
    )
    tool.run("service", "settings", "unset", service.id, "max_threads")
    tool.stack.wait_until(lambda: tool.stack.query(service.id, service.password, THREADS) == before)


def test_memory_and_schedule_reach_the_engine(tool: Tool, tmp_path: Path) -> None:
    service = tool.stack.create_service("scaled")
    tool.run("service", "scale", service.id, "--min-replica-memory-gb", "12", "--max-replica-memory-gb", "12")
    tool.stack.wait_until(lambda: str(12 << 30) in engine_file(tool.stack, service.id))
    assert "one replica" in tool.run("service", "scale", service.id, "--num-replicas", "3", expect=1)
    all_day = {"name": "all day", "weekdays": [*range(7)], "startHourUtc": 0, "endHourUtc": 24}
    limits = {"minReplicaMemoryGb": 16, "maxReplicaMemoryGb": 16}
    file = tmp_path / "schedule.json"
    file.write_text(json.dumps({"entries": [{**all_day, **limits}]}))
    tool.run("service", "scaling-schedule", "set", service.id, "--file", str(file))
    tool.stack.wait_until(lambda: str(16 << 30) in engine_file(tool.stack, service.id))
    assert tool.json("service", "scaling-schedule", "get", service.id)["entries"][0]["isActiveNow"]
    tool.run("service", "scaling-schedule", "delete", service.id)
    tool.stack.wait_until(lambda: str(12 << 30) in engine_file(tool.stack, service.id))
    assert tool.stack.query(service.id, service.password, "SELECT 1") == "1"


def test_what_the_organization_has(tool: Tool) -> None:
    quotas = {quota["quotaCode"]: quota for quota in tool.json("org", "quota", "list")}
    assert quotas["services-per-organization"]["usage"] <= quotas["services-per-organization"]["value"]
    assert tool.json("org", "quota", "get", "replicas-per-warehouse")["value"] == 1
    usage = tool.json("org", "usage", "--from-date", "2026-11-01", "--to-date", "2026-11-20")
    assert (usage["costs"], usage["grandTotalCHC"]) == ([], 0)
    service = tool.stack.create_service("counted")
    assert service.id in tool.run("org", "prometheus", "discovery", "--json")
    assert "ClickHouseProfileEvents_Query{" in tool.run("service", "prometheus", service.id)


def test_what_is_not_there_is_said(tool: Tool) -> None:
    service_id = tool.stack.create_service("bare").id
    assert tool.json("backup", "list", service_id) == []
    assert tool.json("service", "backup-config", "get", service_id) == {}
    assert tool.json("service", "private-endpoint", "get-config", service_id)["privateDnsHostname"] == "localhost"
    refused = [
        (("service", "backup-config", "update", service_id, "--backup-period-hours", "12"), "no backups"),
        (("backup", "bucket", "get", service_id), "no backup bucket"),
        (("service", "upgrade-window", "get", service_id), "no upgrade window"),
        (("service", "upgrade-window", "set", service_id, "--weekday", "0", "--start-hour", "6"), "no upgrade window"),
        (
            ("service", "private-endpoint", "create", service_id, "--endpoint-id", "vpce-12345678"),
            "no private endpoints",
        ),
    ]
    for command, sentence in refused:
        assert sentence in tool.run(*command, expect=1)
