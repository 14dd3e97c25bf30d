"""The rules over canonical text; tests/integration/worker/test_admission.py asks them with the real formatter."""

import pytest

from stronghouse.engine import rules
from stronghouse.engine.engine import Vocabulary
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import split

VOCABULARY = Vocabulary(frozenset({"file", "url", "numbers", "format", "brandnew"}), frozenset({"arraymap"}))


def refused(sql: str) -> bool:
    tokens = split(sql)
    checks = (
        rules.check_verb,
        rules.check_destinations,
        rules.check_engines,
        rules.check_definer,
        rules.check_settings,
        rules.check_functions(VOCABULARY),
    )
    try:
        for check in checks:
            check(tokens)
    except DatabaseError:
        return True
    return False


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file('/x')",
        "SELECT arrayMap((file), x)",
        "SELECT arrayMap(((file)), x)",
        "SELECT * APPLY (file) FROM t",
        "SELECT * FROM brandnew('x')",
        "SELECT a FROM t SETTINGS max_threads = 1, log_comment = 'x'",
        "SELECT 1 FORMAT JSON SETTINGS dialect = 'prql'",
        "ALTER TABLE t (MODIFY SETTING disk = 'local')",
        "ALTER TABLE t (RESET SETTING storage_policy)",
        "CREATE FUNCTION f AS x -> file(x)",
        "CREATE FUNCTION f LANGUAGE WASM",
        "SYSTEM SYNC FILE CACHE",
        "SYSTEM DROP REPLICA 'MARK CACHE'",
        "NEWVERB t",
        "KILL TRANSACTION WHERE 1",
    ],
)
def test_refused(sql: str) -> None:
    assert refused(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file, t.file FROM file",
        "SELECT count(file) FROM t WHERE file = 'file(1)'",
        "SELECT arrayMap(x -> x.file, y) FROM t",
        "INSERT INTO url (a) SELECT 1",
        "SELECT * FROM numbers(5)",
        "SELECT profile, log_comment FROM t WHERE profile = 1",
        "CREATE TABLE t (`file` String) ENGINE = MergeTree ORDER BY file SETTINGS index_granularity = 1",
        "SELECT format('{}', 'DEFAULT')",
        "SYSTEM DROP MARK CACHE",
    ],
)
def test_allowed(sql: str) -> None:
    assert not refused(sql)
