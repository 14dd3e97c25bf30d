"""ClickHouse's HTTP interface by hand: what goes on while a query runs and between queries, seen with curl."""

import json
import time

from tests.integration.clients.curl import CUT_SHORT, Curl

SLOW = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"


def until(curl: Curl, sql: str, wanted: str, *, seconds: float = 10) -> None:
    """Ask until the answer is `wanted`."""
    end = time.monotonic() + seconds
    while (seen := curl.run(sql).strip()) != wanted:
        assert time.monotonic() < end, f"{sql}: {seen}, not {wanted}"
        time.sleep(0.05)


def test_temporary_tables_and_settings_live_as_long_as_their_session(curl: Curl) -> None:
    own = {"session_id": "curl-session", "session_timeout": "30"}
    curl.run("CREATE TEMPORARY TABLE curl_kept (n UInt8)", **own)
    curl.run("INSERT INTO curl_kept VALUES (1), (2)", **own)
    curl.run("SET max_block_size = 777", **own)
    assert curl.run("SELECT sum(n), getSetting('max_block_size') FROM curl_kept", **own) == "3\t777\n"
    assert curl("SELECT * FROM curl_kept").code == 60, "nobody else sees it"
    assert curl("SELECT * FROM curl_kept", session_id="curl-another").code == 60
    assert curl.run("SELECT 1", **own | {"session_check": "1"}) == "1\n"
    missing = curl("SELECT 1", session_check="1", session_id="curl-never")
    assert (missing.status, missing.code) == (500, 372)
    assert curl("SELECT 1", session_id="curl-x", session_timeout="many").code == 374
    assert curl("SELECT 1", session_id="curl-x", session_timeout="7200").code == 374


def test_a_session_ends_after_its_time_or_when_closed(curl: Curl) -> None:
    curl.run("CREATE TEMPORARY TABLE t (n UInt8)", session_id="curl-short", session_timeout="1")
    curl.run("CREATE TEMPORARY TABLE t (n UInt8)", session_id="curl-closed")
    curl.run("SELECT * FROM t", session_id="curl-closed", close_session="1")
    assert curl("SELECT 1", session_id="curl-closed", session_check="1").code == 372
    time.sleep(1.5)
    assert curl("SELECT 1", session_id="curl-short", session_check="1").code == 372


def test_a_session_serves_one_query_at_a_time(curl: Curl) -> None:
    with curl.start("SELECT sleep(1.5)", session_id="curl-busy", query_id="curl-busy") as first:
        until(curl, "SELECT count() FROM system.processes WHERE query_id = 'curl-busy'", "1")
        locked = curl("SELECT 1", session_id="curl-busy")
        assert locked.code == 373
        assert first.communicate()[0] == b"0\n"
    assert curl.run("SELECT 1", session_id="curl-busy") == "1\n"


def test_errors_before_the_end_have_their_status_if_one_waits(curl: Curl) -> None:
    sql = "SELECT throwIf(number = 900000, 'late') FROM numbers(1000000) SETTINGS max_block_size = 1000"
    waited = curl(sql, wait_end_of_query="1")
    assert (waited.status, waited.code, waited.exit_code) == (500, 395, 0)
    assert waited.text.startswith("Code: 395. DB::Exception: late")
    streamed = curl(sql)
    assert streamed.status == 200
    assert streamed.exit_code in CUT_SHORT, "nobody takes it for whole"
    tag = streamed.header("x-clickhouse-exception-tag").encode()
    _, message, end = streamed.body.split(b"\r\n__exception__\r\n")
    assert end == b""
    assert message.startswith(tag + b"\r\nCode: 395. DB::Exception: late")
    assert message.endswith(b" " + tag)
    said, length = message[len(tag) + 2 : -len(tag) - 1].rsplit(b"\n", 1)
    assert int(length) == len(said) + 1, "clients find the message by its length, which counts the line's end"


def test_progress_comes_in_headers_while_the_query_runs(curl: Curl) -> None:
    reply = curl(
        "SELECT sum(sleepEachRow(0.1)) FROM numbers(12) SETTINGS max_block_size = 1, max_threads = 1",
        send_progress_in_http_headers="1",
        http_headers_progress_interval_ms="100",
    )
    assert (reply.status, reply.text) == (200, "0\n")
    told = [json.loads(value) for value in reply.values("x-clickhouse-progress")]
    assert len(told) >= 3
    rows = [int(entry["read_rows"]) for entry in told]
    assert rows == sorted(rows)
    assert 0 < rows[0] < 12 or rows[1] < 12
    assert told[-1]["total_rows_to_read"] == "12"
    assert int(json.loads(reply.header("x-clickhouse-summary"))["read_rows"]) == 12
    assert curl("SELECT 1").values("x-clickhouse-progress") == []


def test_a_query_is_found_by_its_id_and_killed(curl: Curl) -> None:
    with curl.start(SLOW, query_id="curl-slow") as slow:
        until(curl, "SELECT count() FROM system.processes WHERE query_id = 'curl-slow'", "1")
        row = json.loads(
            curl.run("SELECT user, query FROM system.processes WHERE query_id = 'curl-slow' FORMAT JSONEachRow")
        )
        assert row == {"user": "default", "query": SLOW}
        again = curl("SELECT 1", query_id="curl-slow")
        assert again.code == 216
        killed = curl("KILL QUERY WHERE query_id = 'curl-slow' SYNC")
        assert killed.status == 200
        assert "curl-slow" in killed.text
        assert b"Code: 394" in slow.communicate(timeout=10)[0]
    until(curl, "SELECT count() FROM system.processes WHERE query_id = 'curl-slow'", "0")
    assert curl.run("KILL QUERY WHERE query_id = 'curl-slow' SYNC") == ""


def test_a_query_whose_client_is_gone_ends(curl: Curl) -> None:
    with curl.start(SLOW, query_id="curl-left") as left:
        until(curl, "SELECT count() FROM system.processes WHERE query_id = 'curl-left'", "1")
        left.kill()
    until(curl, "SELECT count() FROM system.processes WHERE query_id = 'curl-left'", "0")


def test_many_queries_over_one_connection(curl: Curl) -> None:
    again: list[str] = []
    for number in range(5):
        again += ["--next"] if again else []
        again += ["--silent", "--header", f"@{curl.credentials}", "--data-binary", f"SELECT {number}"]
        again += ["--write-out", "%{num_connects}\n", f"http://127.0.0.1:{curl.port}/"]
    assert curl.lines(*again) == ["0", "1", "1", "0", "2", "0", "3", "0", "4", "0"]


def test_results_of_any_length_are_streamed(curl: Curl) -> None:
    reply = curl("SELECT number, repeat('x', 100) FROM numbers(600000) FORMAT RowBinary")
    assert (reply.status, reply.exit_code) == (200, 0)
    assert len(reply.body) == 600_000 * 109
    assert reply.header("transfer-encoding") == "chunked"
