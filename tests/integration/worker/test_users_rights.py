"""Privileges and roles: who has which, who may pass them on, and what takes them away again."""

import pytest

from tests.integration.worker.service import Service
from tests.integration.worker.users import DENIED, UNKNOWN_ROLE, UNKNOWN_USER, create, refused, send, told

NOT_GRANTED, WRONG_LEVEL, NO_PRIVILEGE, SESSION_MISSING = 512, 509, 508, 372


@pytest.fixture(scope="module")
def shop(service: Service) -> Service:
    """Tables, and users without any right but what each test gives them."""
    for sql in (
        "CREATE DATABASE shop",
        "CREATE DATABASE store",
        "CREATE TABLE shop.goods (a UInt8, b String, c String) ENGINE = MergeTree ORDER BY a",
        "CREATE TABLE shop.other (a UInt8) ENGINE = MergeTree ORDER BY a",
        "INSERT INTO shop.goods VALUES (1, 'b1', 'c1'), (2, 'b2', 'c2')",
    ):
        service.run(sql)
    create(service, "alice", "bob", "carol", "dave", "nobody")
    return service


def test_who_has_no_grant_can_compute_and_nothing_else(shop: Service) -> None:
    assert told(shop, "nobody", "SELECT 1, currentUser(), currentDatabase()") == "1\tnobody\tdefault"
    assert told(shop, "nobody", "SHOW DATABASES") == ""
    assert told(shop, "nobody", "SHOW TABLES FROM shop") == ""
    assert told(shop, "nobody", "SELECT count() FROM system.tables WHERE database != 'system'") == "0"
    assert told(shop, "nobody", "SELECT count() FROM system.parts") == "0"
    assert told(shop, "nobody", "SHOW GRANTS") == ""
    for sql in (
        "SELECT a FROM shop.goods",
        "SELECT count() FROM shop.goods",
        "SELECT 1 FROM shop.goods LIMIT 0",
        "DESCRIBE TABLE shop.goods",
        "EXISTS TABLE shop.goods",
        "EXISTS TABLE shop.missing",
        "SHOW CREATE TABLE shop.goods",
        "SHOW CREATE DATABASE shop",
        "USE shop",
        "INSERT INTO shop.goods VALUES (3, '', '')",
        "CREATE TABLE default.own (a UInt8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE own (a UInt8)",
        "CREATE DATABASE own",
        "DROP TABLE shop.goods",
        "SELECT * FROM system.query_log",
        "SELECT * FROM system.session_log",
        "SELECT * FROM numbers(1), shop.goods",
        "OPTIMIZE TABLE shop.goods",
        "SHOW ACCESS",
        "SHOW USERS",
    ):
        assert "nobody: Not enough privileges" in refused(shop, "nobody", sql, DENIED)
    assert told(shop, "nobody", "KILL MUTATION WHERE 1") == "", "there is none that this user may end"
    refused(shop, "nobody", "SYSTEM FLUSH LOGS", DENIED)
    refused(shop, "nobody", "SELECT 1", DENIED, database="shop")


def test_a_hint_never_names_a_table_that_the_user_may_not_see(shop: Service) -> None:
    for sql in ("SELECT * FROM shop.good", "SELECT * FROM shopp.goods", "SELECT goodss.a FROM shop.good"):
        assert "shop.goods" not in send(shop, "nobody", sql).text


def test_columns_are_granted_one_by_one(shop: Service) -> None:
    shop.run("GRANT SELECT(a, b) ON shop.goods TO alice")
    assert told(shop, "alice", "SELECT a, b FROM shop.goods ORDER BY a") == "1\tb1\n2\tb2"
    assert told(shop, "alice", "SELECT count() FROM shop.goods") == "2"
    for sql in (
        "SELECT c FROM shop.goods",
        "SELECT * FROM shop.goods",
        "SELECT a FROM shop.goods WHERE c = 'c1'",
        "SELECT a FROM shop.goods PREWHERE c = 'c1'",
        "SELECT a FROM shop.goods ORDER BY c",
        "SELECT count() FROM (SELECT COLUMNS('c') FROM shop.goods)",
    ):
        assert "SELECT" in refused(shop, "alice", sql, DENIED)
    assert told(shop, "alice", "SHOW GRANTS") == "GRANT SELECT(a, b) ON shop.goods TO alice"
    shop.run("REVOKE SELECT(b) ON shop.goods FROM alice")
    refused(shop, "alice", "SELECT b FROM shop.goods", DENIED)
    assert told(shop, "alice", "SELECT sum(a) FROM shop.goods") == "3"
    shop.run("REVOKE ALL ON *.* FROM alice")
    refused(shop, "alice", "SELECT a FROM shop.goods", DENIED)


def test_a_partial_revoke_takes_a_place_out_of_a_wider_grant(shop: Service) -> None:
    shop.run("GRANT SELECT ON shop.* TO alice")
    shop.run("REVOKE SELECT(c) ON shop.goods, SELECT ON shop.other FROM alice")
    assert told(shop, "alice", "SELECT a, b FROM shop.goods WHERE a = 1") == "1\tb1"
    refused(shop, "alice", "SELECT c FROM shop.goods", DENIED)
    refused(shop, "alice", "SELECT a FROM shop.other", DENIED)
    assert told(shop, "alice", "SHOW GRANTS").split("\n") == [
        "GRANT SELECT ON shop.* TO alice",
        "REVOKE SELECT(c) ON shop.goods FROM alice",
        "REVOKE SELECT ON shop.other FROM alice",
    ]
    shop.run("GRANT SELECT(c) ON shop.goods TO alice")
    assert told(shop, "alice", "SELECT * FROM shop.goods WHERE a = 1") == "1\tb1\tc1"
    shop.run("REVOKE ALL ON *.* FROM alice")


def test_only_who_has_a_right_with_grant_option_passes_it_on_and_no_more_of_it(shop: Service) -> None:
    shop.run("GRANT SELECT ON shop.* TO alice WITH GRANT OPTION")
    told(shop, "alice", "GRANT SELECT(a) ON shop.goods TO bob WITH GRANT OPTION")
    told(shop, "bob", "GRANT SELECT(a) ON shop.goods TO carol")
    assert told(shop, "carol", "SELECT sum(a) FROM shop.goods") == "3"
    assert "WITH GRANT OPTION" in refused(shop, "carol", "GRANT SELECT(a) ON shop.goods TO dave", DENIED)
    for sql in (
        "GRANT SELECT(b) ON shop.goods TO dave",
        "GRANT SELECT ON shop.goods TO dave",
        "GRANT SELECT(a) ON shop.other TO dave",
        "GRANT INSERT(a) ON shop.goods TO dave",
        "GRANT ALL ON shop.goods TO dave",
        "REVOKE SELECT ON shop.goods FROM alice",
    ):
        assert "bob: Not enough privileges" in refused(shop, "bob", sql, DENIED)
    told(shop, "alice", "REVOKE GRANT OPTION FOR SELECT(a) ON shop.goods FROM bob")
    refused(shop, "bob", "GRANT SELECT(a) ON shop.goods TO dave", DENIED)
    assert told(shop, "bob", "SELECT sum(a) FROM shop.goods") == "3"
    told(shop, "bob", "GRANT CURRENT GRANTS ON *.* TO dave")
    assert told(shop, "dave", "SHOW GRANTS") == ""
    shop.run("REVOKE ALL ON *.* FROM alice, bob, carol")


def test_grantees_limit_to_whom(shop: Service) -> None:
    shop.run("GRANT SELECT ON shop.* TO alice WITH GRANT OPTION")
    shop.run("ALTER USER alice GRANTEES bob")
    told(shop, "alice", "GRANT SELECT ON shop.other TO bob")
    refused(shop, "alice", "GRANT SELECT ON shop.other TO carol", DENIED)
    shop.run("ALTER USER alice GRANTEES ANY")
    shop.run("REVOKE ALL ON *.* FROM alice, bob")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("GRANT SELECT ON shop.* TO missing", UNKNOWN_ROLE),
        ("GRANT missing TO alice", UNKNOWN_ROLE),
        ("REVOKE missing FROM alice", UNKNOWN_ROLE),
        ("SET DEFAULT ROLE NONE TO missing", UNKNOWN_USER),
        ("DROP ROLE missing", UNKNOWN_ROLE),
        ("DROP USER missing", UNKNOWN_USER),
        ("SHOW CREATE USER missing", UNKNOWN_USER),
        ("GRANT SYSTEM SHUTDOWN ON shop.* TO alice", WRONG_LEVEL),
        ("GRANT DROP TABLE(a) ON shop.goods TO alice", WRONG_LEVEL),
        ("GRANT SELECT ON _stronghouse.* TO alice", DENIED),
        ("EXECUTE AS alice SELECT 1", DENIED),
        ("EXECUTE AS alice", DENIED),
        ("CHECK GRANT SELECT ON shop.goods", 48),
        ("SHOW GRANTS WITH IMPLICIT", 48),
        ("GRANT ON CLUSTER here SELECT ON shop.* TO alice", 48),
    ],
)
def test_what_makes_no_sense_is_refused_with_clickhouses_code(shop: Service, sql: str, code: int) -> None:
    refused(shop, "default", sql, code)


def test_rights_that_leave_the_sandbox_can_be_granted_and_open_nothing(shop: Service) -> None:
    shop.run("GRANT FILE, URL, S3, REMOTE, BACKUP, SYSTEM SHUTDOWN, addressToLine ON *.* TO dave")
    shop.run("GRANT SELECT, CREATE TABLE, CREATE TEMPORARY TABLE ON *.* TO dave")
    for sql in (
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1/', 'LineAsString')",
        "BACKUP TABLE shop.goods TO Disk('encrypted', 'x')",
        "SYSTEM SHUTDOWN",
    ):
        refused(shop, "dave", sql, DENIED)
    shop.run("REVOKE ALL ON *.* FROM dave")
    assert told(shop, "dave", "SHOW GRANTS") == ""


def test_who_administers_users_does_so_within_their_rights(shop: Service) -> None:
    shop.run("GRANT CREATE USER, ALTER USER, DROP USER, CREATE ROLE, SHOW USERS ON *.* TO alice")
    told(shop, "alice", "CREATE USER made IDENTIFIED BY 'a users password'")
    told(shop, "alice", "CREATE ROLE made_role")
    refused(shop, "alice", "GRANT SELECT ON shop.* TO made", DENIED)
    refused(shop, "alice", "GRANT made_role TO made", DENIED)
    refused(shop, "alice", "CREATE USER chief IDENTIFIED BY 'a users password' DEFAULT ROLE made_role", DENIED)
    refused(shop, "alice", "DROP ROLE made_role", DENIED)
    assert "made" in told(shop, "alice", "SHOW USERS")
    shop.run("REVOKE ALL ON *.* FROM alice")
    shop.run("GRANT CREATE USER ON * TO alice")
    told(shop, "alice", "CREATE USER made2 IDENTIFIED BY 'a users password'")
    refused(shop, "alice", "DROP USER made2", DENIED)
    shop.run("DROP USER made, made2")
    shop.run("DROP ROLE made_role")
    shop.run("REVOKE ALL ON *.* FROM alice")


def test_show_answers_tell_what_there_is_to_those_who_may_know(shop: Service) -> None:
    shop.run("CREATE ROLE shown SETTINGS max_threads = 2 MIN 1 MAX 4")
    shop.run("GRANT shown TO carol")
    shop.run("GRANT SELECT ON shop.goods TO shown")
    assert told(shop, "default", "SHOW CREATE ROLE shown") == "CREATE ROLE shown SETTINGS max_threads = 2 MIN 1 MAX 4"
    assert told(shop, "default", "SHOW GRANTS FOR shown") == "GRANT SELECT ON shop.goods TO shown"
    assert told(shop, "carol", "SHOW GRANTS").split("\n") == ["GRANT shown TO carol"]
    assert told(shop, "carol", "SHOW CREATE USER") == "CREATE USER carol IDENTIFIED WITH sha256_password"
    assert "CREATE USER carol IDENTIFIED WITH sha256_password\n" in told(shop, "default", "SHOW CREATE USERS") + "\n"
    access = told(shop, "default", "SHOW ACCESS")
    assert "GRANT shown TO carol" in access
    assert "GRANT ALL ON *.* TO default WITH GRANT OPTION" in access
    assert {"alice", "bob", "default"} <= set(told(shop, "default", "SHOW USERS").split("\n"))
    assert "shown" in told(shop, "default", "SHOW ROLES").split("\n")
    assert "SELECT" in told(shop, "nobody", "SHOW PRIVILEGES")
    for sql in ("SHOW ROLES", "SHOW CREATE ROLE shown", "SHOW GRANTS FOR carol", "SHOW CREATE USERS", "SHOW ACCESS"):
        refused(shop, "nobody", sql, DENIED)
    assert told(shop, "default", "SHOW USERS FORMAT JSONEachRow").startswith('{"name":"')
    shop.run("DROP ROLE shown")


def test_the_default_database_is_where_names_without_one_are(shop: Service) -> None:
    shop.run("ALTER USER bob DEFAULT DATABASE shop")
    shop.run("GRANT SELECT ON shop.* TO bob")
    assert told(shop, "bob", "SELECT currentDatabase()") == "shop"
    assert told(shop, "bob", "SELECT count() FROM goods") == "2"
    assert told(shop, "bob", "SHOW TABLES") == "goods\nother"
    shop.run("GRANT SELECT ON shop.* TO bob WITH GRANT OPTION")
    told(shop, "bob", "GRANT SELECT ON goods TO carol")
    assert told(shop, "carol", "SHOW GRANTS") == "GRANT SELECT ON shop.goods TO carol"
    shop.run("ALTER USER bob DEFAULT DATABASE store")
    assert told(shop, "bob", "SELECT currentDatabase()") == "store"
    shop.run("ALTER USER bob DEFAULT DATABASE NONE")
    assert told(shop, "bob", "SELECT currentDatabase()") == "default"
    shop.run("ALTER USER bob DEFAULT DATABASE gone")
    assert "Database gone does not exist" in refused(shop, "bob", "SELECT 1", 81)
    shop.run("ALTER USER bob DEFAULT DATABASE NONE")
    shop.run("REVOKE ALL ON *.* FROM bob, carol")


def test_a_get_request_changes_nothing(shop: Service) -> None:
    answer = shop.ask(method="GET", query="CREATE ROLE by_get")
    assert answer.code == 164
    assert told(shop, "default", "SELECT count() FROM system.roles WHERE name = 'by_get'") == "0"
