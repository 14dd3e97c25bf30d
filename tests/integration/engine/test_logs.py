"""The logs in a real engine: what is in them, and that it is there once, whatever happens in between."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def act(directory: Path, name: str, *, dies: bool = False) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.engine.logged_engine", str(directory), name],
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "TZ": "UTC", "LANG": "C.UTF-8"},
        capture_output=True,
        timeout=90,
        check=False,
    )
    if dies:
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        return None
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return act(tmp_path_factory.mktemp("logs"), "recorded")


def test_a_query_is_recorded_with_what_the_front_and_what_the_engine_know(found: Any) -> None:
    (query,) = [each for each in found["queries"] if each["query_id"] == "id-t2"]
    expected = {
        "type": "QueryFinish",
        "query": "SELECT upper(b) FROM t WHERE a = 1",
        "user": "alice",
        "initial_user": "alice",
        "address": "::ffff:10.0.0.7",
        "initial_address": "::ffff:10.0.0.7",
        "port": 50_123,
        "interface": "HTTP",
        "is_secure": 1,
        "is_initial_query": 1,
        "http_method": "POST",
        "query_kind": "Select",
        "tables": ["default.t"],
        "databases": ["default"],
        "columns": ["default.t.a", "default.t.b"],
        "used_functions": ["equals", "upper"],
        "used_privileges": ["SELECT(b, a) ON default.t"],
        "exception_code": 0,
        "roles": ["reader"],
        "Settings": {"max_threads": "2"},
    }
    for name in ("columns", "used_functions"):
        query[name].sort()
    assert {name: query[name] for name in expected} == expected
    assert int(query["memory_usage"]) > 0


def test_a_query_that_failed_is_recorded_with_its_error(found: Any) -> None:
    (query,) = [each for each in found["queries"] if each["query_id"] == "id-t3"]
    assert (query["type"], query["exception_code"], query["query_kind"]) == ("ExceptionBeforeStart", 47, "Select")
    assert "missing" in query["exception"]


def test_a_statement_that_the_engine_never_saw_is_recorded(found: Any) -> None:
    (query,) = [each for each in found["queries"] if each["query_kind"] == "Grant"]
    assert (query["query"], query["tables"]) == ("GRANT x TO y", [])


def test_texts_of_any_kind_are_kept_and_cut(found: Any) -> None:
    (query,) = [each for each in found["queries"] if each["query"].startswith("a\n")]
    assert query["query"].startswith("a\n\0?'\\xxx")
    assert (query["exception"], query["address"]) == ("\0\n", "::")
    assert found["longest"] == "100000"


def test_hashes_are_the_engines(found: Any) -> None:
    assert found["hashes"] == "0"


def test_a_sign_in_that_failed_is_recorded(found: Any) -> None:
    (session,) = found["sessions"]
    expected = {
        "type": "LoginFailure",
        "auth_id": "6f1c3a60-1111-2222-3333-444455556666",
        "event_time_microseconds": "2026-11-26 12:53:20.123456",
        "user": "bob",
        "auth_type": None,
        "client_address": "2001:db8::1",
        "client_port": 7,
        "interface": "HTTP",
        "failure_reason": "wrong password",
        "settings": [["a", "b"]],
        "tls_version": "TLSv1.3",
        "tls_cipher": "TLS_AES_128_GCM_SHA256",
    }
    for each in expected:
        if isinstance(session[each], dict):
            session[each] = list(session[each].values())
    assert {name: session[name] for name in expected} == expected


def test_the_query_log_has_the_columns_that_the_engines_own_has(found: Any) -> None:
    assert len(found["engine_columns"]) > 80
    assert [each for each in found["columns"] if each["name"] != "roles"] == found["engine_columns"]


def test_processes_are_shown_as_their_users_know_them(found: Any) -> None:
    assert found["processes"] == {
        "query": "SELECT query, user, query_id, address FROM _stronghouse.processes",
        "user": "alice",
        "query_id": "id-own",
        "address": "::ffff:10.0.0.7",
    }


def test_facts_tell_how_much_there_is_and_the_journal_is_empty_then(found: Any) -> None:
    (queries, newest), (sessions, login) = found["facts"]
    assert found["before"] == 0
    assert (queries, sessions, login) == (6, 1, 1_795_697_600)
    assert newest > 0
    assert found["waiting"] == 0


def test_the_engines_own_table_of_everybodys_queries_is_gone(found: Any) -> None:
    assert found["users_own"] == "0"


def test_records_that_were_moved_but_not_forgotten_are_not_moved_twice(tmp_path: Path) -> None:
    act(tmp_path, "killed_while_moving", dies=True)
    assert act(tmp_path, "counted") == {"rows": "10", "different": "10", "files": []}


def test_records_that_waited_when_the_worker_was_killed_are_moved_by_the_next(tmp_path: Path) -> None:
    act(tmp_path, "killed_before_moving", dies=True)
    assert act(tmp_path, "counted") == {"rows": "7", "different": "7", "files": []}


def test_records_that_the_table_refused_at_last_wait(tmp_path: Path) -> None:
    assert act(tmp_path, "refused_at_last") == {"code": 469, "waiting": True}
    assert act(tmp_path, "counted") == {"rows": "10", "different": "10", "files": []}


def test_records_that_were_written_only_in_part_are_moved_again(tmp_path: Path) -> None:
    assert act(tmp_path, "inserted_in_part") == {"code": 243, "waiting": True}
    assert act(tmp_path, "counted") == {"rows": "10", "different": "10", "files": []}


def test_a_merge_that_was_written_only_in_part_is_undone(tmp_path: Path) -> None:
    assert act(tmp_path, "merged_in_part") == {"code": 0, "parts": "3", "rows": "12"}
    assert act(tmp_path, "counted") == {"rows": "12", "different": "12", "files": []}


def test_what_is_damaged_stops_nothing_else_and_is_kept(tmp_path: Path) -> None:
    found = act(tmp_path, "damaged")
    assert int(found["after_change"]) == 4
    assert [each["query"] for each in found["queries"]] == ["good", "good too"]
    assert (found["damaged"], found["waiting"]) == (2, 0)


def test_records_wait_while_the_engine_is_closed_and_tables_follow_the_version(tmp_path: Path) -> None:
    found = act(tmp_path, "reopened")
    assert (found["moved"], found["refused"], found["found"]) == ("3", 236, "7")
    assert "TTL event_date + toIntervalDay(7)" in found["definition"]


def test_rows_go_when_their_time_is_over(tmp_path: Path) -> None:
    assert act(tmp_path, "expired") == {"queries": [{"query": "new"}]}


def test_the_operators_rules_are_the_engines_regular_expressions(tmp_path: Path) -> None:
    found = act(tmp_path, "patterns")
    assert found["found"] == ["card [HIDDEN]\n\0\\ é [HIDDEN]", "?", ""]
    assert found["closed"] == "[HIDDEN]"
    assert found["unchanged"]
    assert found["taken"] < 2
    assert ["RE2" in sentence or "empty" in sentence for sentence in found["invalid"]] == [True, True, True]
