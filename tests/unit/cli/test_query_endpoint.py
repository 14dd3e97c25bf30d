"""`service query-endpoint`, over the real API; `service query` is in tests/e2e, where there is something to ask."""

import pytest

from tests.unit.cli.conftest import Cli


@pytest.fixture
def named(cli: Cli) -> Cli:
    cli("service", "create", "demo", "--no-wait", "--json")
    return cli


def test_an_endpoint_by_the_names_of_service_and_key(named: Cli) -> None:
    (key,) = named("key", "list", "--json").json
    command = ("service", "query-endpoint", "set", "demo", "--role", "read-only", "--key", "test")
    made = named(*command, "--origin", "https://a.example.com", "--origin", "b.example.com", "--json").json
    assert (made["openApiKeys"], made["roles"]) == ([key["id"]], ["sql_console_read_only"])
    assert made["allowedOrigins"] == "https://a.example.com,b.example.com"
    assert named("service", "query-endpoint", "get", "demo", "--json").json == made
    shown = named("service", "query-endpoint", "get", "demo").out
    assert key["id"] in shown
    assert made["url"] in shown
    deleted = named("service", "query-endpoint", "delete", "demo")
    assert (deleted.code, deleted.out) == (0, "")
    assert named("service", "query-endpoint", "get", "demo").code == 1


def test_what_is_wrong_is_told_before_anything_is_changed(named: Cli) -> None:
    assert named("service", "query-endpoint", "set", "demo").code == 2
    assert "there are read-only and admin" in named("service", "query-endpoint", "set", "demo", "--role", "root").err
    missing = named("service", "query-endpoint", "set", "demo", "--role", "admin", "--key", "nobody")
    assert "There is no API key 'nobody'" in missing.err
    assert "no query endpoint" in named("service", "query-endpoint", "delete", "demo").err
    remark = named("service", "query-endpoint", "set", "demo", "--role", "admin")
    assert "No API key may use it yet" in remark.err


def test_a_query_needs_an_endpoint_and_parameters_that_are_some(named: Cli) -> None:
    assert "no query endpoint" in named("service", "query", "demo", "SELECT 1").err
    assert "name=value" in named("service", "query", "demo", "SELECT 1", "--param", "x").err


def test_a_key_is_not_sent_in_the_clear(named: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGHOUSE_QUERIES_URL", "http://localhost:1")
    assert "is not an https URL" in named("service", "query", "demo", "SELECT 1").err
