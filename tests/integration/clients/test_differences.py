"""What differs from a ClickHouse server, as docs/limits.md tells it: each difference, and what works in its place."""

import json
from pathlib import Path

import pytest

from tests.integration.clients.curl import CUT_SHORT, Curl
from tests.integration.worker.service import Service

PLAIN_ENGINES = ("Log", "TinyLog", "StripeLog", "Set", "Join(ANY, LEFT, a)", "File(CSV)")
"""They would write rows to files in plain text."""
FAR_ENGINES = (
    *("URL('http://127.0.0.1/')", "ReplicatedMergeTree ORDER BY a", "Distributed(a, b, c)", "Merge(default, 'x')"),
    "Buffer(default, t, 1, 1, 1, 1, 1, 1, 1)",
)
"""They reach elsewhere, or around what a table's name protects."""


@pytest.mark.parametrize("engine", [*PLAIN_ENGINES, *FAR_ENGINES])
def test_other_table_engines_are_refused(curl: Curl, engine: str) -> None:
    reply = curl(f"CREATE TABLE other_engine (a Int8) ENGINE = {engine}")
    assert (reply.status, reply.code) == (403, 497), reply.text
    assert curl.run("EXISTS other_engine") == "0\n"


@pytest.mark.parametrize(
    "engine",
    [
        *("MergeTree ORDER BY a", "ReplacingMergeTree ORDER BY a", "SummingMergeTree ORDER BY a"),
        *("AggregatingMergeTree ORDER BY a", "Memory", "Null"),
    ],
)
def test_these_table_engines_work(curl: Curl, engine: str) -> None:
    curl.run(f"CREATE OR REPLACE TABLE own_engine (a Int8) ENGINE = {engine}")
    curl.run("INSERT INTO own_engine VALUES (1)")


@pytest.mark.parametrize("engine", ["Memory", "Lazy(10)", "Filesystem('/')", "MySQL('h', 'd', 'u', 'p')"])
def test_databases_are_atomic(curl: Curl, engine: str) -> None:
    assert curl(f"CREATE DATABASE other_database ENGINE = {engine}").code == 497
    curl.run("CREATE DATABASE IF NOT EXISTS own_database ENGINE = Atomic")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM url('http://127.0.0.1/')",
        "SELECT * FROM s3('http://127.0.0.1/x')",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "SELECT * FROM file('/etc/passwd')",
        "SELECT file('/etc/passwd')",
        "SELECT * FROM mysql('a', 'b', 'c', 'd', 'e')",
        "SELECT * FROM executable('x', 'CSV', 'a Int')",
        "SELECT 1 INTO OUTFILE 'x'",
        "INSERT INTO x FROM INFILE 'x' FORMAT CSV",
        "DETACH TABLE x",
        "ATTACH TABLE x",
        "BACKUP TABLE x TO Disk('x', 'y')",
        "RESTORE TABLE x FROM Disk('x', 'y')",
        "CREATE NAMED COLLECTION x AS a = 1",
        "CREATE WORKLOAD x",
        "SYSTEM SHUTDOWN",
        "CREATE TABLE x (a Int8) ENGINE = Memory PARALLEL WITH CREATE TABLE y (a Int8) ENGINE = Memory",
        "SYSTEM RELOAD CONFIG",
    ],
)
def test_nothing_reaches_beyond_the_service(curl: Curl, sql: str) -> None:
    reply = curl(sql)
    assert (reply.status, reply.code) == (403, 497), reply.text


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE DICTIONARY x (a UInt64) PRIMARY KEY a SOURCE(HTTP(URL 'http://x')) LAYOUT(FLAT()) LIFETIME(0)",
        "BEGIN TRANSACTION",
    ],
)
def test_what_the_service_does_not_have_is_named(curl: Curl, sql: str) -> None:
    reply = curl(sql)
    assert (reply.status, reply.code) == (501, 48), reply.text


@pytest.mark.parametrize(
    "setting",
    [
        *("max_bytes_before_external_group_by = 1000000", "max_bytes_before_external_sort = 1000000"),
        *("join_algorithm = 'grace_hash'", "join_algorithm = 'partial_merge'"),
        *("log_comment = 'x'", "allow_introspection_functions = 1", "dialect = 'prql'"),
    ],
)
def test_settings_that_write_plain_files_or_are_the_services_own_are_refused(curl: Curl, setting: str) -> None:
    reply = curl(f"SELECT 1 SETTINGS {setting}")
    assert (reply.status, reply.code) == (500, 452), reply.text
    assert "in this service" in reply.text or "this service sets it itself" in reply.text


def test_a_table_has_no_storage_of_its_own(curl: Curl) -> None:
    for setting in ("storage_policy = 'default'", "disk = 'default'"):
        assert curl(f"CREATE TABLE own_place (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS {setting}").code == 452


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO unclear # c\nVALUES (2)",
        "# c\nINSERT INTO unclear VALUES (3)",
        "\ufeffINSERT INTO unclear VALUES (4)",
        "INSERT INTO unclear SETTINGS format_csv_null_representation=$$a$$ VALUES (6)",
    ],
)
def test_an_insert_whose_data_cannot_be_found_for_certain_is_refused(curl: Curl, text: str) -> None:
    curl.run("CREATE OR REPLACE TABLE unclear (a UInt64) ENGINE = MergeTree ORDER BY a")
    assert curl(text).status >= 400
    assert curl.run("SELECT count() FROM unclear") == "0\n"
    curl.run("INSERT INTO unclear -- c\nVALUES (2)")
    curl.run("/* c */ INSERT INTO unclear VALUES (3)")
    assert curl.run("SELECT count() FROM unclear") == "2\n"


@pytest.mark.parametrize("encoding", ["br", "snappy", "nothing"])
def test_bodies_in_other_compressions_are_refused(curl: Curl, encoding: str) -> None:
    reply = curl(b"SELECT 1", "--header", f"Content-Encoding: {encoding}")
    assert (reply.status, reply.code) == (500, 89), reply.text


def test_expressions_in_values_are_evaluated_in_short_data_only(curl: Curl) -> None:
    curl.run("CREATE OR REPLACE TABLE evaluated (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
    curl.run("INSERT INTO evaluated VALUES (1 + 1, upper('x'))")
    literals = ", ".join(f"({number}, 'literal')" for number in range(10_000))
    curl.run(f"INSERT INTO evaluated VALUES {literals}")
    assert curl.run("SELECT count(), countIf(s = 'X') FROM evaluated") == "10001\t1\n"
    assert curl(f"INSERT INTO evaluated VALUES {literals}, (1 + 1, upper('x'))").status >= 400
    own = {"session_id": "evaluated"}
    curl.run("CREATE TEMPORARY TABLE literal (a UInt64)", **own)
    curl.run("INSERT INTO literal VALUES (2)", **own)
    assert curl("INSERT INTO literal VALUES (1 + 1)", url=own).status >= 400


def test_waiting_for_the_end_holds_a_bounded_result(curl: Curl) -> None:
    sql = "SELECT throwIf(number = {last:UInt64}, 'late'), repeat('x', 100) FROM numbers({rows:UInt64})"
    small = {"param_last": "99999", "param_rows": "100000", "wait_end_of_query": "1", "max_block_size": "1000"}
    assert curl(sql, url=small).status == 500
    large = small | {"param_last": "499999", "param_rows": "500000"}
    reply = curl(sql, url=large)
    assert (reply.status, reply.exit_code in CUT_SHORT) == (200, True)
    assert b"Code: 395. DB::Exception: late" in reply.body


def test_an_error_in_the_middle_of_a_compressed_result_has_no_text(curl: Curl) -> None:
    sql = "SELECT throwIf(number = 2900000, 'late'), sipHash64(number) FROM numbers(3000000)"
    plain = curl(sql)
    assert (plain.status, plain.exit_code in CUT_SHORT) == (200, True)
    assert b"Code: 395. DB::Exception: late" in plain.body
    packed = curl(sql, "--compressed", "--header", "Accept-Encoding: gzip", enable_http_compression="1")
    assert (packed.status, packed.exit_code in CUT_SHORT) == (200, True), "it does not look whole"
    assert b"__exception__" not in packed.body
    assert packed.header("x-clickhouse-exception-tag") == ""


def test_statements_are_short_and_in_unicode(curl: Curl) -> None:
    comment = f"/* {'x' * (4 << 20)} */"
    assert curl(f"SELECT 1 {comment}", max_query_size=str(16 << 20)).status >= 400
    assert curl(f"SELECT 1 {comment[: 3 << 20]} */", max_query_size=str(16 << 20)).text == "1\n"
    assert curl(b"SELECT '\xff'").status >= 400
    assert curl("SELECT 'ü'").text == "ü\n"


def test_a_column_called_file_is_named_with_its_table_in_functions_of_functions(curl: Curl) -> None:
    assert curl("SELECT arrayMap(x -> file, [1]) FROM (SELECT 'a' AS file) AS t").code == 497
    assert curl.run("SELECT arrayMap(x -> t.file, [1]) FROM (SELECT 'a' AS file) AS t") == "['a']\n"
    assert curl.run("SELECT file FROM (SELECT 'a' AS file)") == "a\n"


def test_an_id_of_a_query_is_short_and_printable(curl: Curl) -> None:
    assert curl("SELECT 1", query_id="x" * 128).header("x-clickhouse-query-id") == "x" * 128
    for query_id in ("x" * 129, "ü", "a\nb"):
        assert (curl("SELECT 1", query_id=query_id).status, curl("SELECT 1", query_id=query_id).code) == (400, 36)


def test_there_is_no_stack_trace_in_an_error(curl: Curl) -> None:
    assert curl("SELECT nothing", stacktrace="1").text == curl("SELECT nothing").text


def test_there_are_no_headers_for_pages_of_other_sites(curl: Curl) -> None:
    reply = curl("SELECT 1", "--header", "Origin: https://example.org", add_http_cors_header="1")
    assert (reply.status, reply.header("access-control-allow-origin")) == (200, "")
    assert curl(None, "--request", "OPTIONS", "--header", "Origin: https://example.org").status == 405


def test_results_are_never_kept_by_caches_on_the_way(curl: Curl) -> None:
    assert curl("SELECT 1").header("cache-control") == "no-store"


def test_a_form_is_held_in_memory_and_bounded(curl: Curl, tmp_path: Path) -> None:
    file = tmp_path / "rows.tsv"
    file.write_bytes(b"1\n" * (33 << 20))
    reply = curl(None, "--form", f"t=@{file}", query="SELECT count() FROM t", t_structure="a UInt64")
    assert reply.code == 307
    file.write_bytes(b"1\n" * 1000)
    reply = curl(None, "--form", f"t=@{file}", query="SELECT count() FROM t", t_structure="a UInt64")
    assert reply.text == "1000\n"


@pytest.mark.parametrize("table", ["text_log", "stack_trace", "disks", "errors", "certificates"])
def test_tables_about_the_server_are_not_there(curl: Curl, table: str) -> None:
    reply = curl(f"SELECT count() FROM system.{table}")
    assert (reply.status, reply.code) == (404, 60), reply.text


@pytest.mark.parametrize(
    "table", ["tables", "columns", "databases", "parts", "functions", "settings", "processes", "one"]
)
def test_tables_about_what_is_in_the_service_are_there(curl: Curl, table: str) -> None:
    curl.run("CREATE TABLE IF NOT EXISTS with_parts ENGINE = MergeTree ORDER BY a AS SELECT 1 AS a")
    assert int(curl.run(f"SELECT count() FROM system.{table}")) > 0


def test_async_inserts_are_accepted_and_are_stored_before_the_answer(curl: Curl) -> None:
    curl.run("CREATE TABLE at_once (a UInt64) ENGINE = MergeTree ORDER BY a")
    for number in range(3):
        curl.run(f"INSERT INTO at_once VALUES ({number})", async_insert="1", wait_for_async_insert="0")
        assert curl.run("SELECT count() FROM at_once") == f"{number + 1}\n"


def test_a_summary_counts_what_was_read_and_written(curl: Curl) -> None:
    summary = json.loads(curl("SELECT number FROM numbers(1000)").header("x-clickhouse-summary"))
    assert set(summary) >= {"read_rows", "read_bytes", "written_rows", "written_bytes", "result_rows", "elapsed_ns"}
    assert "memory_usage" not in summary
    assert summary["result_bytes"] == "0", "of a result only the rows are counted"


def test_a_user_has_a_bounded_number_of_sessions(service: Service) -> None:
    def opened(number: int, closes: str = "0") -> int:
        own = {"session_id": f"bounded-{number}", "session_timeout": "5", "close_session": closes}
        return service.ask("SELECT 1", url=own).code

    codes = [opened(number) for number in range(70)]
    assert 50 < codes.count(0) <= 64, "other tests may have some"
    assert set(codes) == {0, 202}
    assert opened(0) == 0, "those that are open go on"
    assert service.run("SELECT 1") == "1\n"
    for number in range(70):
        opened(number, closes="1")  # the tests that follow have sessions too
