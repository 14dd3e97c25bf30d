"""What `system` tells of users and rights, and that nobody writes there or meets the service's own database."""

import json
import re

import pytest

from tests.integration.worker.service import Service
from tests.integration.worker.users import DENIED, create, refused, send, told

NO_DATABASE, NO_TABLE = 81, 60


@pytest.fixture(scope="module")
def staff(service: Service) -> Service:
    """Everything that there can be, and people who may see none, some and all of it."""
    service.run("CREATE DATABASE shop")
    service.run("CREATE TABLE shop.goods (a UInt8, b UInt8) ENGINE = MergeTree ORDER BY a")
    create(service, "alice", "bob", "auditor")
    for sql in (
        "CREATE ROLE clerk, manager",
        "GRANT SELECT(a) ON shop.goods TO clerk",
        "GRANT clerk TO manager",
        "GRANT manager TO alice WITH ADMIN OPTION",
        "GRANT SELECT ON shop.* TO alice WITH GRANT OPTION",
        "REVOKE SELECT(b) ON shop.goods FROM alice",
        "CREATE ROW POLICY p ON shop.goods USING a = 1 TO alice",
        "CREATE QUOTA q KEYED BY user_name FOR INTERVAL 1 hour MAX queries = 1000 TO alice",
        "CREATE SETTINGS PROFILE s SETTINGS max_threads = 2 MIN 1 MAX 3 TO alice",
        "ALTER USER alice HOST LOCAL, IP '192.0.2.0/24' DEFAULT DATABASE shop",
        "GRANT SHOW USERS, SHOW ROLES, SHOW ROW POLICIES, SHOW QUOTAS, SHOW SETTINGS PROFILES ON *.* TO auditor",
    ):
        service.run(sql)
    return service


SHOWN = {
    "SELECT auth_type, host_ip, host_names, default_roles_all, default_database, storage FROM system.users "
    "WHERE name = 'alice'": "['sha256_password']\t['192.0.2.0/24']\t['localhost']\t1\tshop\tlocal_directory",
    "SELECT storage FROM system.users WHERE name = 'default'": "users_xml",
    "SELECT name FROM system.roles ORDER BY name": "clerk\nmanager",
    "SELECT access_type, database, table, column, is_partial_revoke, grant_option FROM system.grants "
    "WHERE user_name = 'alice' ORDER BY is_partial_revoke": (
        "SELECT\tshop\t\\N\t\\N\t0\t1\nSELECT\tshop\tgoods\tb\t1\t0"
    ),
    "SELECT access_type, column FROM system.grants WHERE role_name = 'clerk'": "SELECT\ta",
    "SELECT user_name, role_name, granted_role_name, with_admin_option FROM system.role_grants "
    "ORDER BY granted_role_name": "\\N\tmanager\tclerk\t0\nalice\t\\N\tmanager\t1",
    "SELECT short_name, database, table, select_filter, apply_to_list FROM system.row_policies": (
        "p\tshop\tgoods\ta = 1\t['alice']"
    ),
    "SELECT name, keys, durations, apply_to_list FROM system.quotas": "q\t['user_name']\t[3600]\t['alice']",
    "SELECT duration, max_queries, max_errors FROM system.quota_limits": "3600\t1000\t\\N",
    "SELECT name, num_elements, apply_to_list FROM system.settings_profiles": "s\t1\t['alice']",
    "SELECT setting_name, value, min, max FROM system.settings_profile_elements": "max_threads\t2\t1\t3",
}


@pytest.mark.parametrize("sql", SHOWN)
def test_the_tables_tell_the_owner_and_who_may_look_what_there_is_and_others_nothing(staff: Service, sql: str) -> None:
    assert told(staff, "default", sql) == SHOWN[sql]
    assert told(staff, "auditor", sql) == SHOWN[sql]
    assert told(staff, "bob", sql) == ""


def test_everybody_sees_the_own_roles(staff: Service) -> None:
    local = {"address": "127.0.0.1"}

    def rows(user: str, table: str, address: str = "") -> list[list[object]]:
        sql = f"SELECT * FROM system.{table} ORDER BY role_name FORMAT JSONCompactEachRow"
        return [json.loads(row) for row in send(staff, user, sql, address=address).text.splitlines()]

    assert rows("alice", "current_roles", **local) == [["manager", 1, 1]]
    assert rows("alice", "enabled_roles", **local) == [["clerk", 0, 0, 0], ["manager", 1, 1, 1]]
    assert rows("bob", "current_roles") == rows("default", "current_roles") == []


@pytest.mark.parametrize("table", ["users", "grants", "role_grants", "current_roles", "quotas_usage", "row_policies"])
def test_no_table_tells_a_hash_or_a_name_of_the_engines(staff: Service, table: str) -> None:
    text = told(staff, "default", f"SELECT * FROM system.{table} FORMAT JSONEachRow")
    assert not re.search(r"[0-9a-f]{40}|\b[urd]_[0-9a-f]{16}", text)


WRITES = (
    "INSERT INTO system.users (name) VALUES ('forged')",
    "INSERT INTO system.grants SELECT * FROM system.grants",
    "INSERT INTO system.query_log SELECT * FROM system.query_log",
    "INSERT INTO system.quota_counts (quota_name) VALUES ('forged')",
    "TRUNCATE TABLE system.users",
    "TRUNCATE TABLE system.query_log",
    "ALTER TABLE system.users ADD COLUMN more UInt8",
    "ALTER TABLE system.users DELETE WHERE 1",
    "DELETE FROM system.users WHERE 1",
    "DROP TABLE system.users",
    "DROP VIEW system.query_log",
    "RENAME TABLE system.users TO system.former",
    "CREATE TABLE system.mine (a UInt8) ENGINE = Memory",
    "CREATE OR REPLACE VIEW system.query_log AS SELECT 1",
    "CREATE VIEW information_schema.mine AS SELECT 1",
    "CREATE MATERIALIZED VIEW default.feeder TO system.users AS SELECT 'x' AS name",
    "DROP DATABASE system",
    "DROP DATABASE information_schema",
    "RENAME DATABASE system TO other",
    "DROP DATABASE _stronghouse",
    "CREATE DATABASE _stronghouse",
    "CREATE TABLE _stronghouse.mine (a UInt8) ENGINE = Memory",
    "INSERT INTO _stronghouse.query_log SELECT * FROM system.query_log",
    "TRUNCATE TABLE _stronghouse.query_log",
    "DROP TABLE _stronghouse.session_log",
    "ALTER TABLE _stronghouse.query_log MODIFY TTL event_date + INTERVAL 1 DAY",
    "OPTIMIZE TABLE _stronghouse.query_log FINAL",
    "RENAME TABLE _stronghouse.query_log TO default.query_log",
    "CREATE MATERIALIZED VIEW default.feeder TO _stronghouse.query_log AS SELECT 1",
    "SELECT * FROM _stronghouse.query_log_input",
    "SELECT * FROM _stronghouse.engine_queries",
)


@pytest.mark.parametrize("sql", WRITES)
def test_nobody_writes_to_the_services_own_databases(staff: Service, sql: str) -> None:
    for user in ("default", "bob"):
        answer = send(staff, user, sql)
        known = {DENIED, 82} if sql.startswith("CREATE DATABASE") else {DENIED}
        assert answer.code in known, (user, sql, answer.text)
    assert "alice" in told(staff, "default", "SELECT name FROM system.users").split("\n")


def test_a_grant_of_everything_writes_no_more_there_than_the_owner(staff: Service) -> None:
    staff.run("GRANT ALL ON *.* TO bob")
    staff.run("GRANT INSERT, ALTER, DROP, TRUNCATE ON system.* TO bob")
    for sql in ("INSERT INTO system.users (name) VALUES ('x')", "TRUNCATE TABLE _stronghouse.query_log"):
        refused(staff, "bob", sql, DENIED)
    assert told(staff, "bob", "SELECT count() > 0 FROM system.users") == "1"
    staff.run("REVOKE ALL ON *.* FROM bob")


def test_the_own_database_is_shown_to_nobody(staff: Service) -> None:
    staff.run("GRANT SHOW DATABASES, SHOW TABLES, SHOW COLUMNS ON *.* TO bob")
    for user in ("default", "bob", "alice"):
        for sql in (
            "SHOW DATABASES",
            "SELECT name FROM system.databases",
            "SELECT database, name FROM system.tables",
            "SELECT database, table FROM system.columns",
            "SELECT database, table FROM system.parts",
            "SELECT database, table FROM system.parts_columns",
            "SELECT database, view FROM system.view_refreshes",
            "SELECT database, table FROM system.merges",
            "SELECT word, belongs FROM system.completions",
            "SELECT schema_name FROM information_schema.schemata",
            "SELECT table_schema FROM information_schema.tables",
        ):
            answer = send(staff, user, sql, address="127.0.0.1")
            assert "_stronghouse" not in answer.text, (user, sql)
    for user in ("default", "bob"):
        refused(staff, user, "SHOW TABLES FROM _stronghouse", DENIED)
    staff.run("REVOKE ALL ON *.* FROM bob")


@pytest.mark.parametrize("log", ["query_log", "session_log"])
def test_a_log_is_read_by_whom_it_was_granted_to(staff: Service, log: str) -> None:
    message = refused(staff, "bob", f"SELECT count() FROM system.{log}", DENIED)
    assert f"system.{log}" in message
    refused(staff, "bob", f"SELECT count() FROM _stronghouse.{log}", DENIED)
    staff.run(f"GRANT SELECT(user, event_time) ON system.{log} TO bob")
    staff.run("SYSTEM FLUSH LOGS")
    assert told(staff, "bob", f"SELECT count() > 0 FROM system.{log} WHERE user = 'bob'") == "1"
    refused(staff, "bob", f"SELECT type FROM system.{log}", DENIED)
    staff.run(f"REVOKE ALL ON system.{log} FROM bob")
    refused(staff, "bob", f"SELECT user FROM system.{log}", DENIED)


def test_a_query_is_seen_by_its_user_under_the_real_name(staff: Service) -> None:
    shown = told(staff, "bob", "SELECT user, query FROM system.processes FORMAT JSONCompactEachRow")
    assert [json.loads(row)[0] for row in shown.split("\n")] == ["bob"]
    assert "sh:" not in shown
