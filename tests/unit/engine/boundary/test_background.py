import pytest

from stronghouse.engine.boundary.background import INDEX_TYPES, WITH_PARENTHESES, BuiltIns, check_background
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import split

NAMES = ("lower", "todate", "tuple", "sum", "in", "numbers", "array", "mergetree", "zstd", "intdiv")
check = check_background(BuiltIns(frozenset({*NAMES, *INDEX_TYPES, *WITH_PARENTHESES}), ("if", "state")))
LATER = (
    "ALTER TABLE t (UPDATE  s = {} WHERE 1)",
    "ALTER TABLE t (DROP COLUMN x), (DELETE WHERE {})",
    "ALTER TABLE t (ADD COLUMN `c` UInt8 DEFAULT {})",
    "ALTER TABLE t (MODIFY COLUMN `c` UInt8 MATERIALIZED {})",
    "ALTER TABLE t (MODIFY TTL d WHERE {})",
    "ALTER TABLE t (ADD INDEX i ({}) TYPE minmax GRANULARITY 1)",
    "ALTER TABLE t (ADD PROJECTION p (SELECT {} ORDER BY n))",
    "ALTER TABLE t (ADD PROJECTION IF NOT EXISTS p (WITH 1 AS x SELECT {} ORDER BY n))",
    "ALTER TABLE t (ADD CONSTRAINT c CHECK {})",
    "DELETE FROM t WHERE {}",
    "UPDATE t SET s = 1 WHERE {}",
    "CREATE INDEX i ON t {} TYPE minmax GRANULARITY 1",
    "CREATE TABLE t (`n` Int, `c` UInt8 DEFAULT {}) ENGINE = MergeTree ORDER BY n",
    "CREATE TABLE t (`n` Int, `c` UInt8 ALIAS {}) ENGINE = MergeTree ORDER BY n AS SELECT 1 AS n",
    "CREATE TABLE t (`n` Int, INDEX i {} TYPE set(100)) ENGINE = MergeTree ORDER BY n",
    "CREATE TABLE t (`n` Int, CONSTRAINT c CHECK {}) ENGINE = MergeTree ORDER BY n",
    "CREATE TABLE t (`n` Int, PROJECTION p (SELECT {} ORDER BY n)) ENGINE = MergeTree ORDER BY n",
    "CREATE TABLE t (`n` Int) ENGINE = MergeTree ORDER BY n TTL d WHERE {} SETTINGS a = 1",
    "CREATE OR REPLACE TABLE t (`n` Int) ENGINE = MergeTree PARTITION BY {} ORDER BY n",
    "CREATE MATERIALIZED VIEW v (`n` Int) ENGINE = MergeTree ORDER BY n TTL d WHERE {} AS SELECT n FROM x",
)
READS = (
    "n IN (SELECT id FROM x)",
    "n NOT IN (WITH 1 AS y SELECT y)",
    "n IN (t)",
    "n GLOBAL IN (shop.t)",
    "n IN ((t))",
    "n IN (t AS z)",
    "n IN ({t:Identifier})",
    "n IN numbers(3)",
    "in(n, t)",
    "globalNotNullIn(n, shop.t)",
    "lower((SELECT note FROM shop.t))",
    "tuple(in, n)",
    "PROJECTION AND (SELECT 1)",
    "NOT (PROJECTION p (SELECT 1))",
    "mine(n)",
    "sumIf(mine(n), 1)",
)
HARMLESS = (
    "n IN (1, 2)",
    "n IN (1)",
    "n IN ('a' AS z)",
    "n IN (NULL)",
    "n IN [1, 2]",
    "n IN tuple(1)",
    "n IN (toDate('2026-01-01'))",
    "n IN ({x:Array(UInt8)})",
    "(n, m) IN ((1, 2), (3, 4))",
    "sumIf(n, lower(s) = 'select')",
    "`in` = 1",
)


@pytest.mark.parametrize("expression", READS)
@pytest.mark.parametrize("statement", LATER)
def test_nothing_that_is_evaluated_later_reads_another_table(statement: str, expression: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        check(split(statement.replace("{}", expression)))
    assert refused.value.number == 497


@pytest.mark.parametrize("expression", HARMLESS)
@pytest.mark.parametrize("statement", LATER)
def test_values_and_the_tables_own_columns_are_free(statement: str, expression: str) -> None:
    check(split(statement.replace("{}", expression)))


@pytest.mark.parametrize("expression", READS[:-2])
def test_a_function_reads_no_table(expression: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        check(split(f"CREATE FUNCTION f AS (n, t) -> ({expression})"))
    assert refused.value.number == 497
    check(split("CREATE OR REPLACE FUNCTION f AS (n, t) -> mine(n IN (1, 2))"))


def test_a_function_does_not_take_a_built_in_ones_name() -> None:
    for name in ("SUMIF", "IF NOT EXISTS mergetree"):
        with pytest.raises(DatabaseError) as refused:
            check(split(f"CREATE FUNCTION {name} AS n -> (n + 1)"))
        assert refused.value.number == 609


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t WHERE n IN (SELECT mine(id) FROM x)",
        "INSERT INTO t SELECT n FROM x WHERE n IN (y)",
        "CREATE VIEW v AS SELECT n FROM x WHERE n IN (SELECT id FROM y)",
        "CREATE VIEW v AS (SELECT 1) UNION ALL (SELECT 2)",
        "CREATE TABLE t ENGINE = MergeTree ORDER BY n AS WITH 1 AS y SELECT n FROM x WHERE n IN (y)",
        "CREATE TABLE t AS numbers(3)",
        "ALTER TABLE v (MODIFY QUERY SELECT n FROM x WHERE n IN (SELECT id FROM y))",
        "ALTER TABLE t (DELETE IN PARTITION 1 WHERE n = 1)",
        "ALTER TABLE t (CLEAR COLUMN c IN PARTITION ID 'x')",
    ],
)
def test_queries_that_run_at_once_or_as_somebody_are_free(sql: str) -> None:
    check(split(sql))
