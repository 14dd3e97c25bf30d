"""Attempts by people with few rights: at others' rows and queries, at more rights, at what a policy hides."""

import threading
from collections.abc import Iterator

import pytest

from tests.integration.worker.attack import ABSENT, CANARY, DENIED, FIXED, Attempts, Who, hold, send
from tests.integration.worker.service import Service, temporary_service

READ_ONLY_ACCOUNT = 495
NOTHING_FOUND = 636

SETUP = (
    "CREATE DATABASE shop",
    "CREATE DATABASE secret",
    "CREATE DATABASE lab",
    "CREATE TABLE shop.orders (tenant UInt8, note String) ENGINE = ReplacingMergeTree ORDER BY tenant",
    f"INSERT INTO shop.orders VALUES (1, 'mine'), (2, '{CANARY}')",
    "CREATE TABLE shop.open (n UInt8) ENGINE = MergeTree ORDER BY n",
    "CREATE TABLE secret.rows (s String) ENGINE = MergeTree ORDER BY s",
    f"INSERT INTO secret.rows VALUES ('{CANARY}')",
    *(f"CREATE USER {who} IDENTIFIED WITH sha256_password BY '{who} password'" for who in ("reader", "writer", "ddl")),
    "CREATE ROLE clerk",
    "GRANT SELECT ON shop.* TO clerk",
    "GRANT clerk TO reader",
    "GRANT SELECT, INSERT ON shop.* TO writer",
    "GRANT SELECT ON shop.* TO ddl",
    "GRANT SELECT, INSERT, CREATE, ALTER, DROP, TRUNCATE, OPTIMIZE ON lab.* TO ddl",
    "GRANT ALTER, DROP, INSERT, OPTIMIZE, CREATE TABLE, UNDROP TABLE ON shop.* TO ddl",
    "GRANT CREATE TEMPORARY TABLE ON *.* TO reader, writer, ddl",
    "CREATE ROW POLICY own ON shop.orders USING tenant = 1 TO reader, writer, ddl",
    "CREATE ROW POLICY all ON shop.orders USING 1 TO default",
)


@pytest.fixture(scope="module")
def shop() -> Iterator[Service]:
    """A service with tables, people and a policy: tenant 2's row holds the canary."""
    with temporary_service() as service:
        for sql in SETUP:
            service.run(sql)
        yield service


READER = Attempts(
    [
        ("SELECT * FROM secret.rows", DENIED),
        ("SELECT count() FROM secret.rows", DENIED),
        ("SELECT * FROM merge('secret', '.*')", NOTHING_FOUND),
        ("SELECT * FROM loop(secret.rows)", DENIED),
        ("SELECT * FROM view(SELECT * FROM secret.rows)", DENIED),
        ("SELECT (SELECT any(s) FROM secret.rows)", DENIED),
        ("SELECT 1 WHERE 'x' IN (SELECT s FROM secret.rows)", DENIED),
        ("SELECT 1 WHERE 'x' IN secret.rows", DENIED),
        ("DESCRIBE secret.rows", DENIED),
        ("SHOW CREATE TABLE secret.rows", DENIED),
        ("SELECT * FROM mergeTreeIndex('shop', 'orders')", DENIED),
        ("SELECT * FROM mergeTreeProjection('shop', 'orders', 'p')", DENIED),
        ("SELECT * FROM mergeTreeAnalyzeIndexes('shop', 'orders')", DENIED),
        ("EXPLAIN ESTIMATE SELECT * FROM shop.orders", DENIED),
        ("EXPLAIN indexes = 1 SELECT * FROM shop.orders WHERE tenant = 2", DENIED),
        ("EXPLAIN PLAN SELECT * FROM shop.orders WHERE tenant = 2", DENIED),
        ("EXPLAIN PIPELINE SELECT * FROM shop.orders WHERE tenant = 2", DENIED),
        ("SELECT * FROM (EXPLAIN indexes = 1 SELECT * FROM shop.orders WHERE tenant = 2)", DENIED),
        ("USE _stronghouse", DENIED),
        ("SHOW CREATE DATABASE _stronghouse", DENIED),
        ("SELECT * FROM viewExplain('EXPLAIN ESTIMATE', '', (SELECT * FROM shop.orders))", DENIED),
        ("INSERT INTO shop.orders VALUES (3, 'x')", DENIED),
        ("ALTER TABLE shop.orders DELETE WHERE 1", DENIED),
        ("DELETE FROM shop.orders WHERE 1", DENIED),
        ("TRUNCATE TABLE shop.orders", DENIED),
        ("DROP TABLE shop.orders", DENIED),
        ("DROP DATABASE shop", DENIED),
        ("CREATE TABLE shop.mine (a Int) ENGINE = Memory", DENIED),
        ("CREATE DATABASE mine", DENIED),
        ("CREATE FUNCTION mine AS x -> x", DENIED),
        ("OPTIMIZE TABLE shop.orders FINAL", DENIED),
        ("SYSTEM FLUSH LOGS", DENIED),
        ("SYSTEM STOP MERGES", DENIED),
        ("SYSTEM CLEAR MARK CACHE", DENIED),
        ("SELECT * FROM _stronghouse.query_log", DENIED),
        ("SELECT * FROM system.query_log", DENIED),
        ("INSERT INTO system.query_log SELECT * FROM system.query_log", DENIED),
        ("SELECT 1 SETTINGS additional_table_filters = {'shop.orders': '1'}", FIXED),
        ("SET default_view_definer = 'd_0000000000000000'", FIXED),
        ("SET profile = 'default'", FIXED),
    ],
    [
        "SELECT throwIf(count() != 1) FROM shop.orders",
        "SELECT note FROM shop.orders WHERE tenant != 0",
        "SELECT throwIf(currentUser() != 'reader'), throwIf(currentRoles() != ['clerk'])",
        "SELECT count() FROM shop.orders AS a JOIN shop.open AS b ON a.tenant = b.n",
        "SHOW TABLES FROM shop",
        "DESCRIBE shop.orders",
        "EXPLAIN SYNTAX SELECT * FROM shop.orders",
        "EXPLAIN AST SELECT * FROM shop.orders",
        "EXPLAIN QUERY TREE SELECT * FROM shop.orders",
        "CREATE TEMPORARY TABLE own (a Int)",
        "KILL MUTATION WHERE 1",
        "SHOW PROCESSLIST",
        "KILL QUERY WHERE user = currentUser() AND query_id = 'none'",
    ],
    "reader",
)

READINGS = (
    "SELECT throwIf(count() != 0) FROM shop.orders WHERE tenant = 2",
    "SELECT throwIf(count() != 0) FROM shop.orders PREWHERE tenant = 2",
    "SELECT throwIf(max(tenant) = 2) FROM shop.orders FINAL",
    "SELECT throwIf(count() != 1) FROM merge('shop', 'orders')",
    "SELECT throwIf(count() != 1) FROM view(SELECT * FROM shop.orders)",
    "SELECT throwIf(count() != 1) FROM (SELECT * FROM shop.orders UNION DISTINCT SELECT * FROM shop.orders)",
    "SELECT throwIf(uniq(_part_offset) != 1) FROM shop.orders",
    "SELECT throwIf(count() != 1) FROM shop.orders SETTINGS optimize_trivial_count_query = 1",
    "SELECT throwIf(count() != 1) FROM shop.orders SETTINGS optimize_use_implicit_projections = 1, final = 1",
    "SELECT throwIf(count() != 1) FROM shop.orders SETTINGS use_query_cache = 1",
    "WITH currentRoles AS (SELECT 1) SELECT throwIf(count() != 1) FROM shop.orders",
    "SELECT throwIf(found != 1) FROM (SELECT uniqExact(tenant) AS found FROM shop.orders)",
)

RIGHTS = Attempts(
    [
        ("GRANT SELECT ON *.* TO reader", DENIED),
        ("GRANT clerk TO writer", DENIED),
        ("GRANT SELECT ON secret.* TO reader WITH GRANT OPTION", DENIED),
        ("REVOKE SELECT ON shop.* FROM writer", DENIED),
        ("CREATE USER mine IDENTIFIED WITH sha256_password BY 'some password'", DENIED),
        ("ALTER USER default IDENTIFIED WITH sha256_password BY 'some password'", DENIED),
        ("ALTER USER writer DEFAULT ROLE ALL", DENIED),
        ("DROP USER writer", DENIED),
        ("CREATE ROLE mine", DENIED),
        ("DROP ROW POLICY own ON shop.orders", DENIED),
        ("ALTER ROW POLICY own ON shop.orders USING 1", DENIED),
        ("CREATE ROW POLICY more ON shop.orders USING 1 TO reader", DENIED),
        ("CREATE SETTINGS PROFILE mine SETTINGS max_threads = 1", DENIED),
        ("CREATE QUOTA mine", DENIED),
        ("EXECUTE AS default SELECT * FROM secret.rows", DENIED),
        ("MOVE USER reader TO x", DENIED),
        ("SHOW CREATE USER writer", DENIED),
        ("SHOW GRANTS FOR writer", DENIED),
    ],
    ["GRANT CURRENT GRANTS ON *.* TO writer", "SHOW GRANTS", "SET ROLE DEFAULT", "SHOW CURRENT ROLES"],
    "reader",
)

WRITER = Attempts(
    [
        ("INSERT INTO secret.rows VALUES ('x')", DENIED),
        ("INSERT INTO shop.open SELECT length(s) FROM secret.rows", DENIED),
        ("INSERT INTO shop.open SELECT length(file('/etc/passwd'))", DENIED),
        ("INSERT INTO shop.open SELECT * FROM url('http://127.0.0.1:9/')", DENIED),
        ("INSERT INTO FUNCTION file('/tmp/attack-0b7e51') SELECT * FROM shop.open", DENIED),
        ("INSERT INTO system.users VALUES ('x')", DENIED),
        ("INSERT INTO _stronghouse.session_log VALUES ('x')", DENIED),
        ("INSERT INTO shop.orders SETTINGS log_queries = 0 VALUES (3, 'x')", FIXED),
        ("INSERT INTO shop.open SELECT 1 SETTINGS max_threads = 2, log_queries_probability = 0", FIXED),
        ("INSERT INTO shop.open VALUES (length(file('/etc/passwd')))", 344),
        ("INSERT INTO shop.open VALUES ((SELECT count() FROM secret.rows))", 344),
        ("ALTER TABLE shop.open ADD COLUMN more Int", DENIED),
        ("TRUNCATE TABLE shop.open", DENIED),
        ("OPTIMIZE TABLE shop.open FINAL", DENIED),
        ("CREATE TEMPORARY TABLE mine (a String) ENGINE = StripeLog", DENIED),
    ],
    [
        "INSERT INTO shop.open VALUES (2)",
        "INSERT INTO shop.open SELECT tenant FROM shop.orders",
        "SELECT throwIf(max(n) != 2) FROM shop.open",
    ],
    "writer",
)

DEFINITIONS = Attempts(
    [
        ("CREATE VIEW lab.v DEFINER = default SQL SECURITY DEFINER AS SELECT * FROM secret.rows", DENIED),
        ("CREATE VIEW lab.v DEFINER = d_0000000000000000 SQL SECURITY DEFINER AS SELECT 1", DENIED),
        ("CREATE VIEW lab.v SQL SECURITY NONE AS SELECT * FROM secret.rows", DENIED),
        ("CREATE MATERIALIZED VIEW lab.m ENGINE = Memory AS SELECT * FROM secret.rows", DENIED),
        ("CREATE TABLE lab.t ENGINE = Memory AS SELECT * FROM secret.rows", DENIED),
        ("CREATE TABLE lab.t AS secret.rows", DENIED),
        ("CREATE TABLE lab.t CLONE AS shop.orders", DENIED),
        ("CREATE MATERIALIZED VIEW lab.m ENGINE = Memory AS SELECT * FROM shop.orders", DENIED),
        ("CREATE MATERIALIZED VIEW lab.m TO shop.orders AS SELECT * FROM shop.open", DENIED),
        ("RENAME TABLE shop.orders TO lab.orders", DENIED),
        ("RENAME TABLE shop.orders TO shop.shown", DENIED),
        ("EXCHANGE TABLES shop.orders AND shop.open", DENIED),
        ("RENAME DATABASE shop TO lab2", DENIED),
        ("ALTER TABLE lab.copy ATTACH PARTITION tuple() FROM shop.orders", DENIED),
        ("ALTER TABLE lab.copy REPLACE PARTITION tuple() FROM shop.orders", DENIED),
        ("ALTER TABLE shop.orders MOVE PARTITION tuple() TO TABLE lab.copy", DENIED),
        ("ALTER TABLE shop.orders UPDATE note = 'gone' WHERE 1", DENIED),
        ("ALTER TABLE shop.orders DELETE WHERE tenant = 2", DENIED),
        ("ALTER TABLE shop.orders DROP COLUMN tenant", DENIED),
        ("ALTER TABLE shop.orders RENAME COLUMN tenant TO other", DENIED),
        ("DELETE FROM shop.orders WHERE 1", DENIED),
        ("OPTIMIZE TABLE shop.orders DEDUPLICATE", DENIED),
        ("UNDROP TABLE shop.orders UUID '00000000-0000-0000-0000-000000000001'", DENIED),
        ("ALTER TABLE lab.mv MODIFY QUERY SELECT s FROM secret.rows", DENIED),
        ("ALTER TABLE lab.mv MODIFY SQL SECURITY NONE", DENIED),
        ("ALTER TABLE lab.mv MODIFY DEFINER = default SQL SECURITY DEFINER", DENIED),
        ("CREATE VIEW lab.v AS SELECT currentUser()", ABSENT),
        ("CREATE TABLE lab.t (u String DEFAULT currentUser()) ENGINE = Memory", ABSENT),
        ("CREATE TABLE system.mine (a Int) ENGINE = Memory", DENIED),
        ("CREATE TABLE _stronghouse.mine (a Int) ENGINE = Memory", DENIED),
        ("DROP TABLE _stronghouse.query_log", DENIED),
        ("DROP DATABASE _stronghouse", DENIED),
        ("DROP TABLE system.query_log", DENIED),
        ("ALTER TABLE _stronghouse.query_log DELETE WHERE 1", DENIED),
        ("CREATE FUNCTION f AS x -> x", DENIED),
    ],
    [
        "CREATE TABLE lab.t (tenant UInt8, note String) ENGINE = MergeTree ORDER BY tenant",
        "INSERT INTO lab.t SELECT * FROM shop.orders",
        "SELECT throwIf(count() != 1) FROM lab.t",
        "CREATE VIEW lab.shown AS SELECT * FROM shop.orders",
        "SELECT throwIf(count() != 1) FROM lab.shown",
        "CREATE MATERIALIZED VIEW lab.sums ENGINE = Memory AS SELECT tenant FROM lab.t",
        "ALTER TABLE lab.t ADD COLUMN more String, UPDATE note = 'x' WHERE 1",
        "RENAME TABLE lab.t TO lab.t2",
        "DROP TABLE lab.sums",
        "DROP VIEW lab.shown",
        "DROP TABLE lab.t2",
    ],
    "ddl",
)

OWNER = Attempts(
    [
        ("ALTER USER default IDENTIFIED WITH sha256_password BY 'some password'", READ_ONLY_ACCOUNT),
        ("DROP USER default", READ_ONLY_ACCOUNT),
        ("INSERT INTO _stronghouse.query_log SELECT * FROM system.query_log", DENIED),
        ("TRUNCATE TABLE _stronghouse.query_log", DENIED),
        ("DROP TABLE _stronghouse.query_log", DENIED),
        ("ALTER TABLE _stronghouse.query_log DELETE WHERE 1", DENIED),
        ("DROP DATABASE _stronghouse", DENIED),
        ("RENAME DATABASE _stronghouse TO mine", DENIED),
        ("CREATE MATERIALIZED VIEW m TO _stronghouse.query_log AS SELECT 1", DENIED),
        ("CREATE USER plain IDENTIFIED WITH plaintext_password BY 'some password'", 36),
        ("CREATE USER plain NOT IDENTIFIED", 36),
    ],
    [
        "SELECT count() FROM system.query_log",
        "SELECT throwIf(count() != 2) FROM shop.orders",
        "CREATE USER extra IDENTIFIED WITH sha256_password BY 'some password'",
        "DROP USER extra",
        "SYSTEM FLUSH LOGS",
        "SELECT count() FROM mergeTreeIndex('shop', 'open')",
        "EXPLAIN indexes = 1 SELECT * FROM shop.orders WHERE tenant = 2",
        "KILL QUERY WHERE query_id = 'none' FORMAT JSON",
    ],
)


@pytest.mark.parametrize(
    "attempts",
    [READER, RIGHTS, WRITER, DEFINITIONS, OWNER],
    ids=["reader", "rights", "writer", "definitions", "owner"],
)
def test_nobody_gets_more_than_was_granted(shop: Service, attempts: Attempts) -> None:
    hold(shop, attempts)


@pytest.mark.parametrize("who", ["reader", "writer", "ddl"])
@pytest.mark.parametrize("sql", READINGS)
def test_no_way_of_reading_shows_rows_that_a_policy_hides(shop: Service, who: Who, sql: str) -> None:
    answer = send(shop, who, sql)
    assert answer.status == 200, (sql, answer.text)
    assert CANARY not in answer.text


def test_who_may_grant_nothing_grants_nothing(shop: Service) -> None:
    before = send(shop, "writer", "SHOW GRANTS").text
    assert send(shop, "reader", "GRANT CURRENT GRANTS ON *.* TO writer").status == 200
    assert send(shop, "writer", "SHOW GRANTS").text == before


def test_nobody_sees_or_ends_anothers_query(shop: Service) -> None:
    """What runs is seen by whoever runs it."""
    running = threading.Thread(target=lambda: send(shop, "writer", f"SELECT sleep(2), '{CANARY}'", query_id="theirs"))
    running.start()
    try:
        shown = ""
        for _ in range(200):
            shown = send(shop, "writer", "SELECT query_id FROM system.processes").text
            if "theirs" in shown:
                break
        assert "theirs" in shown
        seen = send(shop, "reader", "SELECT query_id, query FROM system.processes").text
        assert "theirs" not in seen
        assert CANARY not in seen
        assert "theirs" not in send(shop, "reader", "KILL QUERY WHERE query_id = 'theirs' OR 1").text
        assert running.is_alive()
    finally:
        running.join(20)
