"""What the engine does by itself, or as somebody else, shows nobody what they may not read."""

from collections.abc import Iterator

import pytest

from tests.integration.worker.service import PASSWORD, Service, temporary_service
from tests.integration.worker.users import DENIED, SECRET, create, refused, told

LATER = (
    "ALTER TABLE bobs.n UPDATE s = 'x' WHERE n IN (SELECT id FROM bobs.v)",
    "ALTER TABLE bobs.n UPDATE s = (SELECT toString(max(id)) FROM bobs.v) WHERE n = 0",
    "ALTER TABLE bobs.n DELETE WHERE in(n, bobs.v)",
    "ALTER TABLE bobs.n ADD COLUMN k UInt8 DEFAULT n IN bobs.v",
    "ALTER TABLE bobs.n ADD INDEX i (n IN bobs.v) TYPE minmax",
    "ALTER TABLE bobs.n ADD PROJECTION p (SELECT n, n IN bobs.v ORDER BY n)",
    "ALTER TABLE bobs.n ADD CONSTRAINT c CHECK n NOT IN bobs.v",
    "ALTER TABLE bobs.n MODIFY TTL d DELETE WHERE n IN bobs.v",
    "CREATE INDEX i ON bobs.n (n IN bobs.v) TYPE minmax",
    "DELETE FROM bobs.n WHERE n IN (SELECT id FROM bobs.v)",
    "UPDATE bobs.n SET s = 'x' WHERE n IN bobs.v",
    "CREATE TABLE bobs.m (n UInt32 MATERIALIZED 1 IN bobs.v) ENGINE = MergeTree ORDER BY tuple()",
    "CREATE TABLE bobs.m (n UInt32, d DateTime) ENGINE = MergeTree ORDER BY n TTL d DELETE WHERE n IN bobs.v",
    "ALTER TABLE bobs.n UPDATE s = twice(s) WHERE 1",
    "CREATE FUNCTION f AS n -> n IN (SELECT id FROM bobs.v)",
    "CREATE FUNCTION f AS (n, t) -> n IN t",
)
NEIGHBOURS = (
    "ALTER TABLE bobs.n UPDATE s = 'x' WHERE n IN (1, 2) AND lower(s) IN tuple('') SETTINGS mutations_sync = 1",
    "ALTER TABLE bobs.n ADD COLUMN k Array(Decimal(9, 2)) DEFAULT [toDecimal32(n, 2)] CODEC(ZSTD(1))",
    "ALTER TABLE bobs.n ADD INDEX i lower(s) TYPE tokenbf_v1(256, 2, 0) GRANULARITY 1",
    "DELETE FROM bobs.n WHERE n IN (4, 5)",
    "ALTER TABLE bobs.n ADD PROJECTION p (SELECT s, sumIf(n, n > 1) GROUP BY s)",
    "ALTER TABLE bobs.n ADD CONSTRAINT c CHECK n NOT IN (7000, 8000)",
    "ALTER TABLE bobs.n DELETE IN PARTITION tuple() WHERE n = 3 SETTINGS mutations_sync = 1",
    (
        "CREATE TABLE bobs.o (n UInt32, a AggregateFunction(quantiles(0.5, 0.9), UInt32), "
        "t NATIONAL CHARACTER VARYING(9), e Enum8('a' = 1), INDEX v n TYPE set(100)) "
        "ENGINE = ReplacingMergeTree(n) PARTITION BY intDiv(n, 10) ORDER BY (n, e) TTL toDateTime(n) + INTERVAL 90 YEAR"
    ),
    (
        "CREATE TABLE bobs.q (n UInt32, m UInt32, PROJECTION p (WITH 1 AS x SELECT n, m + x ORDER BY m)) "
        "ENGINE = MergeTree ORDER BY n"
    ),
    (
        "CREATE TABLE bobs.copied ENGINE = MergeTree ORDER BY m AS SELECT twice(n) AS m FROM bobs.n "
        "WHERE n IN (SELECT id FROM bobs.v)"
    ),
    "CREATE FUNCTION thrice AS x -> x + twice(x)",
)


@pytest.fixture(scope="module")
def bobs() -> Iterator[Service]:
    """Bob has a database of his own, and a view over a table of which a policy shows him one row."""
    with temporary_service() as service:
        for sql in (
            "CREATE DATABASE shop",
            "CREATE DATABASE bobs",
            "CREATE TABLE shop.ids (id UInt32) ENGINE = MergeTree ORDER BY id",
            "INSERT INTO shop.ids VALUES (1), (777)",
            "CREATE TABLE shop.source (n UInt32) ENGINE = MergeTree ORDER BY n",
            "CREATE TABLE bobs.n (n UInt32, s String, d DateTime) ENGINE = MergeTree ORDER BY n",
            "INSERT INTO bobs.n SELECT number, '', now() FROM numbers(10)",
            "CREATE TABLE bobs.taken (id UInt32) ENGINE = MergeTree ORDER BY id",
            "CREATE FUNCTION twice AS x -> x || x",
        ):
            service.run(sql)
        create(service, "bob", "ann")
        for sql in (
            "GRANT ALL ON bobs.* TO bob",
            "GRANT CREATE FUNCTION ON *.* TO bob",
            "GRANT SELECT ON shop.* TO bob",
            "GRANT INSERT ON shop.source TO ann",
            "CREATE ROW POLICY own ON shop.ids USING id = 1 TO bob",
        ):
            service.run(sql)
        told(service, "bob", "CREATE VIEW bobs.v AS SELECT id FROM shop.ids")
        yield service


@pytest.mark.parametrize("sql", LATER)
@pytest.mark.parametrize("user", ["bob", "default"])
def test_nothing_that_runs_later_reads_another_table(bobs: Service, user: str, sql: str) -> None:
    message = refused(bobs, user, sql, DENIED)
    assert "evaluate" in message


def test_what_needs_no_other_table_works(bobs: Service) -> None:
    bobs.run("CREATE OR REPLACE FUNCTION twice AS x -> x + x")
    for sql in NEIGHBOURS:
        told(bobs, "bob", sql)
    assert told(bobs, "bob", "SELECT groupArray(n) FROM (SELECT n FROM bobs.n ORDER BY n)") == "[0,1,2,6,7,8,9]"
    assert told(bobs, "bob", "SELECT thrice(2), groupArray(m) FROM bobs.copied") == "6\t[2]"


def test_a_materialized_view_runs_as_who_made_it(bobs: Service) -> None:
    told(
        bobs,
        "bob",
        "CREATE MATERIALIZED VIEW bobs.fed TO bobs.taken AS "
        "SELECT v.id AS id FROM shop.source AS s CROSS JOIN bobs.v AS v",
    )
    assert "SQL SECURITY DEFINER" in told(bobs, "bob", "SHOW CREATE TABLE bobs.fed")
    bobs.run("INSERT INTO shop.source VALUES (5)")
    assert told(bobs, "bob", "SELECT id FROM bobs.taken") == "1", "and not 777, which the owner may read"
    told(bobs, "ann", "INSERT INTO shop.source VALUES (6)")
    assert told(bobs, "bob", "SELECT id FROM bobs.taken") == "1\n1", "who may only insert feeds it as well"
    shown = told(bobs, "bob", "SHOW CREATE TABLE bobs.fed FORMAT TSVRaw")
    told(bobs, "bob", "DROP TABLE bobs.fed")
    told(bobs, "bob", shown)
    told(bobs, "bob", "DROP TABLE bobs.fed")
    told(bobs, "bob", "CREATE VIEW bobs.plain AS SELECT 1 AS x")
    assert "DEFINER" not in told(bobs, "bob", "SHOW CREATE TABLE bobs.plain")


def test_a_condition_means_the_same_tables_for_every_reader(bobs: Service) -> None:
    bobs.run("CREATE TABLE shop.allowed (id UInt32) ENGINE = MergeTree ORDER BY id")
    bobs.run("CREATE TABLE shop.guarded (id UInt32) ENGINE = MergeTree ORDER BY id")
    bobs.run("INSERT INTO shop.guarded VALUES (1), (2)")
    bobs.run("INSERT INTO shop.allowed VALUES (1)")
    for right in ("(SELECT id FROM allowed)", "allowed", "(SELECT id FROM shop.allowed, allowed)"):
        refused(
            bobs, "default", f"CREATE ROW POLICY g ON shop.guarded USING id IN {right} TO bob", DENIED, database="shop"
        )
    bobs.run("CREATE ROW POLICY g ON shop.guarded USING id IN (SELECT id FROM shop.allowed) TO bob")
    refused(bobs, "default", "ALTER ROW POLICY g ON shop.guarded USING id IN allowed", DENIED)
    body = b'--b\r\nContent-Disposition: form-data; name="allowed"; filename="a"\r\n\r\n1\n2\n\r\n--b--\r\n'
    answer = bobs.ask(
        body,
        user="bob",
        password=SECRET,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
        url={"query": "SELECT id FROM shop.guarded", "allowed_structure": "id UInt32", "database": "shop"},
    )
    assert answer.text == "1\n"


def test_nobody_asks_an_index_about_rows_that_a_policy_hides(bobs: Service) -> None:
    bobs.run("GRANT ALTER ON shop.ids TO bob")
    for sql in (
        "ALTER TABLE shop.ids ADD INDEX i (throwIf(id > 700)) TYPE minmax",
        "CREATE INDEX i ON shop.ids (throwIf(id > 700)) TYPE minmax",
        "ALTER TABLE shop.ids ADD COLUMN z UInt8 MATERIALIZED throwIf(id > 700)",
        "ALTER TABLE shop.ids MATERIALIZE INDEX i",
        "CREATE MATERIALIZED VIEW bobs.p TO bobs.taken AS SELECT * FROM {d:Identifier}.{t:Identifier}",
    ):
        message = refused(bobs, "bob", sql, DENIED, param_d="shop", param_t="ids")
        assert "row policies" in message


def test_what_the_service_needs_stays(bobs: Service) -> None:
    for verb in ("DROP", "TRUNCATE", "RENAME"):
        end = " TO x" if verb == "RENAME" else ""
        for name in ("default", "{d:Identifier}", "system", "information_schema", "INFORMATION_SCHEMA", "_stronghouse"):
            answer = bobs.ask(f"{verb} DATABASE {name}{end}", password=PASSWORD, url={"param_d": "default"})
            assert answer.code in {DENIED, 62}, answer.text  # RENAME does not parse with a parameter
    for what in ("MERGES", "TTL MERGES", "MOVES"):
        refused(bobs, "default", f"SYSTEM STOP {what}", DENIED)
        told(bobs, "default", f"SYSTEM STOP {what} bobs.n")
        told(bobs, "default", f"SYSTEM START {what} bobs.n")
    bobs.stop()
    bobs.start()
    assert told(bobs, "default", "SELECT engine FROM system.databases WHERE name = 'default'") == "Atomic"
    for setting in ("interactive_delay = 1", "max_network_bandwidth = 1", "max_query_size = 26", "max_ast_depth = 1"):
        refused(bobs, "bob", f"SELECT 1 SETTINGS {setting}", 452)
        refused(bobs, "default", f"CREATE SETTINGS PROFILE p SETTINGS {setting}", 452)
