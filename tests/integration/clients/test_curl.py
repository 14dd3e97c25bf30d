"""ClickHouse's HTTP interface by hand: what curl asks, and how it is answered."""

import json
from pathlib import Path

import pytest

from tests.integration.clients.curl import Curl
from tests.integration.worker.service import PASSWORD


def test_a_query_comes_in_the_url_the_body_or_both(curl: Curl) -> None:
    assert curl(query="SELECT 1").text == "1\n"
    assert curl("SELECT 2").text == "2\n"
    assert curl("1 + 2", query="SELECT").text == "3\n"
    assert curl(None, "--get", "--data-urlencode", "query=SELECT 4").text == "4\n"
    assert curl(None, "--data", "SELECT 5").text == "5\n", "curl calls any body a form"
    assert curl("SELECT 6", "--header", "Content-Type: text/plain").text == "6\n"
    assert curl(None, "--data", "", query="SELECT 7").text == "7\n"
    assert curl("SELECT 8", "--request", "PUT").status == 200


def test_health_checks_need_no_credentials(curl: Curl) -> None:
    nobody = curl.as_user("nobody", None)
    for path in ("/", "/ping", "/replicas_status"):
        reply = nobody(path=path)
        assert (reply.status, reply.text) == (200, "Ok.\n"), path
        head = nobody(None, "--head", path=path)
        assert (head.status, head.body[:5]) == (200, b"HTTP/"), path


def test_credentials_in_three_ways(curl: Curl) -> None:
    nobody = curl.as_user("nobody", None)
    sql = "SELECT currentUser()"
    assert nobody(sql, "--user", f"default:{PASSWORD}").text == "default\n"
    assert nobody(sql, user="default", password=PASSWORD).text == "default\n"
    assert curl(sql).text == "default\n"
    refused = nobody(sql, "--user", "default:wrong")
    assert (refused.status, refused.code) == (403, 516)
    asked = nobody(sql)
    assert (asked.status, asked.code) == (401, 516)
    assert asked.header("www-authenticate").startswith("Basic")


def test_head_runs_the_query_and_sends_no_body(curl: Curl) -> None:
    reply = curl(None, "--head", query="SELECT number FROM numbers(10) FORMAT CSV", query_id="headed")
    assert (reply.status, reply.exit_code) == (200, 0)
    assert reply.header("x-clickhouse-query-id") == "headed"
    assert reply.header("x-clickhouse-format") == "CSV"
    assert b"\n9\n" not in reply.body
    assert curl(None, "--head", query="SELECT nothing").status == 404


def test_get_reads_only(curl: Curl) -> None:
    refused = curl(query="CREATE TABLE by_get (n UInt8) ENGINE = Memory")
    assert (refused.status, refused.code) == (500, 164)
    assert curl("CREATE TABLE by_get (n UInt8) ENGINE = Memory").status == 200


def test_answers_say_what_they_are(curl: Curl) -> None:
    reply = curl("SELECT number FROM numbers(1000)", query_id="told", default_format="JSONEachRow")
    assert reply.header("x-clickhouse-query-id") == "told"
    assert reply.header("x-clickhouse-format") == "JSONEachRow"
    assert reply.header("x-clickhouse-timezone") == "UTC"
    assert reply.header("x-clickhouse-server-display-name")
    assert reply.header("content-type").startswith("application/x-ndjson")
    summary = json.loads(reply.header("x-clickhouse-summary"))
    assert (summary["read_rows"], summary["result_rows"]) == ("1000", "1000")
    assert int(summary["elapsed_ns"]) > 0
    assert curl("SELECT 1 WHERE 0").header("x-clickhouse-format") == "TabSeparated"
    for sql in ("CREATE TABLE curl_told (n UInt64) ENGINE = Memory", "INSERT INTO curl_told SELECT 1"):
        silent = curl(sql)
        assert (silent.status, silent.body, silent.header("x-clickhouse-format")) == (200, b"", ""), sql
    first, second = (curl("SELECT 1").header("x-clickhouse-query-id") for _ in range(2))
    assert first
    assert first != second, "each query has an id of its own"


def test_the_format_comes_from_the_statement_the_url_or_a_header(curl: Curl) -> None:
    sql = "SELECT 'x' AS a"
    assert curl(sql, "--header", "X-ClickHouse-Format: CSV").text == '"x"\n'
    assert curl(sql, "--header", "X-ClickHouse-Format: CSV", default_format="JSONEachRow").text == '{"a":"x"}\n'
    assert curl(f"{sql} FORMAT Values", default_format="JSONEachRow").text == "('x')"


def test_the_database_comes_from_the_url_or_a_header(curl: Curl) -> None:
    curl.run("CREATE DATABASE curl_other")
    sql = "SELECT currentDatabase()"
    assert curl.run(sql) == "default\n"
    assert curl.run(sql, database="curl_other") == "curl_other\n"
    assert curl.run(sql, "--header", "X-ClickHouse-Database: curl_other") == "curl_other\n"
    missing = curl(sql, database="curl_missing")
    assert (missing.status, missing.code) == (404, 81)


def test_parameters_are_values_and_never_text(curl: Curl) -> None:
    curl.run("CREATE TABLE curl_parameters (n UInt8) ENGINE = Memory")
    given = {"param_n": "4", "param_s": "a\\tb'; DROP TABLE curl_parameters --", "param_a": "['p','q\\'']"}
    told = curl.run("SELECT {n:UInt8}, {s:String}, {a:Array(String)}", **given)
    assert told == "4\ta\\tb\\'; DROP TABLE curl_parameters --\t['p','q\\'']\n"
    assert curl.run("SELECT count() FROM {t:Identifier}", param_t="curl_parameters") == "0\n"
    missing = curl("SELECT {n:UInt8}")
    assert missing.code == 456
    assert curl("SELECT {n:UInt8}", param_n="-1").code == 457
    assert curl.run("EXISTS curl_parameters") == "1\n"


def test_settings_in_the_url_hold_for_one_query(curl: Curl) -> None:
    sql = "SELECT getSetting('max_block_size')"
    assert curl.run(sql, max_block_size="777") == "777\n"
    assert curl.run(sql) != "777\n"
    assert curl(sql, max_block_size="many").status == 400
    unknown = curl(sql, no_such_setting="1")
    assert (unknown.status, unknown.code) == (404, 115)
    over = curl("SELECT number FROM numbers(100)", max_result_rows="10")
    assert over.code == 396


def test_inserts_from_the_body(curl: Curl, tmp_path: Path) -> None:
    curl.run("CREATE TABLE curl_insert (n UInt32, s String) ENGINE = MergeTree ORDER BY n")
    file = tmp_path / "rows.csv"
    file.write_text("".join(f"{number},row\n" for number in range(100_000)))
    target = {"query": "INSERT INTO curl_insert FORMAT CSV"}
    assert curl(None, "--data-binary", f"@{file}", url=target).status == 200
    assert curl(file.read_bytes(), "--header", "Transfer-Encoding: chunked", url=target).status == 200
    expecting = curl(file.read_bytes(), "--header", "Expect: 100-continue", url=target)
    assert expecting.status == 200
    assert json.loads(expecting.header("x-clickhouse-summary"))["written_rows"] == "100000"
    assert curl("INSERT INTO curl_insert VALUES (1, 'it''s'), (2, 'b')").status == 200
    assert curl("(3, 'c')", query="INSERT INTO curl_insert VALUES").status == 200
    assert curl('{"n":4,"s":"d"}\n', query="INSERT INTO curl_insert FORMAT JSONEachRow").status == 200
    assert curl("INSERT INTO curl_insert SELECT 5, 'e'").status == 200
    assert curl.run("SELECT count(), countIf(s = 'row') FROM curl_insert") == "300005\t300000\n"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_curl_reads_compressed_answers(curl: Curl, encoding: str) -> None:
    """`br` is among them for answers, as with ClickHouse."""
    sql = "SELECT number, repeat('x', 50) FROM numbers(100000)"
    plain = curl(sql)
    asked = ("--header", f"Accept-Encoding: {encoding}")
    assert curl(sql, *asked).header("content-encoding") == "", "only with enable_http_compression"
    packed = curl(sql, *asked, enable_http_compression="1")
    assert packed.header("content-encoding") == encoding
    assert len(packed.body) < len(plain.body) / 5
    assert curl(sql, "--compressed", *asked, enable_http_compression="1").body == plain.body


def test_compressed_bytes_of_an_answer_can_be_sent_back(curl: Curl) -> None:
    curl.run("CREATE TABLE curl_packed (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
    total = 0
    for encoding in ("gzip", "deflate", "zstd", "lz4"):
        packed = curl(
            "SELECT number AS n, toString(number) AS s FROM numbers(200000) FORMAT Native",
            *("--header", f"Accept-Encoding: {encoding}"),
            enable_http_compression="1",
        )
        assert packed.header("content-encoding") == encoding
        sent = curl(
            packed.body, "--header", f"Content-Encoding: {encoding}", query="INSERT INTO curl_packed FORMAT Native"
        )
        assert sent.status == 200, sent
        total += 200_000
        assert curl.run("SELECT count(), sum(n) FROM curl_packed") == f"{total}\t{total * 199_999 // 2}\n"


def test_tables_that_come_with_the_query(curl: Curl, tmp_path: Path) -> None:
    ids = tmp_path / "ids.tsv"
    ids.write_text("1\n3\n")
    sql = "SELECT number FROM numbers(5) WHERE number IN (SELECT id FROM ids)"
    form = ("--form", f"ids=@{ids}")
    assert curl(None, *form, query=sql, ids_structure="id UInt64").text == "1\n3\n"
    assert curl(None, *form, query=sql.replace("SELECT id", "SELECT _1"), ids_types="UInt64").text == "1\n3\n"
    csv = tmp_path / "names.csv"
    csv.write_text('1,"one"\n3,"three"\n')
    both = (*form, "--form", f"names=@{csv}")
    joined = "SELECT id, name FROM ids JOIN names ON ids.id = names.id ORDER BY id"
    shape = {"ids_structure": "id UInt64", "names_structure": "id UInt64, name String", "names_format": "CSV"}
    assert curl(None, *both, query=joined, url=shape).text == "1\tone\n3\tthree\n"
    assert curl("SELECT * FROM ids").code == 60, "they are gone with the query"
    assert curl(None, *form, query=sql).status == 400, "nothing says what the columns are"
    in_form = ("--form-string", f"query={sql}", "--form-string", "ids_structure=id UInt64")
    assert curl(None, *form, *in_form).text == "1\n3\n"


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", 400, 62),
        ("SELECT 1 SELECT 2", 400, 62),
        ("SELECT nothing", 404, 47),
        ("SELECT * FROM nothing", 404, 60),
        ("SELECT * FROM nothing.nothing", 404, 81),
        ("SELECT no_function()", 404, 46),
        ("SELECT 1 FORMAT Nothing", 404, 73),
        ("SELECT 1 SETTINGS nothing = 1", 404, 115),
        ("SELECT toInt8('x')", 400, 6),
        ("SELECT 'a' + 1", 500, 43),
        ("SELECT sum(1, 2)", 500, 42),
        ("CREATE TABLE twice (a Int8) ENGINE = Memory", 500, 57),
        ("CREATE TABLE shape (a NoType) ENGINE = Memory", 404, 50),
        ("SELECT * FROM file('/etc/passwd')", 403, 497),
        ("SELECT * FROM numbers(10) SETTINGS max_result_rows = 1", 500, 396),
        ("SELECT sleep(3) SETTINGS max_execution_time = 1", 408, 159),
        ("SELECT groupArray(number) FROM numbers(100000000) SETTINGS max_memory_usage = '50M'", 500, 241),
    ],
)
def test_errors_have_clickhouses_codes_and_statuses(curl: Curl, sql: str, status: int, code: int) -> None:
    if code == 57:
        curl.run(sql)
    reply = curl(sql)
    assert (reply.status, reply.code) == (status, code), reply.text
    assert reply.text.startswith(f"Code: {code}. DB::Exception: ")
    assert reply.text.count("(version ") == 1
    assert curl(sql, "--fail").exit_code == 22, "curl sees that it failed"


def test_an_insert_that_fails_says_where_and_has_one_name(curl: Curl) -> None:
    curl.run("CREATE TABLE curl_wrong (n UInt32) ENGINE = MergeTree ORDER BY n")
    reply = curl("1\n2\nx\n", query="INSERT INTO curl_wrong FORMAT CSV")
    assert (reply.status, reply.code) == (400, 117)
    assert "at row 3" in reply.text
    assert reply.text.count("(version ") == 1
    cut = curl("half", query="INSERT INTO curl_wrong FORMAT Native")
    assert cut.status >= 400
    assert cut.text.count("(version ") == 1
    assert "UNKNOWN_EXCEPTION" not in cut.text
    assert curl.run("SELECT count() FROM curl_wrong") == "0\n"


def test_nothing_else_is_served(curl: Curl) -> None:
    for path in ("/play", "/dashboard", "/binary", "/merges", "/jemalloc", "/js/uplot.js", "/metrics", "/nothing"):
        reply = curl(path=path)
        assert reply.status == 404, path
        assert reply.text.startswith(f"There is no handle {path}")
    assert curl(None, "--request", "DELETE").status in {400, 405, 501}
