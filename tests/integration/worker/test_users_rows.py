"""Row policies and the rights of views: nobody reads rows or tables by way of another that they may not read."""

import re
import time
from collections.abc import Iterator

import pytest

from tests.integration.worker.service import Service, temporary_service
from tests.integration.worker.users import DENIED, SECRET, create, refused, send, told

UNKNOWN_POLICY, EXISTS, NOT_HERE = 523, 493, 48
EVERYBODY = ("alice", "bob", "carol", "default")


@pytest.fixture(scope="module")
def shop() -> Iterator[Service]:
    """Three tenants' orders. Alice is of the first, Bob of the second, Carol of none; Dan writes views."""
    with temporary_service() as service:
        for sql in (
            "CREATE DATABASE shop",
            "CREATE TABLE shop.orders (tenant UInt8, note String) ENGINE = MergeTree ORDER BY tenant",
            "INSERT INTO shop.orders VALUES (1, 'one'), (1, 'uno'), (2, 'two'), (3, 'three')",
            "CREATE TABLE shop.tenants (tenant UInt8, name String) ENGINE = MergeTree ORDER BY tenant",
            "INSERT INTO shop.tenants VALUES (1, 'First'), (2, 'Second'), (3, 'Third')",
        ):
            service.run(sql)
        create(service, "alice", "bob", "carol", "dan")
        for sql in (
            "GRANT SELECT ON shop.* TO alice, bob, carol, dan",
            "GRANT CREATE TEMPORARY TABLE ON *.* TO alice",
            "GRANT CREATE VIEW, CREATE TABLE, DROP VIEW, DROP TABLE, INSERT, ALTER ON shop.* TO dan",
            "CREATE ROW POLICY first ON shop.orders USING tenant = 1 TO alice",
            "CREATE ROW POLICY second ON shop.orders USING tenant = 2 TO bob, dan",
        ):
            service.run(sql)
        yield service


WAYS = {
    "SELECT sum(tenant) FROM shop.orders": "2",
    "SELECT count() FROM shop.orders": "2",
    "SELECT count() FROM shop.orders SETTINGS optimize_trivial_count_query = 1": "2",
    "SELECT max(tenant) FROM shop.orders SETTINGS optimize_use_implicit_projections = 1": "1",
    "SELECT max(tenant), min(tenant) FROM shop.orders": "1\t1",
    "SELECT count() FROM shop.orders PREWHERE tenant > 0 WHERE note != ''": "2",
    "SELECT count() FROM shop.orders WHERE tenant = 2 OR 1": "2",
    "SELECT count() FROM (SELECT * FROM shop.orders)": "2",
    "SELECT (SELECT count() FROM shop.orders)": "2",
    "WITH o AS (SELECT * FROM shop.orders) SELECT count() FROM o": "2",
    "SELECT count() FROM shop.tenants AS t JOIN shop.orders AS o ON t.tenant = o.tenant": "2",
    "SELECT countIf(o.tenant > 0) FROM shop.tenants AS t LEFT JOIN shop.orders AS o USING (tenant)": "2",
    "SELECT count() FROM shop.tenants WHERE tenant IN (SELECT tenant FROM shop.orders)": "1",
    "SELECT count() FROM (SELECT 1 FROM shop.orders UNION ALL SELECT 1 FROM shop.orders)": "4",
    "SELECT uniqExact(_part, _part_offset) FROM shop.orders": "2",
    "SELECT count() FROM merge('shop', '^orders$')": "2",
    "SELECT count() FROM shop.orders SETTINGS use_query_cache = 1": "2",
    "SELECT groupArray(tenant) FROM (SELECT DISTINCT tenant FROM shop.orders)": "[1]",
}


@pytest.mark.parametrize("sql", WAYS)
def test_a_policy_holds_in_every_way_of_reading(shop: Service, sql: str) -> None:
    assert told(shop, "alice", sql) == WAYS[sql]


def test_what_is_copied_is_what_can_be_read(shop: Service) -> None:
    told(shop, "alice", "CREATE TEMPORARY TABLE own AS SELECT * FROM shop.orders", session_id="copy")
    assert told(shop, "alice", "SELECT sum(tenant) FROM own", session_id="copy") == "2"
    told(shop, "alice", "INSERT INTO own SELECT * FROM shop.orders", session_id="copy")
    assert told(shop, "alice", "SELECT sum(tenant) FROM own", session_id="copy") == "4"


def test_a_table_with_a_policy_shows_nothing_to_whom_none_covers(shop: Service) -> None:
    for user in ("carol", "default"):
        assert told(shop, user, "SELECT count() FROM shop.orders") == "0"
        assert told(shop, user, "SELECT * FROM shop.orders") == ""
        assert told(shop, user, "SELECT count() FROM shop.tenants") == "3"


def test_permissive_policies_add_and_restrictive_ones_take_away(shop: Service) -> None:
    reads = "SELECT groupArray(tenant) FROM (SELECT tenant FROM shop.orders ORDER BY tenant)"
    shop.run("CREATE ROW POLICY third ON shop.orders FOR SELECT USING tenant = 3 AS PERMISSIVE TO ALL EXCEPT bob, dan")
    assert [told(shop, user, reads) for user in EVERYBODY] == [
        "[1,1,3]",
        "[2]",
        "[3]",
        "[3]",
    ]
    shop.run("CREATE ROW POLICY short ON shop.orders USING length(note) = 3 AS RESTRICTIVE TO alice, carol")
    assert [told(shop, user, reads) for user in EVERYBODY] == ["[1,1]", "[2]", "[]", "[3]"]
    shop.run("ALTER ROW POLICY short ON shop.orders USING note = 'uno' TO ALL EXCEPT bob, dan, default")
    assert [told(shop, user, reads) for user in EVERYBODY] == ["[1]", "[2]", "[]", "[3]"]
    shop.run("DROP ROW POLICY short, third ON shop.orders")
    assert [told(shop, user, reads) for user in EVERYBODY] == ["[1,1]", "[2]", "[]", "[]"]


def test_a_restrictive_policy_alone_shows_nothing(shop: Service) -> None:
    shop.run("CREATE ROW POLICY only ON shop.tenants USING tenant = 1 AS RESTRICTIVE TO ALL")
    assert told(shop, "carol", "SELECT count() FROM shop.tenants") == "0"
    shop.run("CREATE ROW POLICY and_all ON shop.tenants USING 1 TO carol")
    assert told(shop, "carol", "SELECT name FROM shop.tenants") == "First"
    shop.run("DROP ROW POLICY only, and_all ON shop.tenants")
    assert told(shop, "carol", "SELECT count() FROM shop.tenants") == "3"


def test_policies_follow_roles_in_force(shop: Service) -> None:
    shop.run("CREATE ROLE third_tenant, inner_role")
    shop.run("GRANT inner_role TO third_tenant")
    shop.run("GRANT third_tenant TO carol")
    shop.run("CREATE ROW POLICY by_role ON shop.orders USING tenant = 3 TO inner_role")
    assert told(shop, "carol", "SELECT note FROM shop.orders") == "three"
    told(shop, "carol", "SET ROLE NONE", session_id="roles")
    assert told(shop, "carol", "SELECT count() FROM shop.orders", session_id="roles") == "0"
    shop.run("DROP ROLE third_tenant, inner_role")
    assert told(shop, "carol", "SELECT count() FROM shop.orders") == "0"
    shop.run("DROP ROW POLICY by_role ON shop.orders")


def test_a_condition_may_read_other_tables_and_none_that_names_the_reader(shop: Service) -> None:
    shop.run("CREATE ROW POLICY named ON shop.orders USING tenant IN (SELECT 3) TO carol")
    assert told(shop, "carol", "SELECT note FROM shop.orders") == "three"
    shop.run("DROP ROW POLICY named ON shop.orders")
    message = refused(
        shop, "default", "CREATE ROW POLICY mine ON shop.orders USING note = currentUser() TO carol", NOT_HERE
    )
    assert "currentUser()" in message


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("CREATE ROW POLICY first ON shop.orders USING 1 TO carol", EXISTS),
        ("DROP ROW POLICY missing ON shop.orders", UNKNOWN_POLICY),
        ("ALTER ROW POLICY missing ON shop.orders USING 1", UNKNOWN_POLICY),
        ("SHOW CREATE ROW POLICY missing ON shop.orders", UNKNOWN_POLICY),
        ("CREATE ROW POLICY p ON system.query_log USING 1 TO carol", DENIED),
        ("CREATE ROW POLICY p ON _stronghouse.query_log USING 1 TO carol", DENIED),
        ("CREATE ROW POLICY p ON shop.`odd name` USING 1 TO carol", NOT_HERE),
        ("CREATE ROW POLICY p ON shop.orders USING 1 TO missing", 511),
        ("CREATE ROW POLICY p ON shop.orders USING file('x') TO carol", DENIED),
    ],
)
def test_policies_that_cannot_be_are_refused(shop: Service, sql: str, code: int) -> None:
    refused(shop, "default", sql, code)
    assert told(shop, "alice", "SELECT count() FROM shop.orders") == "2"


def test_a_condition_that_does_not_work_tells_nothing_of_the_others(shop: Service) -> None:
    shop.run("CREATE ROW POLICY broken ON shop.orders USING missing_column = 1 TO carol")
    message = refused(shop, "carol", "SELECT note FROM shop.orders", 47)
    assert "`missing_column`, in the condition of a row policy." in message
    assert "tenant" not in message
    shop.run("DROP ROW POLICY broken ON shop.orders")


@pytest.mark.parametrize(
    "how", ["actions = 1", "PLAN", "QUERY TREE", "PIPELINE", "indexes = 1", "json = 1, actions = 1", "SYNTAX", "AST"]
)
def test_a_plan_shows_the_own_condition_and_no_other(shop: Service, how: str) -> None:
    plan = told(shop, "alice", f"EXPLAIN {how} SELECT note FROM shop.orders SETTINGS enable_analyzer = 1")
    assert "tenant = 2" not in plan
    assert not re.search(r"[a-z]_[0-9a-f]{16}", plan)


def test_what_one_has_read_is_not_kept_for_another(shop: Service) -> None:
    for settings in ("use_query_cache = 1", "use_query_condition_cache = 1"):
        for user, wanted in (("alice", "0"), ("bob", "1"), ("carol", "0"), ("dan", "1")):
            sql = f"SELECT count() FROM shop.orders WHERE note = 'two' SETTINGS {settings}"
            assert told(shop, user, sql) == wanted


def test_policies_are_shown_to_those_who_may_know(shop: Service) -> None:
    assert told(shop, "default", "SHOW ROW POLICIES") == "first ON shop.orders\nsecond ON shop.orders"
    assert told(shop, "default", "SHOW ROW POLICIES ON shop.orders") == "first\nsecond"
    shown = told(shop, "default", "SHOW CREATE ROW POLICY first ON shop.orders")
    assert shown == "CREATE ROW POLICY first ON shop.orders FOR SELECT USING tenant = 1 TO alice"
    row = told(shop, "default", "SELECT short_name, select_filter, apply_to_list FROM system.row_policies ORDER BY 1")
    assert row == "first\ttenant = 1\t['alice']\nsecond\ttenant = 2\t['bob','dan']"
    assert told(shop, "alice", "SELECT count() FROM system.row_policies") == "0"
    for sql in (
        "SHOW ROW POLICIES",
        "SHOW CREATE ROW POLICY first ON shop.orders",
        "DROP ROW POLICY first ON shop.orders",
    ):
        refused(shop, "alice", sql, DENIED)


# --- views


VIEWS = (
    "CREATE VIEW shop.{name} SQL SECURITY DEFINER AS SELECT tenant, note FROM shop.orders",
    "CREATE VIEW shop.{name} DEFINER = dan SQL SECURITY DEFINER AS SELECT tenant, note FROM shop.orders",
    "CREATE VIEW shop.{name} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT tenant, note FROM shop.orders",
    "CREATE VIEW shop.{name} DEFINER = CURRENT_USER AS SELECT tenant, note FROM shop.orders",
    "CREATE OR REPLACE VIEW shop.{name} DEFINER = 'dan' SQL SECURITY DEFINER AS SELECT tenant, note FROM shop.orders",
)


@pytest.mark.parametrize("place", range(len(VIEWS)))
def test_a_definers_view_shows_the_definers_rows_to_everybody(shop: Service, place: int) -> None:
    name = f"definers{place}"
    told(shop, "dan", VIEWS[place].format(name=name))
    for user in ("alice", "carol", "default", "dan"):
        assert told(shop, user, f"SELECT note FROM shop.{name}") == "two"
    told(shop, "dan", f"DROP VIEW shop.{name}")


@pytest.mark.parametrize("clause", ["", "SQL SECURITY INVOKER"])
def test_an_invokers_view_shows_the_readers_rows(shop: Service, clause: str) -> None:
    told(shop, "dan", f"CREATE OR REPLACE VIEW shop.readers {clause} AS SELECT note FROM shop.orders")
    assert told(shop, "alice", "SELECT note FROM shop.readers ORDER BY note") == "one\nuno"
    assert told(shop, "bob", "SELECT note FROM shop.readers") == "two"
    assert told(shop, "carol", "SELECT count() FROM shop.readers") == "0"


def test_a_definers_view_gives_no_more_than_the_definer_has(shop: Service) -> None:
    for sql in (
        "CREATE DATABASE vault",
        "CREATE TABLE vault.gold (n UInt8) ENGINE = MergeTree ORDER BY n",
        "INSERT INTO vault.gold VALUES (79)",
        "GRANT SELECT ON vault.gold TO dan",
    ):
        shop.run(sql)
    refused(shop, "alice", "SELECT * FROM vault.gold", DENIED)
    told(shop, "dan", "CREATE VIEW shop.window SQL SECURITY DEFINER AS SELECT n FROM vault.gold")
    assert told(shop, "alice", "SELECT n FROM shop.window") == "79", "which is what such a view is for"
    shop.run("REVOKE SELECT ON vault.gold FROM dan")
    message = refused(shop, "alice", "SELECT n FROM shop.window", DENIED)
    assert "dan: Not enough privileges" in message
    refused(shop, "dan", "CREATE VIEW shop.hole SQL SECURITY DEFINER AS SELECT n FROM vault.gold", DENIED)
    told(shop, "dan", "DROP VIEW shop.window")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW shop.x DEFINER = bob SQL SECURITY DEFINER AS SELECT * FROM shop.orders",
        "CREATE VIEW shop.x DEFINER = alice SQL SECURITY DEFINER AS SELECT * FROM shop.orders",
        "CREATE VIEW shop.x DEFINER = missing SQL SECURITY DEFINER AS SELECT * FROM shop.orders",
        "CREATE VIEW shop.x SQL SECURITY NONE AS SELECT * FROM shop.orders",
        "CREATE MATERIALIZED VIEW shop.x ENGINE = Memory DEFINER = bob SQL SECURITY DEFINER AS SELECT 1",
        "ALTER TABLE shop.readers MODIFY SQL SECURITY DEFINER",
        "ALTER TABLE shop.readers MODIFY SQL SECURITY NONE",
        "ALTER TABLE shop.readers MODIFY DEFINER = default SQL SECURITY DEFINER",
        "ALTER TABLE shop.readers MODIFY DEFINER = CURRENT_USER SQL SECURITY DEFINER",
        "SET default_view_definer = 'default'",
        "SET default_normal_view_sql_security = 'DEFINER'",
    ],
)
def test_no_view_is_made_to_run_as_another(shop: Service, sql: str) -> None:
    told(shop, "dan", "CREATE OR REPLACE VIEW shop.readers AS SELECT note FROM shop.orders")
    for user in ("dan", "default"):
        assert send(shop, user, sql).code in {DENIED, 452}, (user, sql, send(shop, user, sql).text)
    assert told(shop, "carol", "SELECT count() FROM shop.readers") == "0"


def test_nobody_but_the_owner_has_a_view_run_as_the_owner(shop: Service) -> None:
    sql = "CREATE VIEW shop.owners DEFINER = default SQL SECURITY DEFINER AS SELECT name FROM shop.tenants"
    refused(shop, "dan", sql, DENIED)
    told(shop, "default", sql)
    assert told(shop, "alice", "SELECT count() FROM shop.owners") == "3"
    shop.run("DROP VIEW shop.owners")


def test_a_view_of_somebody_who_is_gone_shows_nothing(shop: Service) -> None:
    create(shop, "erin", then=("GRANT SELECT, CREATE VIEW ON shop.* TO erin",))
    told(shop, "erin", "CREATE VIEW shop.left SQL SECURITY DEFINER AS SELECT name FROM shop.tenants")
    assert told(shop, "alice", "SELECT count() FROM shop.left") == "3"
    shop.run("DROP USER erin")
    assert "definer, is gone" in refused(shop, "alice", "SELECT count() FROM shop.left", 192)
    create(shop, "erin", then=("GRANT SELECT, CREATE VIEW ON shop.* TO erin",))
    refused(shop, "alice", "SELECT count() FROM shop.left", 192)
    shop.run("DROP VIEW shop.left")
    shop.run("DROP USER erin")


def test_a_materialized_view_is_fed_with_the_definers_rights(shop: Service) -> None:
    for sql in (
        "CREATE TABLE shop.events (n UInt8) ENGINE = MergeTree ORDER BY n",
        "GRANT INSERT ON shop.events TO alice",
        "GRANT SELECT ON shop.events TO dan",
    ):
        shop.run(sql)
    told(shop, "dan", "CREATE MATERIALIZED VIEW shop.sums ENGINE = MergeTree ORDER BY n AS SELECT n FROM shop.events")
    told(shop, "alice", "INSERT INTO shop.events VALUES (5), (6)")
    assert told(shop, "dan", "SELECT sum(n) FROM shop.sums") == "11"
    told(shop, "alice", "INSERT INTO shop.events SELECT 7")
    assert told(shop, "dan", "SELECT sum(n) FROM shop.sums") == "18"
    told(shop, "dan", "DROP TABLE shop.sums")


def test_who_is_subject_to_a_policy_makes_no_materialized_view_of_the_table(shop: Service) -> None:
    for sql in (
        "CREATE MATERIALIZED VIEW shop.m ENGINE = Memory AS SELECT * FROM shop.orders",
        "CREATE MATERIALIZED VIEW shop.m REFRESH EVERY 1 SECOND ENGINE = Memory AS SELECT * FROM shop.orders",
    ):
        assert "row policies" in refused(shop, "dan", sql, DENIED)


def test_a_refreshable_view_reads_as_its_definer(shop: Service) -> None:
    told(shop, "dan", "CREATE VIEW shop.between AS SELECT note FROM shop.orders")
    told(
        shop,
        "dan",
        "CREATE MATERIALIZED VIEW shop.fresh REFRESH EVERY 1 HOUR ENGINE = MergeTree ORDER BY note "
        "AS SELECT note FROM shop.between",
    )
    deadline = time.monotonic() + 20
    while (seen := told(shop, "dan", "SELECT note FROM shop.fresh")) == "" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert seen == "two"
    told(shop, "dan", "DROP TABLE shop.fresh")
    told(shop, "dan", "DROP VIEW shop.between")


def test_a_policy_holds_again_after_a_restart(shop: Service) -> None:
    told(shop, "dan", "CREATE OR REPLACE VIEW shop.stays SQL SECURITY DEFINER AS SELECT note FROM shop.orders")
    shop.stop()
    shop.start()
    assert told(shop, "alice", "SELECT note FROM shop.orders ORDER BY note") == "one\nuno"
    assert told(shop, "carol", "SELECT count() FROM shop.orders") == "0"
    assert told(shop, "carol", "SELECT note FROM shop.stays") == "two"
    assert shop.ask("SELECT 1", user="alice", password=SECRET).status == 200
