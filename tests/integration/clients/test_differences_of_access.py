"""What differs from a ClickHouse server in users, grants and policies, as docs/limits.md tells it."""

import pytest

from tests.integration.clients.curl import Curl

GOOD = "IDENTIFIED WITH sha256_password BY 'a long password'"


@pytest.mark.parametrize(
    ("method", "code"),
    [
        *(("IDENTIFIED WITH plaintext_password BY 'a long password'", 36), ("NOT IDENTIFIED", 36), ("", 36)),
        *(("IDENTIFIED WITH no_password", 36), ("IDENTIFIED WITH scram_sha256_password BY 'a long password'", 36)),
        *(("IDENTIFIED WITH ldap SERVER 'x'", 48), ("IDENTIFIED WITH kerberos", 48)),
        ("IDENTIFIED WITH ssl_certificate CN 'x'", 48),
        ("IDENTIFIED WITH ssh_key BY KEY 'AAAA' TYPE 'ssh-rsa'", 48),
    ],
)
def test_users_have_passwords_that_are_kept_as_hashes(curl: Curl, method: str, code: int) -> None:
    reply = curl(f"CREATE USER other_method {method}")
    assert reply.code == code, reply.text
    assert "a long password" not in reply.text
    assert "other_method" not in curl.run("SHOW USERS").split()


@pytest.mark.parametrize("method", ["sha256_password", "double_sha1_password", "bcrypt_password"])
def test_a_password_is_long(curl: Curl, method: str) -> None:
    short = curl(f"CREATE USER short IDENTIFIED WITH {method} BY 'eleven chrs'")
    assert short.code == 36
    assert "eleven chrs" not in short.text
    curl.run(f"CREATE USER long_enough IDENTIFIED WITH {method} BY 'twelve chars'")
    assert curl.as_user("long_enough", "twelve chars").run("SELECT currentUser()") == "long_enough\n"
    curl.run("DROP USER long_enough")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (f"CREATE USER elsewhere {GOOD} HOST REGEXP 'x'", 48),
        (f"CREATE USER elsewhere {GOOD} HOST NAME 'x'", 48),
        (f"CREATE USER elsewhere {GOOD} HOST LIKE 'x'", 48),
        (f"CREATE USER elsewhere ON CLUSTER c {GOOD}", 48),
        (f"CREATE USER elsewhere {GOOD} IN memory", 48),
        (f"CREATE USER `sh:x` {GOOD}", 495),
        (f"ALTER USER default {GOOD}", 495),
        ("DROP USER default", 495),
        ("REVOKE SELECT ON *.* FROM default", 495),
        ("CREATE ROW POLICY p ON x.* USING 1 TO default", 48),
        ("CREATE ROW POLICY p ON x.t USING file('/x') = '' TO default", 497),
        ("CREATE MASKING POLICY m ON x.t UPDATE a = 1 TO default", 48),
        ("GRANT SELECT ON d*.* TO default", 48),
        ("GRANT SELECT ON x.t* TO default", 48),
        ("CREATE SETTINGS PROFILE x SETTINGS log_comment = 'x'", 452),
        ("MOVE USER default TO memory", 497),
        ("EXECUTE AS default SELECT 1", 497),
        ("CHECK GRANT SELECT ON x.t", 48),
    ],
)
def test_what_cannot_be_said_of_users_is_refused(curl: Curl, sql: str, code: int) -> None:
    reply = curl(sql)
    assert reply.code == code, reply.text
    assert "a long password" not in reply.text


def test_a_privilege_that_leaves_the_service_can_be_given_and_has_no_effect(curl: Curl) -> None:
    curl.run(f"CREATE USER far {GOOD}")
    curl.run("GRANT URL, FILE, CREATE TEMPORARY TABLE ON *.* TO far")
    assert "TO far" in curl.run("SHOW GRANTS FOR far")
    for sql in ("SELECT * FROM url('http://127.0.0.1/')", "SELECT * FROM file('/etc/passwd')"):
        assert curl.as_user("far", "a long password")(sql).code == 497
    curl.run("DROP USER far")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE _stronghouse.mine (a Int8) ENGINE = Memory",
        "TRUNCATE TABLE _stronghouse.query_log",
        "INSERT INTO _stronghouse.query_log (query) VALUES ('x')",
        "ALTER TABLE _stronghouse.query_log DELETE WHERE 1",
        "DROP TABLE _stronghouse.query_log",
        "DROP DATABASE _stronghouse",
        "CREATE TABLE system.mine (a Int8) ENGINE = Memory",
        "CREATE VIEW system.mine AS SELECT 1",
        "CREATE OR REPLACE VIEW system.query_log AS SELECT 1",
        "INSERT INTO system.query_log (query) VALUES ('x')",
        "INSERT INTO system.users (name) VALUES ('x')",
        "ALTER TABLE system.query_log MODIFY COMMENT 'x'",
        "RENAME TABLE system.query_log TO default.query_log",
        "TRUNCATE TABLE system.users",
        "DROP TABLE system.users",
        "DROP VIEW system.session_log",
        "DROP TABLE system.processes",
        "DROP TABLE system.one",
        "DROP DATABASE system",
        "CREATE VIEW information_schema.mine AS SELECT 1",
        "DROP VIEW INFORMATION_SCHEMA.tables",
        "DROP DATABASE information_schema",
    ],
)
def test_nobody_changes_the_services_own_tables(curl: Curl, sql: str) -> None:
    reply = curl(sql)
    assert (reply.status, reply.code) in {(403, 497), (500, 452), (501, 48)}, reply.text
    assert curl.run("SELECT count() > 0 FROM system.users") == "1\n"
    assert curl.run("SELECT count() FROM information_schema.tables WHERE table_name = 'mine'") == "0\n"
