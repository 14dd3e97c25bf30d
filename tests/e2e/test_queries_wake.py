"""Waking: a service that sleeps wakes for the vendor's tool and for who says so, and for no key that does not hold."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_clickhousectl import Tool
from tests.e2e.test_queries_host import Key, Queries
from tests.support.stack import Service, Stack, running_stack


@pytest.fixture
def asleep(tmp_path: Path) -> Iterator[tuple[Queries, Key]]:
    """A service that sleeps, as it would after its idle time-out, and a key that its endpoint names."""
    with running_stack(tmp_path) as stack:
        service = stack.create_service("sleeper")
        queries = Queries(stack, service)
        key = queries.key()
        queries.let_in(key)
        record = stack.state_dir / "agent" / "services" / service.id / "service.json"
        record.write_text(json.dumps(json.loads(record.read_text()) | {"idle": True}))
        os.kill(stack.pid_of("agent"), signal.SIGKILL)  # what it knows of its services it reads when it starts anew
        stack.wait_for_state(service.id, "idle")
        yield queries, key


def state(stack: Stack, service: Service) -> str:
    return str(stack.api("GET", f"/services/{service.id}")["state"])


def test_a_service_that_sleeps_wakes_for_who_may_and_says_so(asleep: tuple[Queries, Key], tmp_path: Path) -> None:
    queries, key = asleep
    stack, service = queries.stack, queries.service
    wake = {"wake-service": "true"}
    wrong = Key(key.id, (key.auth[0], "sh_wrong"))
    stack.wait_until(lambda: queries.ask(key, "SELECT 1").status_code == 206)
    assert queries.ask(key, "SELECT 1").json() == {"data": "Confirm wake service"}
    assert queries.ask(wrong, "SELECT 1", headers=wake).status_code == 401
    assert state(stack, service) == "idle"
    tool = Tool(stack, tmp_path)
    tool.environment["CLICKHOUSE_CLOUD_QUERY_HOST"] = str(stack.ready["queries_url"])
    assert tool.run("service", "query", "--id", service.id, "--query", "SELECT 6 * 7").strip() == "42"
    assert state(stack, service) == "running"
    assert queries.told(key, "SELECT 2") == "2\n"
