import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.rewriting import Caller, fill, find_marks, kill_selection
from stronghouse.engine.tokens import Kind, split

DEFINED = "CREATE VIEW v DEFINER = d_1 SQL SECURITY DEFINER AS SELECT 1"
BOB = Caller("bob", "d_1", ("a", "b"), ("a", "b", "c"), ())


def rewritten(sql: str, caller: Caller = BOB) -> str:
    return fill(sql, find_marks(split(sql)), caller)


@pytest.mark.parametrize(
    ("sql", "becomes"),
    [
        ("SELECT currentUser()", "SELECT ('bob' AS `currentUser()`)"),
        ("SELECT USER() AS me", "SELECT 'bob' AS me"),
        ("SELECT concat(user(), 'x')", "SELECT concat(('bob' AS `user()`), 'x')"),
        ("SELECT current_user", "SELECT ('bob' AS `current_user`)"),
        ("SELECT current_user FROM t", "SELECT current_user FROM t"),
        ("SELECT `current_user`, t.session_user", "SELECT `current_user`, t.session_user"),
        ("SELECT 'currentUser()', user(1), user FROM t", "SELECT 'currentUser()', user(1), user FROM t"),
        ("SELECT currentRoles()", "SELECT (CAST(['a', 'b'], 'Array(String)') AS `currentRoles()`)"),
        ("SELECT length(defaultRoles()) AS n", "SELECT length((CAST([], 'Array(String)') AS `defaultRoles()`)) AS n"),
        ("DELETE FROM t WHERE u = currentUser()", "DELETE FROM t WHERE u = 'bob'"),
        ("SELECT * FROM system.processes", "SELECT * FROM _stronghouse.processes"),
        (
            "SELECT system.processes.user FROM system.processes",
            "SELECT _stronghouse.processes.user FROM _stronghouse.processes",
        ),
        ("SELECT a.system.processes FROM a", "SELECT a.system.processes FROM a"),
        ("SHOW PROCESSLIST FORMAT JSON", "SELECT * FROM _stronghouse.processes FORMAT JSON"),
        ("CREATE VIEW v DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT 1", DEFINED),
        ("CREATE VIEW v DEFINER = bob SQL SECURITY DEFINER AS SELECT 1", DEFINED),
        ("SELECT 1", "SELECT 1"),
    ],
)
def test_what_asks_for_the_user_is_answered_with_the_real_one(sql: str, becomes: str) -> None:
    assert rewritten(sql) == becomes


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW v AS SELECT currentUser()",
        "CREATE TABLE t (`a` String DEFAULT user()) ENGINE = Memory",
        "ALTER TABLE t (ADD COLUMN `a` String MATERIALIZED currentUser())",
        "CREATE FUNCTION f AS () -> currentRoles()",
        "CREATE ROW POLICY p ON t USING u = currentUser() TO ALL",
        "CREATE VIEW v AS SELECT * FROM system.processes",
    ],
)
def test_what_would_be_evaluated_later_is_refused(sql: str) -> None:
    with pytest.raises(DatabaseError, match="48"):
        find_marks(split(sql))


def test_nobody_names_another_as_definer() -> None:
    with pytest.raises(DatabaseError, match="497"):
        rewritten("CREATE VIEW v DEFINER = alice SQL SECURITY DEFINER AS SELECT 1")
    with pytest.raises(DatabaseError, match="497"):
        rewritten("CREATE VIEW v DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT 1", Caller("bob"))
    with pytest.raises(DatabaseError, match="497"):
        rewritten("CREATE VIEW v DEFINER = d_2 SQL SECURITY DEFINER AS SELECT 1")
    shown = "CREATE VIEW v DEFINER = d_1 SQL SECURITY DEFINER AS SELECT 1"
    assert rewritten(shown) == shown, "what SHOW CREATE says of one's own view makes it again"


def test_a_kill_becomes_a_query_for_what_it_means() -> None:
    sql = "KILL QUERY WHERE user = currentUser() OR elapsed > 5 ASYNC"
    text = rewritten(sql)
    assert kill_selection(text, split(text)) == (
        "SELECT query_id FROM _stronghouse.processes WHERE (user = ('bob' AS `currentUser()`) OR elapsed > 5)"
    )


def test_many_calls_that_ask_for_the_user_take_time_by_their_number_alone() -> None:
    tokens = split(f"SELECT {', '.join(['currentUser()'] * 10_000)}")
    began = time.process_time()
    assert len(find_marks(tokens)) == 10_000
    assert time.process_time() - began < 1


@given(st.text(max_size=50))
def test_a_name_stays_inside_its_literal(name: str) -> None:
    tokens = split(rewritten("SELECT currentUser(), 1", Caller(name)))
    assert [token.kind for token in tokens[2:4]] == [Kind.STRING, Kind.WORD]
