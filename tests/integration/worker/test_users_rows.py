"""Row policies: nobody reads rows that they may not read, in any way of reading."""

import re
from collections.abc import Iterator

import pytest

from tests.integration.worker.service import Service
from tests.integration.worker.users import DENIED, SECRET, refused, tenants, told

UNKNOWN_POLICY, EXISTS, NOT_HERE = 523, 493, 48
EVERYBODY = ("alice", "bob", "carol", "default")


@pytest.fixture(scope="module")
def shop() -> Iterator[Service]:
    with tenants() as service:
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
    assert "`missing_column`, in the condition of a row policy (" in message
    assert "tenant" not in message
    shop.run("DROP ROW POLICY broken ON shop.orders")


@pytest.mark.parametrize("how", ["actions = 1", "PLAN", "PIPELINE", "indexes = 1", "json = 1, actions = 1", "ESTIMATE"])
def test_a_plan_which_counts_hidden_rows_too_is_for_the_owner(shop: Service, how: str) -> None:
    sql = f"EXPLAIN {how} SELECT note FROM shop.orders"
    refused(shop, "alice", sql, DENIED)
    assert told(shop, "default", sql)


@pytest.mark.parametrize("how", ["QUERY TREE", "SYNTAX", "AST"])
def test_an_explanation_shows_the_own_condition_and_no_other(shop: Service, how: str) -> None:
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


def test_a_policy_holds_again_after_a_restart(shop: Service) -> None:
    told(shop, "dan", "CREATE OR REPLACE VIEW shop.stays SQL SECURITY DEFINER AS SELECT note FROM shop.orders")
    shop.stop()
    shop.start()
    assert told(shop, "alice", "SELECT note FROM shop.orders ORDER BY note") == "one\nuno"
    assert told(shop, "carol", "SELECT count() FROM shop.orders") == "0"
    assert told(shop, "carol", "SELECT note FROM shop.stays") == "two"
    assert shop.ask("SELECT 1", user="alice", password=SECRET).status == 200
