"""What a rendered catalogue lets users do, asked of a real engine that was opened with it."""

import random
import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from stronghouse.engine.access.catalogue import (
    Catalogue,
    Grant,
    Profile,
    Role,
    RoleGrant,
    RowPolicy,
    SettingElement,
    Targets,
    User,
)
from stronghouse.engine.access.engine_roles import BY_GRANT
from stronghouse.engine.access.parsing import parse
from stronghouse.engine.access.privileges import ON_TABLES
from stronghouse.engine.access.rendering import HIDDEN
from stronghouse.engine.access.rights import Rights
from stronghouse.engine.access.statements import GrantPrivileges, RevokePrivileges
from stronghouse.engine.configuration import TABLE_ENGINES
from stronghouse.engine.tokens import split
from tests.integration.engine.rendered_engine import RenderedEngine

OWNER, ANN, BOB, EVE, MAKER, LIMITED = ("0" * 16, "a" * 16, "b" * 16, "e" * 16, "d" * 16, "f" * 16)
READER = "1" * 16
ALL_BUT_EVE = Targets(everybody=True, excluded=frozenset({EVE}))
POLICIES = {
    "2" * 16: RowPolicy("2" * 16, "own", "db", "t", "a = 1", targets=Targets(frozenset({ANN}))),
    "3" * 16: RowPolicy("3" * 16, "read", "db", "t", "a > 1", targets=Targets(frozenset({READER}))),
    "4" * 16: RowPolicy("4" * 16, "not_eve", "db", "t", "a < 4", restrictive=True, targets=ALL_BUT_EVE),
    "5" * 16: RowPolicy(
        "5" * 16, "dollar", "db", "w-x", "x = '${profiles.default.max_execution_time}'", targets=Targets(everybody=True)
    ),
    "6" * 16: RowPolicy("6" * 16, "control", "db", "_y", "x = 'a\x01\u2028b'", targets=Targets(everybody=True)),
    "7" * 16: RowPolicy("7" * 16, "maker", "db", "t", "a = 3", targets=Targets(frozenset({MAKER}))),
}
CATALOGUE = Catalogue(
    generation=7,
    users={
        OWNER: User(OWNER, "default", grants=(Grant("ALL", grant_option=True),)),
        ANN: User(ANN, "ann", grants=(Grant("SELECT", "db"), Grant("SELECT", "odd`\n${user}", "t\\"))),
        BOB: User(BOB, "bob", grants=(Grant("SELECT", "db", "t", "a"),), roles=(RoleGrant(READER),)),
        EVE: User(EVE, "eve", grants=(Grant("SELECT", "db"),), roles=(RoleGrant(READER),)),
        MAKER: User(
            MAKER,
            "maker",
            grants=tuple(
                Grant(name, "db") for name in ("SELECT", "INSERT", "CREATE TABLE", "CREATE VIEW", "DROP TABLE")
            ),
        ),
        LIMITED: User(
            LIMITED,
            "limited",
            settings=(
                SettingElement("max_threads", "3", "2", "4"),
                SettingElement("max_block_size", "'1000'", writability="CONST"),
            ),
            grants=(Grant("SELECT"), Grant("SELECT", "system", "query_log", revoked=True), Grant("SHOW USERS")),
        ),
    },
    roles={READER: Role(READER, "reader", grants=(Grant("SELECT", "db", "t"),))},
    policies=POLICIES,
    profiles={
        "8" * 16: Profile(
            "8" * 16, "quick", (SettingElement("max_memory_usage", maximum="2000000000"),), Targets(everybody=True)
        )
    },
)
WITH_MORE = ("View", "MaterializedView", "GraphiteMergeTree")
"""Engines that need more than columns: a query, or a part of the engine's configuration."""
ON_COLUMNS = ["SELECT", "INSERT"]
ON_TABLES_TOO = [*ON_COLUMNS, "ALTER TABLE", "ALTER", "CREATE", "DROP TABLE", "SHOW", "SHOW TABLES", "TRUNCATE", "ALL"]


def grant_sequences() -> dict[str, list[Grant]]:
    """Grants and revokes one after the other, as they come up in a role's life."""
    chosen = random.Random(5)
    return {f"t_{number}": [random_grant(chosen) for _ in range(chosen.randint(1, 9))] for number in range(120)}


def random_grant(chosen: random.Random) -> Grant:
    depth = chosen.randint(0, 3)
    database, table, column = ([chosen.choice(("x", "y")) for _ in range(depth)] + [None] * 3)[:3]
    privilege = chosen.choice([*ON_TABLES_TOO, "SYSTEM"] if depth == 0 else ON_COLUMNS if depth == 3 else ON_TABLES_TOO)
    return Grant(privilege, database, table, column, revoked=chosen.random() < 0.4)


def text_of(grant: Grant) -> str:
    column = f"({grant.column})" if grant.column else ""
    where = f"{grant.database or '*'}.{grant.table or '*'}"
    return f"{'REVOKE' if grant.revoked else 'GRANT'} {grant.privilege}{column} ON {where}"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RenderedEngine]:
    grants = {role: [text_of(grant) for grant in given] for role, given in grant_sequences().items()}
    engine = RenderedEngine(tmp_path_factory.mktemp("engine"), CATALOGUE, grants)
    for statement in (
        "CREATE DATABASE db",
        "CREATE DATABASE _stronghouse",
        "CREATE DATABASE `odd``\n\\x24{user}`",
        "CREATE TABLE `odd``\n\\x24{user}`.`t\\\\` ENGINE = MergeTree ORDER BY a AS SELECT 7 AS a",
        "CREATE TABLE db.t ENGINE = MergeTree ORDER BY a AS SELECT number + 1 AS a, number AS b FROM numbers(5)",
        "CREATE TABLE db.`w-x` (x String) ENGINE = MergeTree ORDER BY x",
        "INSERT INTO db.`w-x` SELECT arrayJoin(['3600', concat('$', '{profiles.default.max_execution_time}')])",
        "CREATE TABLE db._y (x String) ENGINE = MergeTree ORDER BY x",
        "INSERT INTO db._y SELECT arrayJoin(['ab', concat('a', char(1, 226, 128, 168), 'b')])",
        "CREATE TABLE _stronghouse.query_log ENGINE = MergeTree ORDER BY q AS SELECT 'text' AS q, 'x' AS r",
        "CREATE TABLE _stronghouse.session_log ENGINE = MergeTree ORDER BY q AS SELECT 'who' AS q",
        "CREATE VIEW system.query_log SQL SECURITY INVOKER AS SELECT * FROM _stronghouse.query_log",
        "CREATE VIEW system.session_log SQL SECURITY INVOKER AS SELECT * FROM _stronghouse.session_log",
    ):
        assert engine.ask(None, statement) == ""
    yield engine
    engine.close()


def test_the_generation_can_be_told(engine: RenderedEngine) -> None:
    assert engine.ask(None, "SELECT 1") == "1"
    assert engine.ask(OWNER, "SELECT enabledRoles()").count("u_") == 1


def test_grants_and_partial_revokes_add_up_as_in_the_engine(engine: RenderedEngine) -> None:
    for role, given in grant_sequences().items():
        told = [grant for line in engine.ask(None, f"SHOW GRANTS FOR {role}").splitlines() for grant in parsed(line)]
        assert Rights.of(told).limited(ON_TABLES).grants == Rights.of(given).limited(ON_TABLES).grants, given


def parsed(line: str) -> list[Grant]:
    """The grants of one line of SHOW GRANTS; none for those on names, which the engine mixes up with databases."""
    if not re.search(r" ON (\*|[^ .]+)\.", line):
        return []
    statement = parse(line, split(line))
    if isinstance(statement, RevokePrivileges):
        return [Grant(one.privilege, one.database, one.table, one.column, revoked=True) for one in statement.grants]
    return list(statement.grants) if isinstance(statement, GrantPrivileges) else []


@pytest.mark.parametrize(
    ("user", "sql", "rows"),
    [
        (ANN, "SELECT a FROM db.t ORDER BY a", ["1"]),
        (BOB, "SELECT a FROM db.t ORDER BY a", ["2", "3"]),
        (EVE, "SELECT a FROM db.t ORDER BY a", ["2", "3", "4", "5"]),
        (OWNER, "SELECT a FROM db.t ORDER BY a", []),
        (None, "SELECT a FROM db.t ORDER BY a", ["1", "2", "3", "4", "5"]),
        (ANN, "SELECT x FROM db.`w-x`", ["${profiles.default.max_execution_time}"]),
        (ANN, "SELECT length(x) FROM db._y", ["6"]),
        (ANN, "SELECT a FROM `odd``\n\\x24{user}`.`t\\\\`", ["7"]),
    ],
)
def test_a_table_with_policies_shows_what_they_say_and_nothing_to_others(
    engine: RenderedEngine, user: str | None, sql: str, rows: list[str]
) -> None:
    assert engine.ask(user, sql).split() == rows


@pytest.mark.parametrize(
    ("user", "sql", "needed"),
    [
        (ANN, "INSERT INTO db.t VALUES (1, 1)", "INSERT"),
        (ANN, "CREATE TABLE db.u (a Int8) ENGINE = Memory", "CREATE TABLE"),
        (MAKER, "CREATE TABLE db.f (a Int8) ENGINE = File(CSV)", "TABLE ENGINE ON File"),
        (OWNER, "CREATE TABLE db.f (a Int8) ENGINE = URL('http://127.0.0.1/', CSV)", "TABLE ENGINE ON URL"),
        (OWNER, "SELECT * FROM url('http://127.0.0.1/', CSV, 'a String')", "URL|READ ON URL|CREATE TEMPORARY"),
        (OWNER, "SYSTEM SHUTDOWN", "SYSTEM SHUTDOWN"),
        (OWNER, "SYSTEM RELOAD USERS", "SYSTEM RELOAD USERS"),
        (OWNER, "BACKUP TABLE db.t TO Disk('x', 'y')", "BACKUP"),
        (OWNER, "ALTER TABLE db.t FREEZE", "ALTER FREEZE PARTITION"),
        (OWNER, "CREATE USER x", "CREATE USER"),
        (BOB, "SELECT q FROM _stronghouse.session_log", "SELECT"),
        (OWNER, "INSERT INTO _stronghouse.query_log VALUES ('a', 'b')", "INSERT"),
        (OWNER, "TRUNCATE TABLE _stronghouse.query_log", "TRUNCATE"),
        (OWNER, "ALTER TABLE _stronghouse.query_log DELETE WHERE 1", "ALTER DELETE"),
        (OWNER, "DROP DATABASE _stronghouse", "DROP DATABASE"),
        (OWNER, "CREATE VIEW db.v SQL SECURITY NONE AS SELECT 1", "ALLOW SQL SECURITY NONE"),
        (MAKER, f"CREATE VIEW db.v DEFINER = d_{OWNER} SQL SECURITY DEFINER AS SELECT 1", "SET DEFINER"),
        (ANN, "SELECT q FROM system.query_log", "SELECT"),
        (LIMITED, "SELECT q FROM system.query_log", "SELECT"),
    ],
)
def test_what_is_not_granted_or_leads_out_is_refused(engine: RenderedEngine, user: str, sql: str, needed: str) -> None:
    answer = engine.ask(user, sql)
    assert answer.startswith("!497"), answer
    assert re.search(rf"grant [^.]*({needed})", answer), answer


def test_logs_are_read_through_their_views_by_those_who_may(engine: RenderedEngine) -> None:
    assert engine.ask(OWNER, "SELECT q FROM system.query_log") == "text"
    assert engine.ask(LIMITED, "SELECT q FROM system.session_log") == "who"


def test_our_own_tables_are_not_shown(engine: RenderedEngine) -> None:
    for user, number in ((BOB, "0"), (OWNER, "0"), (LIMITED, "0"), (None, "2")):
        assert engine.ask(user, "SELECT count() FROM system.tables WHERE database = '_stronghouse'") == number


@pytest.mark.parametrize("name", [name for name in TABLE_ENGINES if name not in WITH_MORE])
def test_tables_of_each_allowed_engine_can_be_made(engine: RenderedEngine, name: str) -> None:
    arguments = {"CollapsingMergeTree": "(s)", "VersionedCollapsingMergeTree": "(s, a)"}.get(name, "")
    order = "ORDER BY a" if "MergeTree" in name else ""
    sql = f"CREATE TABLE db.made_{name} (a Int8, s Int8) ENGINE = {name}{arguments} {order}"
    assert engine.ask(MAKER, sql) == ""
    assert engine.ask(MAKER, f"DROP TABLE db.made_{name}") == ""


def test_a_view_runs_as_the_user_who_made_it(engine: RenderedEngine) -> None:
    made = (
        "CREATE VIEW db.{} DEFINER = {} SQL SECURITY DEFINER "
        "AS SELECT a, has(enabledRoles(), 's_internal') AS all FROM db.t"
    )
    assert engine.ask(MAKER, made.format("third", f"d_{MAKER}")) == ""
    assert engine.ask(MAKER, "SELECT a, all FROM db.third") == "3\t0"
    assert engine.ask(ANN, "SELECT a, all FROM db.third") == "3\t0", "as its maker sees the table, not as ann does"
    assert engine.ask(MAKER, made.format("everything", "CURRENT_USER")) == "", "which is `default`, with all roles"
    assert engine.ask(ANN, "SELECT a, all FROM db.everything") == "", "the second net"


def test_settings_have_the_users_values_and_keep_to_their_constraints(engine: RenderedEngine) -> None:
    setting = "SELECT getSetting('max_threads'), getSetting('max_block_size'), getSetting('max_execution_time')"
    assert engine.ask(LIMITED, setting) == "3\t1000\t3600"
    assert engine.ask(LIMITED, "SELECT 1 SETTINGS max_threads = 4") == "1"
    for name, value in (
        ("max_threads", "5"),
        ("max_threads", "1"),
        ("max_block_size", "2000"),
        ("default_view_definer", "'default'"),
        ("default_materialized_view_sql_security", "'NONE'"),
        ("implicit_select", "1"),
        ("additional_result_filter", "'0'"),
        ("max_memory_usage", "3000000000"),
    ):
        assert engine.ask(LIMITED, f"SET {name} = {value}").startswith("!452"), name
    assert engine.ask(ANN, "SET max_threads = 5") == ""
    assert engine.ask(ANN, "SET max_memory_usage = 3000000000").startswith("!452"), "a profile for everybody"


def test_a_user_sees_only_statements_of_their_own(engine: RenderedEngine) -> None:
    own = "SELECT count(), countIf(startsWith(query, '/*sh:{} ')) FROM system.processes"
    for user in (OWNER, ANN, MAKER):
        assert engine.ask(user, own.format(user)) == "1\t1"
        assert engine.ask(user, f"/*sh:{BOB} 1*/ {own.format(user)}") == "1\t1"
    assert engine.ask(None, f"/*sh:{BOB} 1*/ SELECT count() FROM system.processes") == "1"


def test_tables_with_the_process_inside_or_of_others_show_nothing_without_the_right(engine: RenderedEngine) -> None:
    for table in (*HIDDEN, *BY_GRANT):
        answer = engine.ask(ANN, f"SELECT * FROM system.{table}")
        assert answer == "" or answer.startswith("!"), table
    assert engine.ask(OWNER, "SELECT * FROM system.stack_trace") == ""
    assert engine.ask(None, "SELECT count() > 0 FROM system.stack_trace") == "1"
    assert engine.ask(OWNER, "SELECT count() > 0 FROM system.server_settings") == "1", "granted"


def test_every_hidden_table_is_one_that_the_engine_has(engine: RenderedEngine) -> None:
    known = engine.ask(None, "SELECT name FROM system.tables WHERE database = 'system'").split()
    assert {*HIDDEN, *BY_GRANT} <= set(known)


def test_privileges_are_those_of_the_engine(engine: RenderedEngine) -> None:
    aliases = "arrayFilter(alias -> alias != privilege, aliases)"
    columns = (
        "privilege",
        "ifNull(toString(level), '-')",
        "ifNull(toString(parent_group), '-')",
        f"if(empty({aliases}), '-', arrayStringConcat({aliases}, ','))",
    )
    told = engine.ask(None, f"SELECT concat_ws('\\t', {', '.join(columns)}) FROM system.privileges")
    kept = files("stronghouse.engine.access").joinpath("privileges.tsv").read_text("utf-8")
    assert kept.splitlines()[1:] == told.splitlines()
