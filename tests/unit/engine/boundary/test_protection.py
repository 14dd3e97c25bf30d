import pytest

from stronghouse.engine.boundary.protection import ANY, Touched, touched_tables
from stronghouse.engine.tokens import split


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("RENAME TABLE a.x TO b.y, z TO w", {("a", "x"), (None, "z")}),
        ("RENAME TABLE IF EXISTS a.x TO b.y", {("a", "x")}),
        ("RENAME DATABASE a TO b", {("a", None)}),
        ("EXCHANGE TABLES a.x AND `b`.`y`", {("a", "x"), ("b", "y")}),
        ("CREATE TABLE n.x CLONE AS a.x", {("a", "x")}),
        ("ALTER TABLE n (ATTACH PARTITION 1 FROM a.x)", {(None, "n"), ("a", "x")}),
        ("ALTER TABLE n (REPLACE PARTITION 1 FROM x)", {(None, "n"), (None, "x")}),
        ("ALTER TABLE a.x (MOVE PARTITION 1 TO TABLE n)", {("a", "x"), (None, "n")}),
        ("ALTER TABLE a.x (UPDATE  b = 1 WHERE 1)", {("a", "x")}),
        ("ALTER TABLE a.x (ADD COLUMN `c` Int), (DROP COLUMN d)", {("a", "x")}),
        ("DELETE FROM a.x WHERE 1", {("a", "x")}),
        ("UPDATE a.x SET b = 1 WHERE 1", {("a", "x")}),
        ("OPTIMIZE TABLE a.x FINAL DEDUPLICATE", {("a", "x")}),
        ("ALTER TABLE a.x (ADD INDEX i (n) TYPE minmax)", {("a", "x")}),
        ("ALTER TABLE a.x (MATERIALIZE COLUMN c)", {("a", "x")}),
        ("CREATE INDEX i ON a.x lower(n) TYPE minmax", {("a", "x")}),
        ("CREATE UNIQUE INDEX IF NOT EXISTS `ON` ON x n TYPE minmax", {(None, "x")}),
        ("DROP INDEX IF EXISTS i ON a.x", {("a", "x")}),
        ("CREATE INDEX i ON {t:Identifier} n TYPE minmax", {ANY}),
        ("CREATE MATERIALIZED VIEW v TO n.t AS SELECT * FROM {d:Identifier}.{x:Identifier}", {ANY}),
        ("UNDROP TABLE a.x UUID 'u'", {ANY}),
        ("EXPLAIN ESTIMATE SELECT * FROM v", {ANY}),
        ("SELECT * FROM viewExplain('EXPLAIN ESTIMATE', '', (SELECT 1))", {ANY}),
        ("EXPLAIN SELECT * FROM a.x", {ANY}),
        ("EXPLAIN indexes = 1 SELECT * FROM a.x WHERE b = 1", {ANY}),
        ("EXPLAIN PIPELINE SELECT * FROM a.x", {ANY}),
        ("SELECT * FROM viewExplain('EXPLAIN', 'indexes = 1', (SELECT 1))", {ANY}),
        ("SELECT * FROM `viewExplain`('EXPLAIN PIPELINE', '', (SELECT 1))", {ANY}),
        ("CREATE VIEW v AS SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))", {ANY}),
        ("ALTER TABLE {t:Identifier} (DELETE WHERE 1)", {ANY}),
    ],
)
def test_tables_that_would_lose_their_policies(sql: str, tables: set[Touched]) -> None:
    touched = set(touched_tables(split(sql)))
    assert tables <= touched
    if not any(part.startswith("{") for part in sql.split()):
        assert touched == tables


def test_a_materialized_view_touches_every_table_that_it_can_mean() -> None:
    touched = set(touched_tables(split("CREATE MATERIALIZED VIEW v TO n.t AS SELECT b FROM a.x INNER JOIN `y` ON 1")))
    assert {("n", "t"), ("a", "x"), (None, "y")} <= touched


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM a.x",
        "INSERT INTO a.x (a) SELECT 1",
        "ALTER TABLE a.x (COMMENT COLUMN c 'x'), (REWRITE PARTS)",
        "OPTIMIZE TABLE a.x FINAL",
        "CREATE TABLE b AS a.x",
        "CREATE VIEW v AS SELECT * FROM a.x",
        "DROP TABLE a.x",
        "UNDROP TABLE a.x",
        "EXPLAIN AST SELECT * FROM a.x",
        "EXPLAIN SYNTAX SELECT * FROM a.x",
        "EXPLAIN QUERY TREE SELECT * FROM a.x",
        "SELECT * FROM viewExplain('EXPLAIN QUERY TREE', 'dump_ast = 1', (SELECT 1))",
        "SELECT estimate FROM a.x",
    ],
)
def test_what_leaves_policies_in_force(sql: str) -> None:
    assert touched_tables(split(sql)) == ()
