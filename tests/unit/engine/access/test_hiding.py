from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.engine.access.hiding import HIDDEN, hidden
from stronghouse.engine.access.printing import print_statement
from stronghouse.engine.access.statements import AlterUser, CreateUser
from tests.unit.engine.access.random_statements import CHARACTERS, alter_user, create_user

SECRET = "Xyzzy42"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CREATE USER a IDENTIFIED BY 'Xyzzy42'", "CREATE USER a IDENTIFIED BY '[HIDDEN]'"),
        (
            (
                "CREATE USER 'a', b IDENTIFIED WITH sha256_hash BY 'Xyzzy42' SALT 'Xyzzy42' VALID UNTIL '2030', "
                "bcrypt_password BY 'Xyzzy42' HOST LOCAL, IP '10.0.0.0/8', '1.2.3.4' SETTINGS a = 'x'"
            ),
            (
                "CREATE USER 'a', b IDENTIFIED WITH sha256_hash BY '[HIDDEN]' SALT '[HIDDEN]' VALID UNTIL '2030', "
                "bcrypt_password BY '[HIDDEN]' HOST LOCAL, IP '10.0.0.0/8', '1.2.3.4' SETTINGS a = 'x'"
            ),
        ),
        (
            "ALTER USER IF EXISTS a RENAME TO 'b' ADD IDENTIFIED BY 'Xyzzy42', BY 'Xyzzy42'",
            "ALTER USER IF EXISTS a RENAME TO 'b' ADD IDENTIFIED BY '[HIDDEN]', BY '[HIDDEN]'",
        ),
        (
            "CREATE USER a IDENTIFIED BY {p:String} PARALLEL WITH CREATE USER b IDENTIFIED BY 'Xyzzy42'",
            "CREATE USER a IDENTIFIED BY {p:String} PARALLEL WITH CREATE USER b IDENTIFIED BY '[HIDDEN]'",
        ),
        (
            "create /* user */ user a identified /* by */ by 'Xyzzy42' -- 'x'",
            "create /* user */ user a identified /* by */ by '[HIDDEN]' -- 'x'",
        ),
    ],
)
def test_secrets_of_signing_in_are_replaced(text: str, shown: str) -> None:
    assert hidden(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "CREATE USER a IDENTIFIED BY Xyzzy42",
        'CREATE USER a IDENTIFIED WITH sha256_password BY "Xyzzy42"',
        "CREATE USER a IDENTIFIED 'Xyzzy42'",
        "CREATE USER a IDENTIFIED Xyzzy42",
        "CREATE USER a IDENTIFIED WITH bcrypt_password 'Xyzzy42'",
        "CREATE USER a PASSWORD 'Xyzzy42'",
        "CREATE OR REPLACE USER a PASSWORD = 'Xyzzy42'",
        "SET PASSWORD FOR a = 'Xyzzy42'",
        "CREAT USER a IDENTIFED BY 'Xyzzy42'",
        "CREATE USER a IDENTIFIED BY $$Xyzzy42$$",
        "CREATE USER a IDENTIFIED BY 'Xyzzy42",
        "CREATE USER a IDENTIFIED BY 'it''s Xyzzy42'",
        "CREATE USER a IDENTIFIED BY \u2018Xyzzy42\u2019",
        "ALTER USER a PASSWORD BY 'Xyzzy42'",
    ],
)
def test_no_secret_stays_in_a_text_that_is_no_statement(text: str) -> None:
    assert SECRET not in hidden(text)
    assert HIDDEN in hidden(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT user, 'x' FROM t ORDER BY 'y'",
        "SELECT currentUser() = 'bob'",
        "CREATE TABLE user (a String DEFAULT 'x') ENGINE = MergeTree ORDER BY a",
        "INSERT INTO users VALUES ('x')",
        "GRANT SELECT ON `user`.t TO bob",
        "SELECT 'not closed",
        "SELECT user FROM t WHERE a = 'x' SETTINGS log_comment = 'y'",
        "CREATE USER 'a' HOST IP '1.2.3.4'",
        "",
    ],
)
def test_other_statements_stay_as_they_are(text: str) -> None:
    assert hidden(text) == text


@given(text=st.text(CHARACTERS) | st.text("CREATE USER IDENTIFIED BY 'x`$\"\\,"))
def test_any_text_can_be_hidden(text: str) -> None:
    assert isinstance(hidden(text), str)


@given(statement=create_user() | alter_user())
def test_no_secret_stays_whatever_else_a_statement_says(statement: CreateUser | AlterUser) -> None:
    methods = tuple(
        replace(it, secret=it.secret and SECRET, salt=it.salt and SECRET) if it.secret else it
        for it in statement.methods
    )
    assert SECRET not in hidden(print_statement(replace(statement, methods=methods)))
