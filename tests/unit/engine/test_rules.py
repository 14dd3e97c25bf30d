"""The rules over canonical text; tests/integration/worker/test_admission.py asks them with the real formatter."""

import pytest

from stronghouse.engine import rules
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import split


def refused(sql: str) -> bool:
    tokens = split(sql)
    try:
        for check in (rules.check_form, rules.check_destinations, rules.check_definer, rules.check_settings):
            check(tokens)
    except DatabaseError:
        return True
    return False


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t SETTINGS max_threads = 1, log_comment = 'x'",
        "SELECT a FROM t SETTINGS max_threads = 1, log_queries",
        "SELECT 1 FORMAT JSON SETTINGS dialect = 'prql'",
        "SET log_queries",
        "SET a.b = 1",
        "SELECT 1 SETTINGS offset = -1, select = 'x'",
        "SELECT 1 SETTINGS bool_true_representation = concat('a', (1, 2)), filter = 'x'",
        "ALTER TABLE t (MODIFY SETTING disk = 'local')",
        "ALTER TABLE t (RESET SETTING  max_parts_in_total, storage_policy)",
        "CREATE TABLE t (`a` Int SETTINGS (disk = 'x')) ENGINE = Memory",
        "CREATE TABLE t (PROJECTION p (SELECT a) WITH SETTINGS (max_threads = 1, disk = 'x')) ENGINE = Memory",
        "CREATE TABLE t SETTINGS disk = disk(type = local, path = '/tmp')",
        "CREATE FUNCTION f LANGUAGE WASM",
        "CREATE OR REPLACE FUNCTION IF NOT EXISTS f LANGUAGE WASM",
        "CREATE TABLE t (`a` Int) ENGINE = Memory PARALLEL WITH CREATE TABLE u (`a` Int) ENGINE = Memory",
        "DROP TABLE t ON CLUSTER c",
        "SELECT 1 INTO OUTFILE 'x'",
        "INSERT INTO FUNCTION null('a Int') SELECT 1",
        "ALTER TABLE t (MOVE PARTITION 1 TO DISK 'x')",
        "CREATE VIEW v SQL SECURITY NONE AS SELECT 1",
    ],
)
def test_refused(sql: str) -> None:
    assert refused(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO url (a) SELECT 1",
        "SELECT profile, log_comment FROM t WHERE profile = 1",
        "SELECT settings, setting FROM t WHERE settings = log_comment",
        "SHOW SETTINGS LIKE 'log_queries'",
        "CREATE TABLE t (`file` String) ENGINE = MergeTree ORDER BY file SETTINGS index_granularity = 1",
        "CREATE TABLE t (`a` Int) ENGINE = Memory SETTINGS index_granularity = 1 AS SELECT x, log_comment = 1 FROM u",
        "SELECT * FROM (SELECT 1 SETTINGS max_threads = 1, final) AS x, y WHERE log_comment = 1",
        "SELECT t.a FROM t INNER JOIN u ON cluster = 1",
        "ALTER TABLE t (MODIFY SQL SECURITY INVOKER)",
        "SET param_x = '1'",
    ],
)
def test_allowed(sql: str) -> None:
    assert not refused(sql)


def test_a_statement_of_very_many_words_is_refused() -> None:
    assert len(rules.read_tokens(f"SELECT {'1, ' * 49_999}1")) == rules.MAX_TOKENS
    with pytest.raises(DatabaseError, match="229"):
        rules.read_tokens(f"SELECT {'1, ' * 50_000}1")


@pytest.mark.parametrize("sql", ["USE _stronghouse", "SELECT * FROM `_stronghouse`.query_log", "SELECT _stronghouse"])
def test_nobody_names_the_services_own_database(sql: str) -> None:
    with pytest.raises(DatabaseError, match="497"):
        rules.check_names(split(sql))
    rules.check_names(split("SELECT '_stronghouse' FROM system.query_log"))


def test_settings_are_read_with_their_values() -> None:
    sql = "SELECT 1 SETTINGS max_threads = 2, final, join_algorithm = 'hash', limit = DEFAULT, offset = -1"
    assert list(rules.assignments(split(sql))) == [
        ("max_threads", "2"),
        ("final", "1"),
        ("join_algorithm", "hash"),
        ("limit", None),
        ("offset", ""),
    ]
