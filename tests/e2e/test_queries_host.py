"""The queries host as `clickhousectl`, a program and a page reach it: over TLS, through the edge, to a real engine."""

import json
import os
import ssl
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from stronghouse.access.roles.system import DEVELOPER
from tests.e2e.test_clickhousectl import Tool
from tests.support.stack import LOOPBACK, Service, Stack

READ_ONLY, ADMIN = "sql_console_read_only", "sql_console_admin"
HERE = "127.0.0.1"


@dataclass(frozen=True)
class Key:
    """An API key: the id of the resource, and what is sent."""

    id: str
    auth: tuple[str, str]


class Queries:
    """One service's queries host."""

    def __init__(self, stack: Stack, service: Service) -> None:
        self.stack, self.service = stack, service
        self.place = f"/services/{service.id}/serviceQueryEndpoint"

    @property
    def url(self) -> str:
        return f"{self.stack.ready['queries_url']}/service/{self.service.id}/run"

    def key(self, **request: Any) -> Key:
        body = {"name": f"key {uuid.uuid4()}", "ipAccessList": LOOPBACK, "state": "enabled", **request}
        made = self.stack.api("POST", "/keys", body)
        return Key(made["key"]["id"], (made["keyId"], made["keySecret"]))

    def let_in(self, *keys: Key, role: str = READ_ONLY, origins: str = "") -> None:
        """Only these keys; returns once that is in force."""
        body = {"roles": [role], "openApiKeys": [key.id for key in keys], "allowedOrigins": origins}
        self.stack.api("POST", self.place, body)
        for key in keys:
            self.stack.wait_until(partial(self._knows, key))

    def _knows(self, key: "Key") -> bool:
        return self.ask(key, "SELECT 1").status_code not in {401, 404, 429, 503}

    def ask(self, key: Key | None, sql: str, *, url: str | None = None, **options: Any) -> httpx.Response:
        body = {"runId": str(uuid.uuid4()), "sql": sql, **options.pop("body", {})}
        parameters = {"format": "TabSeparated", **options.pop("params", {})}
        auth = httpx.BasicAuth(*key.auth) if key else httpx.Auth()
        return self.stack.http.post(url or self.url, params=parameters, auth=auth, json=body, **options)

    def told(self, key: Key, sql: str, **options: Any) -> str:
        answer = self.ask(key, sql, **options)
        assert answer.status_code == 200, answer.text
        return answer.text

    def run(self, sql: str) -> str:
        """What the service's owner gets on the service's own port."""
        return self.stack.query(self.service.id, self.service.password, sql)


@pytest.fixture(scope="module")
def service(stack: Stack) -> Service:
    made = stack.create_service("queries")
    stack.query(made.id, made.password, "CREATE TABLE orders (n UInt8) ENGINE = MergeTree ORDER BY n")
    stack.query(made.id, made.password, "INSERT INTO orders VALUES (1), (2), (3)")
    return made


@pytest.fixture
def queries(stack: Stack, service: Service) -> Iterator[Queries]:
    made = Queries(stack, service)
    yield made
    if (
        stack.http.get(
            f"{stack.api_url}/v1/organizations/{stack.organization_id}{made.place}",
            auth=(stack.api_key_id, stack.api_key_secret),
        ).status_code
        == 200
    ):
        stack.api("DELETE", made.place)


@pytest.fixture
def tool(stack: Stack, tmp_path: Path) -> Tool:
    made = Tool(stack, tmp_path)
    made.environment["CLICKHOUSE_CLOUD_QUERY_HOST"] = str(stack.ready["queries_url"])
    return made


def test_the_vendors_tool_makes_itself_an_endpoint_and_queries(tool: Tool, queries: Queries) -> None:
    service_id = queries.service.id
    assert tool.run("service", "query", "--id", service_id, "--query", "SELECT sum(n) FROM orders").strip() == "6"
    endpoint = tool.json("service", "query-endpoint", "get", service_id)
    assert (endpoint["roles"], endpoint["allowedOrigins"]) == ([ADMIN], "*")
    assert tool.run("service", "query", "--id", service_id, "--query", "SELECT 40 + 2 AS x", "--format", "JSONEachRow")
    assert "UNKNOWN_TABLE" in tool.run("service", "query", "--id", service_id, "--query", "SELECT * FROM no", expect=1)
    tool.run("service", "query-endpoint", "delete", service_id)


def test_a_key_reads_with_parameters_a_database_and_a_format(queries: Queries) -> None:
    key = queries.key()
    queries.let_in(key)
    assert queries.told(key, "SELECT count() FROM orders") == "3\n"
    assert queries.told(key, "SELECT {n:UInt8} + 1", params={"param_n": "41"}) == "42\n"
    assert queries.told(key, "SELECT {t:String}", body={"queryVariables": {"t": "a\tb"}}) == "a\\tb\n"
    assert queries.told(key, "SELECT currentDatabase()", body={"database": "system"}) == "system\n"
    answer = queries.ask(key, "SELECT 1 AS one", params={"format": "JSON"})
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.json()["data"] == [{"one": 1}]
    bad = queries.ask(key, "SELEKT 1")
    assert (bad.status_code, bad.headers["x-clickhouse-exception-code"]) == (400, "62")
    assert "Syntax error" in bad.text


def test_a_key_that_reads_cannot_write_and_one_that_administers_can(queries: Queries) -> None:
    reader, writer = queries.key(), queries.key()
    queries.let_in(reader)
    for sql in ("INSERT INTO orders VALUES (4)", "DROP TABLE orders", "CREATE TABLE t (n UInt8) ENGINE = Memory"):
        refused = queries.ask(reader, sql)
        assert refused.status_code == 400, refused.text
        assert refused.headers["x-clickhouse-exception-code"] in {"164", "497"}
    assert queries.ask(reader, "SELECT * FROM url('http://127.0.0.1/', CSV, 'a String')").status_code == 400
    queries.let_in(writer, role=ADMIN)
    assert queries.told(writer, "CREATE TABLE written (n UInt8) ENGINE = MergeTree ORDER BY n") == ""
    assert queries.told(writer, "INSERT INTO written VALUES (7)") == ""
    assert queries.run("SELECT n FROM written") == "7"
    assert queries.ask(writer, "ALTER USER default IDENTIFIED BY 'long enough for all'").status_code == 400
    assert queries.ask(reader, "SELECT 1").status_code == 401


def test_the_log_names_the_key_its_address_and_its_role(queries: Queries) -> None:
    key = queries.key()
    queries.let_in(key)
    run_id = str(uuid.uuid4())
    answer = queries.ask(key, "SELECT currentUser()", body={"runId": run_id}, headers={"user-agent": "my program"})
    assert answer.text == f"sh:key:{key.id}\n"
    assert answer.headers["x-clickhouse-query-id"] == run_id
    columns = "user, toString(address), http_user_agent, roles[1]"
    queries.run("SYSTEM FLUSH LOGS")
    row = queries.run(f"SELECT DISTINCT {columns} FROM system.query_log WHERE query_id = '{run_id}' FORMAT TSV")
    assert row == f"sh:key:{key.id}\t::ffff:127.0.0.1\tmy program\tsh:sql_console_read_only"


def test_a_key_that_is_not_named_is_nobody(queries: Queries) -> None:
    named, other = queries.key(), queries.key()
    queries.let_in(named)
    assert queries.ask(other, "SELECT 1").status_code == 401
    assert queries.ask(None, "SELECT 1").status_code == 401
    wrong = Key(named.id, (named.auth[0], "sh_wrong"))
    assert queries.ask(wrong, "SELECT 1").status_code == 401
    elsewhere = queries.url.replace(queries.service.id, str(uuid.uuid4()))
    assert queries.ask(named, "SELECT 1", url=elsewhere).status_code == 404
    assert queries.ask(named, "SELECT 1").status_code == 200


def test_a_key_named_for_one_service_reaches_no_other(queries: Queries, stack: Stack) -> None:
    other = Queries(stack, stack.create_service("other"))
    mine, theirs = queries.key(), queries.key()
    queries.let_in(mine)
    other.let_in(theirs)
    assert queries.ask(theirs, "SELECT 1").status_code == 404
    assert other.ask(mine, "SELECT 1").status_code == 404
    assert other.told(theirs, "SELECT 1") == "1\n"
    stack.api("PATCH", f"/services/{other.service.id}/state", {"command": "stop"})
    stack.wait_for_state(other.service.id, "stopped")
    stopped = other.ask(theirs, "SELECT 1", headers={"wake-service": "true"})
    assert (stopped.status_code, stopped.json()) == (206, {"data": "Service is stopped"})
    stack.api("DELETE", f"/services/{other.service.id}")
    stack.wait_until(lambda: other.ask(theirs, "SELECT 1").status_code == 401)


def test_a_key_that_holds_no_more_is_refused(queries: Queries) -> None:
    disabled, deleted, expiring = queries.key(), queries.key(), queries.key()
    queries.let_in(disabled, deleted, expiring)
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    queries.stack.api("PATCH", f"/keys/{expiring.id}", {"expireAt": soon})
    queries.stack.api("PATCH", f"/keys/{disabled.id}", {"state": "disabled"})
    queries.stack.wait_until(lambda: "disabled" in queries.ask(disabled, "SELECT 1").text, timeout=5)
    assert queries.ask(disabled, "SELECT 1").status_code == 401
    queries.stack.api("DELETE", f"/keys/{deleted.id}")
    queries.stack.wait_until(lambda: queries.ask(deleted, "SELECT 1").status_code == 401, timeout=5)
    queries.stack.wait_until(lambda: "expired" in queries.ask(expiring, "SELECT 1").text, timeout=5)
    assert queries.stack.api("GET", queries.place)["openApiKeys"] == [disabled.id, expiring.id]


def test_a_query_that_runs_ends_with_its_key(queries: Queries) -> None:
    key = queries.key()
    queries.let_in(key)
    ends: list[int] = []
    sql = "SELECT sum(sleepEachRow(1)) FROM numbers(100) SETTINGS max_block_size = 1"

    def ask() -> None:
        with httpx.Client(verify=ssl.create_default_context(cafile=queries.stack.ca_file), timeout=60) as http:
            ends.append(http.post(queries.url, json={"sql": sql}, auth=key.auth).status_code)

    running = threading.Thread(target=ask)
    running.start()
    count = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(sleep%'"
    queries.stack.wait_until(lambda: queries.run(count) == "1")
    queries.stack.api("PATCH", f"/keys/{key.id}", {"state": "disabled"})
    running.join(10)
    assert ends == [403]
    queries.stack.wait_until(lambda: queries.run(count) == "0")


def test_the_keys_access_list_counts_by_the_connections_address(queries: Queries) -> None:
    key = queries.key(ipAccessList=[{"source": "127.0.0.2", "description": ""}])
    queries.stack.api("POST", queries.place, {"roles": [READ_ONLY], "openApiKeys": [key.id]})
    queries.stack.wait_until(lambda: queries.ask(key, "SELECT 1").status_code == 403)
    claims = {"x-sh-client-ip": "127.0.0.2", "x-forwarded-for": "127.0.0.2", "forwarded": "for=127.0.0.2"}
    assert queries.ask(key, "SELECT 1", headers=claims).status_code == 403
    verify = ssl.create_default_context(cafile=queries.stack.ca_file)
    transport = httpx.HTTPTransport(verify=verify, local_address="127.0.0.2")
    with httpx.Client(transport=transport, timeout=30) as http:
        url = queries.url.replace("localhost", HERE)
        extensions = {"sni_hostname": "localhost"}
        headers = {"host": queries.url.split("/")[2]}
        sent = http.post(url, json={"sql": "SELECT 1"}, auth=key.auth, extensions=extensions, headers=headers)
        assert sent.status_code == 200, sent.text


def test_pages_need_an_origin_that_is_allowed(queries: Queries) -> None:
    key = queries.key()
    queries.let_in(key)
    page = {"origin": "https://app.example.com"}
    refused = queries.ask(key, "SELECT 1", headers=page)
    assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (403, False)
    preflight = {**page, "access-control-request-method": "POST"}
    assert queries.stack.http.options(queries.url, headers=preflight).status_code == 403
    queries.let_in(key, origins="app.example.com")
    queries.stack.wait_until(lambda: queries.ask(key, "SELECT 1", headers=page).status_code == 200)
    assert queries.ask(key, "SELECT 1", headers=page).headers["access-control-allow-origin"] == page["origin"]
    allowed = queries.stack.http.options(queries.url, headers=preflight)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, page["origin"])
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed.headers
    for origin in ("http://app.example.com", "https://app.example.com.evil.example", "null", "https://evil.example"):
        assert queries.ask(key, "SELECT 1", headers={"origin": origin}).status_code == 403


def test_what_a_client_says_of_itself_in_clickhouses_ways_has_no_effect(queries: Queries) -> None:
    key = queries.key()
    queries.let_in(key)
    owner = {
        "x-clickhouse-user": "default",
        "x-clickhouse-key": queries.service.password,
        "x-clickhouse-database": "system",
        "x-clickhouse-format": "JSON",
        "x-clickhouse-quota": "other",
        "x-clickhouse-ssl-certificate-auth": "on",
        "x-forwarded-user": "default",
        "x-sh-client-ip": "192.0.2.1",
        "x-sh-user": "default",
    }
    parameters = {
        "user": "default",
        "password": queries.service.password,
        "role": "sh:sql_console_admin",
        "readonly": "0",
        "session_id": "shared",
        "database": "system",
        "query": "DROP TABLE orders",
        "query_id": "chosen",
        "default_format": "JSON",
    }
    sql = "SELECT currentUser(), currentDatabase()"
    told = f"sh:key:{key.id}\tdefault\n"
    assert queries.told(key, sql, headers=owner) == told
    assert queries.told(key, sql, params=parameters) == told
    assert queries.ask(None, sql, headers=owner).status_code == 401
    assert queries.ask(key, "INSERT INTO orders VALUES (9)", headers=owner, params=parameters).status_code == 400
    smuggled = {"database": "default&user=default", "queryVariables": {"x&role": "1"}}
    assert queries.ask(key, sql, body=smuggled).status_code == 400
    assert queries.ask(key, sql, params={"format": "TabSeparated&user=default"}).status_code == 400
    assert queries.ask(key, sql, body={"runId": "x\r\nx-clickhouse-user: default"}).status_code == 400
    assert queries.ask(key, sql, headers={"x_sh_client_ip": "192.0.2.1"}).status_code == 400
    assert queries.run("SELECT count() FROM orders") == "3"


def test_requests_have_limits(queries: Queries) -> None:
    key = queries.key()
    queries.let_in(key)
    assert queries.ask(key, f"SELECT '{'x' * 1_100_000}'").status_code == 413
    for body in (
        {"sql": ""},
        {"sql": 1},
        {"sql": "SELECT 1", "database": 1},
        {"sql": "SELECT 1", "queryVariables": []},
    ):
        assert queries.ask(key, "", body=body).status_code == 400
    assert queries.stack.http.post(queries.url, content=b"[1", auth=key.auth).status_code == 400
    assert queries.stack.http.get(queries.url, auth=key.auth).status_code == 405
    assert queries.stack.http.get(f"{queries.stack.ready['queries_url']}/").status_code == 404
    answers = [queries.ask(key, "SELECT 1") for _ in range(250)]
    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    assert 0 < float(late[0].headers["x-ratelimit-reset"]) <= 1
    assert json.loads(late[0].text)["error"].startswith("TOO_MANY_REQUESTS: ")


def test_a_long_result_streams_and_an_error_in_it_cuts_it_off(queries: Queries) -> None:
    key = queries.key()
    queries.let_in(key)
    assert len(queries.told(key, "SELECT number FROM numbers(3000000)")) == 22_888_890
    sql = "SELECT throwIf(number = 2000000), number FROM numbers(3000000) SETTINGS max_block_size = 1000"
    try:
        answer = queries.ask(key, sql)
    except httpx.RemoteProtocolError:
        return
    assert "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO" in answer.text


def test_our_own_command_queries_too(queries: Queries, tmp_path: Path) -> None:
    key = queries.key(assignedRoleIds=[DEVELOPER.id])
    queries.let_in(key)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "STRONGHOUSE_API_URL": queries.stack.api_url,
        "STRONGHOUSE_KEY_ID": key.auth[0],
        "STRONGHOUSE_KEY_SECRET": key.auth[1],
        "STRONGHOUSE_CA_FILE": queries.stack.ca_file,
        "STRONGHOUSE_QUERIES_URL": str(queries.stack.ready["queries_url"]),
    }

    def run(*arguments: str, text: str = "") -> tuple[int, str, str]:
        command = [sys.executable, "-m", "stronghouse", "service", "query", "queries", *arguments]
        done = subprocess.run(
            command, env=environment, input=text, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout, done.stderr

    assert run("SELECT {n:UInt8} + 1 AS x", "--param", "n=41", "--format", "TSV") == (0, "42\n", "")
    assert json.loads(run("--json", text="SELECT 1 AS one")[1])["data"] == [{"one": 1}]
    code, out, error = run("DROP TABLE orders")
    assert (code, out, "Not enough privileges" in error or "readonly" in error) == (1, "", True)
