import pytest

from stronghouse.engine.boundary.classification import Verdict
from stronghouse.engine.boundary.statements import kind_of
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import split


@pytest.mark.parametrize(
    ("sql", "verdict"),
    [
        ("SELECT 1", Verdict.ALLOW),
        ("CREATE OR REPLACE TABLE t (`a` Int) ENGINE = Memory", Verdict.ALLOW),
        ("CREATE TEMPORARY VIEW v AS SELECT 1", Verdict.ALLOW),
        ("DROP TEMPORARY TABLE t", Verdict.ALLOW),
        ("ALTER TABLE t (ADD COLUMN `a` Int), (DELETE WHERE 1)", Verdict.ALLOW),
        ("ALTER TABLE t (ADD COLUMN `a` Int), (MODIFY QUERY SELECT 1)", Verdict.ADMIN),
        ("SYSTEM STOP MERGES t", Verdict.ADMIN),
        ("CREATE USER OR", Verdict.ACCESS),
        ("CREATE OR REPLACE USER u", Verdict.ACCESS),
        ("SHOW CREATE SETTINGS PROFILE p", Verdict.ACCESS),
        ("SHOW CREATE TABLE p", Verdict.ALLOW),
        ("SET ROLE a, b", Verdict.ACCESS),
        ("SET max_threads = 1", Verdict.ALLOW),
        ("GRANT a TO b", Verdict.ACCESS),
        ("CHECK GRANT SELECT ON t", Verdict.ACCESS),
        ("CHECK TABLE t", Verdict.ALLOW),
    ],
)
def test_the_longest_phrase_decides(sql: str, verdict: Verdict) -> None:
    assert kind_of(split(sql)).verdict is verdict


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("NEWVERB t", 497),
        ("SHOW NEWTHING", 497),
        ("ALTER TABLE t", 497),
        ("ALTER TABLE t (NEWCOMMAND x)", 497),
        ("ALTER TABLE t (ADD COLUMN `a` Int), (FREEZE)", 497),
        ("SYSTEM SHUTDOWN", 497),
        ("SYSTEM DROP REPLICA 'MARK CACHE'", 497),
        ("EXECUTE AS bob SELECT 1", 497),
        ("CREATE DICTIONARY d", 48),
        ("KILL TRANSACTION WHERE 1", 48),
        ("`SELECT` 1", 497),
    ],
)
def test_what_is_refused_or_not_known(sql: str, code: int) -> None:
    with pytest.raises(DatabaseError) as refusal:
        kind_of(split(sql))
    assert refusal.value.number == code
