import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.engine.access.catalogue import Grant, SettingElement
from stronghouse.engine.access.parsing import parse
from stronghouse.engine.access.printing import print_statement
from stronghouse.engine.access.statements import (
    AccessStatement,
    AlterProfile,
    AlterQuota,
    AlterRole,
    AlterRowPolicy,
    AlterUser,
    CreateProfile,
    CreateQuota,
    CreateRole,
    CreateRowPolicy,
    CreateUser,
    Drop,
    DropRowPolicies,
    GrantCurrentGrants,
    GrantPrivileges,
    GrantRoles,
    NewInterval,
    NewMethod,
    PolicyName,
    RevokePrivileges,
    RevokeRoles,
    SetDefaultRole,
    SetRole,
    SettingChanges,
    ShowAccess,
    ShowCreate,
    ShowCreatePolicies,
    ShowCurrentQuota,
    ShowGrants,
    ShowPolicies,
    ShowRoles,
    TableName,
    TargetNames,
)
from stronghouse.engine.errors import DatabaseError
from tests.unit.engine.access.random_statements import statements

A, ALL, ME = TargetNames(("a",)), TargetNames(everybody=True), TargetNames(current_user=True)


def check(text: str, statement: AccessStatement) -> None:
    assert parse(text) == statement
    assert print_statement(statement) == text


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("CREATE USER a", CreateUser(("a",))),
        (
            (
                "CREATE USER IF NOT EXISTS a, `b c` IDENTIFIED WITH sha256_hash BY 'ab' SALT 'cd' VALID UNTIL '2030', "
                "bcrypt_password BY 'it\\'s' HOST LOCAL, IP '10.0.0.0/8', '::5' DEFAULT DATABASE db ROLE r "
                "DEFAULT ROLE ALL EXCEPT r SETTINGS max_threads = 1 MIN 0 MAX 2 CONST, PROFILE `p` "
                "GRANTEES ANY EXCEPT x, CURRENT_USER"
            ),
            CreateUser(
                ("a", "b c"),
                "IF NOT EXISTS",
                (NewMethod("sha256_hash", "ab", "cd", "2030"), NewMethod("bcrypt_password", "it's")),
                hosts=("LOCAL", "10.0.0.0/8", "::5"),
                default_database="db",
                roles=("r",),
                default_roles=TargetNames(("r",), everybody=True),
                settings=(SettingElement("max_threads", "1", "0", "2", "CONST"), SettingElement(profile="p")),
                grantees=TargetNames(("x",), everybody=True, current_user=True),
            ),
        ),
        (
            "CREATE USER OR REPLACE a IDENTIFIED BY 'x', BY 'y'",
            CreateUser(("a",), "OR REPLACE", (NewMethod("", "x"), NewMethod("", "y"))),
        ),
        (
            "CREATE USER a IDENTIFIED WITH no_password HOST NONE",
            CreateUser(("a",), methods=(NewMethod("no_password"),), hosts=()),
        ),
        (
            "CREATE USER a VALID UNTIL 'x' SETTINGS NONE GRANTEES NONE",
            CreateUser(("a",), valid_until="x", settings=(), grantees=TargetNames()),
        ),
        (
            "CREATE USER a DEFAULT DATABASE NONE DEFAULT ROLE NONE",
            CreateUser(("a",), default_database="", default_roles=TargetNames()),
        ),
        ("CREATE USER none, default, current_user", CreateUser(("none", "default", "current_user"))),
        ("ALTER USER CURRENT_USER IDENTIFIED BY 'x'", AlterUser(current_user=True, methods=(NewMethod("", "x"),))),
        (
            "ALTER USER a RENAME TO 'b' ADD IDENTIFIED BY 'x'",
            AlterUser(("a",), new_name="b", methods=(NewMethod("", "x"),), add_methods=True),
        ),
        (
            "ALTER USER a ADD HOST LOCAL DROP HOST ANY RESET AUTHENTICATION METHODS TO NEW",
            AlterUser(("a",), add_hosts=("LOCAL",), drop_hosts=("ANY",), reset_methods=True),
        ),
        (
            "ALTER USER IF EXISTS a DROP ALL SETTINGS, DROP ALL PROFILES, ADD PROFILE `p`, ADD SETTINGS x = 1, y MAX 1",
            AlterUser(
                ("a",),
                if_exists=True,
                settings=SettingChanges(
                    drop_all_settings=True,
                    drop_all_profiles=True,
                    add_profiles=("p",),
                    add_settings=(SettingElement("x", "1"), SettingElement("y", maximum="1")),
                ),
            ),
        ),
        (
            "ALTER ROLE a DROP PROFILES `p`, `q`, DROP SETTING x, MODIFY SETTING y WRITABLE",
            AlterRole(
                ("a",),
                settings=SettingChanges(
                    drop_profiles=("p", "q"),
                    drop_settings=("x",),
                    modify_settings=(SettingElement("y", writability="WRITABLE"),),
                ),
            ),
        ),
        ("CREATE ROLE a, b SETTINGS x = 1", CreateRole(("a", "b"), settings=(SettingElement("x", "1"),))),
        (
            "CREATE SETTINGS PROFILE `p` SETTINGS INHERIT `q`, x = 1 TO ALL EXCEPT a",
            CreateProfile(
                ("p",),
                settings=(SettingElement(profile="q"), SettingElement("x", "1")),
                to=TargetNames(("a",), everybody=True),
            ),
        ),
        ("ALTER SETTINGS PROFILE `p` RENAME TO 'q' TO NONE", AlterProfile(("p",), new_name="q", to=TargetNames())),
        (
            "CREATE ROW POLICY p, q ON db.t AS RESTRICTIVE FOR SELECT USING (a = 1) AND (TO IN (SELECT 1)) TO a",
            CreateRowPolicy(
                (PolicyName("p", "db", "t"), PolicyName("q", "db", "t")),
                condition="(a = 1) AND (TO IN (SELECT 1))",
                restrictive=True,
                to=A,
            ),
        ),
        (
            "CREATE ROW POLICY p ON t, db.u FOR SELECT USING a = TO",
            CreateRowPolicy((PolicyName("p", "", "t"), PolicyName("p", "db", "u")), condition="a = TO"),
        ),
        (
            "ALTER ROW POLICY p ON t, q ON db.u AS PERMISSIVE FOR SELECT USING TO TO CURRENT_USER",
            AlterRowPolicy(
                (PolicyName("p", "", "t"), PolicyName("q", "db", "u")), condition="TO", restrictive=False, to=ME
            ),
        ),
        ("ALTER ROW POLICY p ON t RENAME TO `q r`", AlterRowPolicy((PolicyName("p", "", "t"),), new_name="q r")),
        (
            (
                "CREATE QUOTA q KEYED BY user_name FOR RANDOMIZED INTERVAL 90 minute MAX queries = 5, errors = 1, "
                "FOR INTERVAL 1 day TRACKING ONLY, FOR INTERVAL 2 week NO LIMITS TO ALL"
            ),
            CreateQuota(
                ("q",),
                key="user_name",
                intervals=(
                    NewInterval(5400, randomized=True, limits=(("queries", "5"), ("errors", "1"))),
                    NewInterval(86_400),
                    NewInterval(1_209_600, limits=None),
                ),
                to=ALL,
            ),
        ),
        ("ALTER QUOTA IF EXISTS q RENAME TO r NOT KEYED", AlterQuota(("q",), if_exists=True, new_name="r", key="none")),
        ("DROP USER IF EXISTS a, `b@c`", Drop("USER", ("a", "b@c"), if_exists=True)),
        ("DROP SETTINGS PROFILE p", Drop("SETTINGS PROFILE", ("p",))),
        ("DROP ROW POLICY p ON db.t", DropRowPolicies((PolicyName("p", "db", "t"),))),
        (
            (
                "GRANT SELECT(a, `b c`), INSERT ON db.t, SHOW ON db.*, ALTER UPDATE ON *.* TO a, CURRENT_USER "
                "WITH GRANT OPTION WITH REPLACE OPTION"
            ),
            GrantPrivileges(
                (
                    Grant("SELECT", "db", "t", "a", grant_option=True),
                    Grant("SELECT", "db", "t", "b c", grant_option=True),
                    Grant("INSERT", "db", "t", grant_option=True),
                    Grant("SHOW", "db", grant_option=True),
                    Grant("ALTER UPDATE", grant_option=True),
                ),
                TargetNames(("a",), current_user=True),
                replace=True,
            ),
        ),
        (
            "GRANT SELECT ON *, INSERT ON t, CREATE USER ON *, SET DEFINER ON x, dictGet ON ON.TO TO a",
            GrantPrivileges(
                (
                    Grant("SELECT", ""),
                    Grant("INSERT", "", "t"),
                    Grant("CREATE USER"),
                    Grant("SET DEFINER", parameter="x"),
                    Grant("dictGet", "ON", "TO"),
                ),
                A,
            ),
        ),
        ("GRANT USAGE ON *.* TO a WITH REPLACE OPTION", GrantPrivileges((), A, replace=True)),
        ("GRANT CURRENT GRANTS(ALL ON *.*) TO a", GrantCurrentGrants((Grant("ALL"),), A)),
        (
            "REVOKE GRANT OPTION FOR SELECT(a) ON t FROM ALL",
            RevokePrivileges((Grant("SELECT", "", "t", "a"),), ALL, grant_option_only=True),
        ),
        ("GRANT `SELECT`, ADMIN TO a WITH ADMIN OPTION", GrantRoles(("SELECT", "ADMIN"), A, admin_option=True)),
        ("GRANT NONE TO NONE WITH REPLACE OPTION", GrantRoles((), TargetNames(), replace=True)),
        (
            "REVOKE ADMIN OPTION FOR ALL EXCEPT r FROM a",
            RevokeRoles(TargetNames(("r",), everybody=True), A, admin_option_only=True),
        ),
        ("REVOKE ALL FROM a", RevokeRoles(ALL, A)),
        ("REVOKE ALL ON *.* FROM a", RevokePrivileges((Grant("ALL"),), A)),
        ("SET ROLE DEFAULT", SetRole(None)),
        ("SET ROLE default", SetRole(TargetNames(("default",)))),
        ("SET ROLE NONE", SetRole(TargetNames())),
        ("SET ROLE ALL EXCEPT a", SetRole(TargetNames(("a",), everybody=True))),
        ("SET DEFAULT ROLE a TO CURRENT_USER", SetDefaultRole(A, ME)),
        ("SHOW GRANTS FORMAT JSON", ShowGrants(output_format="JSON")),
        ("SHOW GRANTS FOR ALL WITH IMPLICIT FINAL", ShowGrants(of=ALL, with_implicit=True, final=True)),
        ("SHOW ACCESS", ShowAccess()),
        ("SHOW CREATE USER", ShowCreate(kind="USER")),
        ("SHOW CREATE USERS", ShowCreate(kind="USER", all=True)),
        ("SHOW CREATE ROLES a, b", ShowCreate(kind="ROLE", names=("a", "b"))),
        ("SHOW CREATE SETTINGS PROFILE p", ShowCreate(kind="SETTINGS PROFILE", names=("p",))),
        (
            "SHOW CREATE ROW POLICY p ON t, u",
            ShowCreatePolicies(policies=(PolicyName("p", "", "t"), PolicyName("p", "", "u"))),
        ),
        ("SHOW CREATE ROW POLICIES ON db.*", ShowCreatePolicies(on=TableName("db", None))),
        ("SHOW ROW POLICIES p FORMAT TSV", ShowPolicies(named="p", output_format="TSV")),
        ("SHOW ENABLED ROLES", ShowRoles(which="ENABLED")),
        ("SHOW CURRENT QUOTA", ShowCurrentQuota()),
    ],
)
def test_a_statement_is_read_as_what_it_says(text: str, statement: AccessStatement) -> None:
    check(text, statement)


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("CREATE USER 'a b', c, 'd'", CreateUser(("a b", "c", "d"))),
        ("ALTER USER 'it\\'s' HOST ANY", AlterUser(("it's",), hosts=("ANY",))),
        (
            "GRANT SELECT(a), SELECT(b, c), INSERT(d), INSERT, SELECT(e) ON t TO a",
            GrantPrivileges(
                (
                    *(Grant("SELECT", "", "t", column) for column in "abc"),
                    Grant("INSERT", "", "t", "d"),
                    Grant("INSERT", "", "t"),
                    Grant("SELECT", "", "t", "e"),
                ),
                A,
            ),
        ),
    ],
)
def test_two_spellings_of_the_same_are_read_alike(text: str, statement: AccessStatement) -> None:
    assert parse(text) == statement
    assert parse(print_statement(statement)) == statement


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "CREATE TABLE USER (a UInt8) ENGINE = Memory",
        "SHOW CREATE TABLE USER",
        "SHOW TABLES",
        "SET role = 1",
        "SET max_threads = 1",
        "DROP TABLE QUOTA",
        "CHECK GRANT SELECT ON db.t",
        "`GRANT` r TO a",
        "",
    ],
)
def test_other_statements_are_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CREATE USER a@'1.2.3.4' HOST LIKE '1.2.3.4'", "name@host"),
        ("CREATE USER a ON CLUSTER c", "ON CLUSTER"),
        ("GRANT ON CLUSTER c SELECT ON db.t TO a", "ON CLUSTER"),
        ("CREATE ROLE r IN local_directory", "storage"),
        ("DROP ROLE r FROM local_directory", "storage"),
        ("MOVE USER a TO x", "MOVE"),
        ("EXECUTE AS bob", "EXECUTE AS"),
        ("CREATE USER a IDENTIFIED WITH ldap SERVER 'x'", "authentication method"),
        ("CREATE USER a IDENTIFIED WITH ssh_key BY KEY AAAA TYPE `ssh-rsa`", "authentication method"),
        ("CREATE USER a IDENTIFIED BY 'x' VALID FOR toIntervalDay(1)", "VALID FOR"),
        ("CREATE USER {u:Identifier}", "Query parameters"),
        ("CREATE ROW POLICY p ON t FOR SELECT USING {x:String} = 'a'", "Query parameters"),
        ("CREATE USER a HOST NAME 'x'", "HOST NAME"),
        ("CREATE USER a HOST LOCAL, LIKE 'x'", "HOST NAME"),
        ("CREATE USER a HOST IP '10.0.0.0/255.0.255.0'", "masks"),
        ("CREATE USER a DEFAULT ROLE r EXCEPT s", "EXCEPT"),
        ("CREATE USER a DEFAULT ROLE CURRENT_USER", "no role"),
        ("SET ROLE a, CURRENT_USER", "no role"),
        ("GRANT r TO ALL", "everybody"),
        ("GRANT SELECT ON db*.* TO a", "Wildcards"),
        ("GRANT SELECT ON db.t* TO a", "Wildcards"),
        ("GRANT TABLE ENGINE ON Me* TO a", "Wildcards"),
        ("CREATE ROW POLICY p ON db.* FOR SELECT USING 1", "all tables"),
        ("CREATE ROW POLICY p ON t FOR SELECT USING NONE", "USING NONE"),
        ("CREATE QUOTA q KEYED BY client_key, user_name", "keyed"),
        ("CREATE QUOTA q KEYED BY ip_address IPV4_PREFIX_BITS 24", "form"),
        ("CREATE USER a PARALLEL WITH DROP USER b", "PARALLEL"),
        ("SHOW USERS INTO OUTFILE 'x'", "INTO OUTFILE"),
        ("SHOW USERS SETTINGS max_threads = 1", "form"),
        ("DROP MASKING POLICY p ON t", "MASKING POLICY"),
        ("CREATE ROLE `ALL`", "keyword"),
        ("CREATE ROLE NONE", "keyword"),
        ("CREATE USER 'CURRENT_USER'", "keyword"),
        ("ALTER ROLE a RENAME TO 'NONE'", "keyword"),
        ("DROP USER CURRENT_USER", "keyword"),
        ("GRANT r TO a, WITH", "keyword"),
        ("SHOW CREATE USERS CURRENT_USER, a", "keyword"),
        ("CREATE USER a SETTINGS MIN = 1", "keyword"),
        ("CREATE USER a SETTINGS a.b = 1", "form"),
        ("GRANT SELECT, CREATE USER ON * TO a", "together"),
        ("GRANT  r TO a", "form"),
        ("GRANT `r` TO a", "form"),
        ("CREATE QUOTA q FOR INTERVAL 60 minute TRACKING ONLY", "form"),
    ],
)
def test_what_is_not_supported_is_refused_and_named(text: str, reason: str) -> None:
    with pytest.raises(DatabaseError, match="48") as caught:
        parse(text)
    assert reason in caught.value.public


def test_an_unknown_privilege_is_refused_as_one() -> None:
    with pytest.raises(DatabaseError, match="508"):
        parse("GRANT FLY ON db.t TO a")


def test_no_secret_is_in_a_statements_repr() -> None:
    statement = parse("CREATE USER a IDENTIFIED WITH sha256_hash BY 'Xyzzy' SALT 'Xyzzy'")
    assert isinstance(statement, CreateUser)
    assert statement.methods[0].secret == "Xyzzy"
    assert "Xyzzy" not in repr(statement)


@given(statement=statements, data=st.data())
def test_a_damaged_statement_is_refused_or_means_exactly_what_it_says(
    statement: AccessStatement, data: st.DataObject
) -> None:
    text = print_statement(statement)
    place = data.draw(st.integers(0, len(text)))
    end = min(len(text), place + data.draw(st.integers(0, 8)))
    damaged = text[:place] + data.draw(st.sampled_from(["", " ", "a", "TO", ", ", "'", "`", "("])) + text[end:]
    try:
        found = parse(damaged)
    except DatabaseError:
        return
    if found is not None:
        assert parse(print_statement(found)) == found
