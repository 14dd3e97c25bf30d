"""SHOW answers from the catalogue, in the engine's own words, what the viewer may see."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from stronghouse.engine.access.answers import Shown, as_select
from stronghouse.engine.access.catalogue import (
    Catalogue,
    Grant,
    Method,
    Profile,
    Quota,
    QuotaInterval,
    Role,
    RoleGrant,
    RowPolicy,
    SettingElement,
    Targets,
    User,
)
from stronghouse.engine.access.rights import Rights
from stronghouse.engine.access.showing import ShowStatement, show
from stronghouse.engine.access.statements import (
    Kind,
    PolicyName,
    ShowAccess,
    ShowCreate,
    ShowCreatePolicies,
    ShowCurrentQuota,
    ShowGrants,
    ShowPolicies,
    ShowProfiles,
    ShowQuotas,
    ShowRoles,
    ShowUsers,
    TableName,
    TargetNames,
)
from stronghouse.engine.access.viewing import Viewer
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.quotas import Usage

HASH = "5e884898da28047151d0e56f8dc62927" * 2
ALL = (Grant("ALL", grant_option=True),)
R1 = (
    Grant("SELECT", "default"),
    Grant("SELECT", "default", "secret", revoked=True),
    *(Grant("INSERT", "default", "t", column) for column in "ab"),
)
R2 = (
    *(Grant(privilege) for privilege in ("SHOW", "SELECT", "INSERT", "ALTER UPDATE", "CREATE USER", "ALTER USER")),
    Grant("SET DEFINER", parameter="bob"),
)
CATALOGUE = Catalogue(
    users={
        "0": User("0", "default", methods=(Method("sha256_password", HASH),), grants=ALL),
        "b": User(
            "b",
            "bob",
            methods=(Method("sha256_password", HASH, "aa", 1_900_000_000), Method("bcrypt_password", "$2a$12$secret")),
            hosts=("10.0.0.0/8", "LOCAL", "2001:db8::/32"),
            default_roles=Targets(frozenset({"2"})),
            grantees=Targets(everybody=True, excluded=frozenset({"e"})),
            default_database="db",
            settings=(SettingElement(profile="p"), SettingElement("max_threads", "4", "1", "8")),
            roles=(RoleGrant("2", admin_option=True), RoleGrant("1")),
            grants=(Grant("SELECT", "db", grant_option=True),),
        ),
        "e": User("e", "e v`e", hosts=()),
    },
    roles={
        "1": Role("1", "r1", grants=R1),
        "2": Role("2", "r2", grants=R2, roles=(RoleGrant("1"),)),
        "3": Role("3", "viewer", grants=(Grant("SHOW USERS"), Grant("SHOW ROW POLICIES", "db"))),
    },
    policies={
        "x": RowPolicy("x", "p1", "db", "t", "(a = 1) OR (b = 'x')", targets=Targets(frozenset({"b", "1"}))),
        "y": RowPolicy(
            "y", "p2", "db", "u", "1", restrictive=True, targets=Targets(everybody=True, excluded=frozenset("b"))
        ),
    },
    profiles={
        "p": Profile("p", "small", (SettingElement("max_memory_usage", writability="CONST"),), Targets(frozenset("2")))
    },
    quotas={
        "q": Quota(
            "q",
            "hourly",
            "ip_address",
            (
                QuotaInterval(3600, limits=(("execution_time", 2.5), ("queries", 5.0))),
                QuotaInterval(86400, randomized=True),
            ),
            Targets(frozenset({"b"})),
        )
    },
)
OWNER = Viewer("0", frozenset())
BOB = Viewer("b", frozenset({"2"}), database="db")
EVE = Viewer("e", frozenset())
CREATE_BOB = (
    "CREATE USER bob IDENTIFIED WITH sha256_password VALID UNTIL '2030-03-17 17:46:40', bcrypt_password "
    "HOST LOCAL, IP '10.0.0.0/8', '2001:db8::/32' DEFAULT DATABASE db DEFAULT ROLE r2 "
    "SETTINGS PROFILE `small`, max_threads = 4 MIN 1 MAX 8 GRANTEES ANY EXCEPT `e v\\`e`"
)


def shown(statement: ShowStatement, viewer: Viewer = OWNER, catalogue: Catalogue = CATALOGUE) -> Shown:
    return show(statement, catalogue, viewer)


def lines(statement: ShowStatement, viewer: Viewer = OWNER) -> list[object]:
    found = shown(statement, viewer)
    assert len(found.columns) == 1
    return [row[0] for row in found.rows]


def title(statement: ShowStatement) -> str:
    return shown(statement).columns[0][0]


def refusal(act: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(DatabaseError) as raised:
        act()
    return raised.value.number, raised.value.public


def test_names_are_sorted() -> None:
    assert lines(ShowUsers()) == ["bob", "default", "e v`e"]
    assert lines(ShowRoles()) == ["r1", "r2", "viewer"]
    assert lines(ShowProfiles()) == ["small"]
    assert lines(ShowQuotas()) == ["hourly"]
    assert lines(ShowPolicies()) == ["p1 ON db.t", "p2 ON db.u"]
    assert lines(ShowPolicies(named="p2")) == ["p2 ON db.u"]
    assert lines(ShowPolicies(on=TableName("db", None))) == ["p1 ON db.t", "p2 ON db.u"]


def test_policies_of_one_table_have_short_names_and_the_current_database_counts() -> None:
    assert shown(ShowPolicies(on=TableName("db", "t"))).columns == (("short_name", "String"),)
    viewer = replace(OWNER, database="db")
    assert lines(ShowPolicies(on=TableName("", "u")), viewer) == ["p2"]
    assert lines(ShowPolicies(on=TableName("", "u"))) == []


def test_roles_in_force_show_how_they_came() -> None:
    current = shown(ShowRoles("CURRENT"), BOB)
    assert [name for name, _ in current.columns] == ["role_name", "with_admin_option", "is_default"]
    assert current.rows == (("r2", 1, 1),)
    enabled = shown(ShowRoles("ENABLED"), BOB)
    assert [name for name, _ in enabled.columns] == ["role_name", "with_admin_option", "is_current", "is_default"]
    assert enabled.rows == (("r1", 0, 0, 0), ("r2", 1, 1, 1))
    assert shown(ShowRoles("ENABLED"), EVE).rows == ()


def test_a_user_is_shown_without_hashes() -> None:
    assert lines(ShowCreate(kind="USER", names=("bob",))) == [CREATE_BOB]
    assert lines(ShowCreate(kind="USER", names=("e v`e",))) == ["CREATE USER `e v\\`e` HOST NONE"]
    everything = " ".join(map(str, lines(ShowAccess())))
    assert not any(part in everything for part in (HASH, "$2a$", "'aa'"))


def test_roles_policies_profiles_and_quotas_are_shown_as_what_would_make_them() -> None:
    assert lines(ShowCreate(kind="ROLE", names=("r2", "r1"))) == ["CREATE ROLE r1", "CREATE ROLE r2"]
    assert lines(ShowCreate(kind="SETTINGS PROFILE", all=True)) == [
        "CREATE SETTINGS PROFILE `small` SETTINGS max_memory_usage CONST TO r2"
    ]
    (quota,) = lines(ShowCreate(kind="QUOTA", names=("hourly",)))
    assert quota == (
        "CREATE QUOTA hourly KEYED BY ip_address FOR INTERVAL 1 hour MAX queries = 5, execution_time = 2.5, "
        "FOR RANDOMIZED INTERVAL 1 day TRACKING ONLY TO bob"
    )
    assert lines(ShowCreatePolicies(policies=(PolicyName("p1", "db", "t"),))) == [
        "CREATE ROW POLICY p1 ON db.t FOR SELECT USING (a = 1) OR (b = 'x') TO bob, r1"
    ]
    assert lines(ShowCreatePolicies(named="p2")) == [
        "CREATE ROW POLICY p2 ON db.u AS RESTRICTIVE FOR SELECT USING 1 TO ALL EXCEPT bob"
    ]


def test_grants_are_grouped_as_the_engine_groups_them() -> None:
    assert lines(ShowGrants(of=TargetNames(("r1", "r2")))) == [
        "GRANT SELECT ON default.* TO r1",
        "REVOKE SELECT ON default.secret FROM r1",
        "GRANT INSERT(a, b) ON default.t TO r1",
        "GRANT SHOW, SELECT, INSERT, ALTER UPDATE ON *.* TO r2",
        "GRANT CREATE USER, ALTER USER ON * TO r2",
        "GRANT SET DEFINER ON bob TO r2",
        "GRANT r1 TO r2",
    ]
    assert lines(ShowGrants(), BOB) == [
        "GRANT SELECT ON db.* TO bob WITH GRANT OPTION",
        "GRANT r1 TO bob",
        "GRANT r2 TO bob WITH ADMIN OPTION",
    ]
    assert lines(ShowGrants()) == ["GRANT ALL ON *.* TO default WITH GRANT OPTION"]


def test_final_grants_are_those_of_user_and_roles_together() -> None:
    found = lines(ShowGrants(final=True), BOB)
    assert "GRANT SHOW, SELECT, INSERT, ALTER UPDATE ON *.* TO bob" in found
    assert not any("GRANT r" in str(line) for line in found)


def test_a_revoked_grant_option_is_shown() -> None:
    grants = (Grant("SELECT", grant_option=True), Grant("SELECT", "db", revoked=True, grant_option=True))
    catalogue = Catalogue(users={"0": User("0", "default", grants=Rights.of(grants).grants)})
    assert shown(ShowGrants(), OWNER, catalogue).rows == (
        ("GRANT SELECT ON *.* TO default WITH GRANT OPTION",),
        ("REVOKE GRANT OPTION FOR SELECT ON db.* FROM default",),
    )


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (ShowGrants(), "GRANTS"),
        (ShowGrants(of=TargetNames(("bob",)), final=True, output_format="JSON"), "GRANTS FOR bob FINAL"),
        (ShowAccess(), "ACCESS"),
        (ShowCreate(kind="USER"), "CREATE USER"),
        (ShowCreate(kind="USER", names=("bob", "default")), "CREATE USERS bob, default"),
        (ShowCreate(kind="SETTINGS PROFILE", all=True), "CREATE SETTINGS PROFILES"),
        (ShowCreatePolicies(on=TableName("db", "t")), "CREATE ROW POLICIES ON db.t"),
    ],
)
def test_the_column_is_named_after_the_statement(statement: ShowStatement, expected: str) -> None:
    assert title(statement) == expected


def test_everything_is_shown_in_the_engines_order() -> None:
    kinds = [str(line).rsplit(" ON ", 1)[0].split(" ")[:2] for line in lines(ShowAccess())]
    created = [words[1] for words in kinds if words[0] == "CREATE"]
    assert created == ["USER"] * 3 + ["ROLE"] * 3 + ["SETTINGS", "ROW", "ROW", "QUOTA"]
    assert {words[0] for words in kinds[len(created) :]} == {"GRANT", "REVOKE"}


@pytest.mark.parametrize(
    ("statement", "privilege"),
    [
        (ShowUsers(), "SHOW USERS"),
        (ShowRoles(), "SHOW ROLES"),
        (ShowProfiles(), "SHOW SETTINGS PROFILES"),
        (ShowQuotas(), "SHOW QUOTAS"),
        (ShowPolicies(), "SHOW ROW POLICIES"),
        (ShowAccess(), "SHOW ACCESS"),
        (ShowCreate(kind="USER", names=("bob",)), "SHOW USERS"),
        (ShowCreate(kind="USER", all=True), "SHOW USERS"),
        (ShowCreate(kind="ROLE", names=("r1",)), "SHOW ROLES"),
        (ShowCreate(kind="QUOTA"), "SHOW QUOTAS"),
        (ShowCreate(kind="SETTINGS PROFILE", all=True), "SHOW SETTINGS PROFILES"),
        (ShowCreatePolicies(), "SHOW ROW POLICIES"),
        (ShowGrants(of=TargetNames(("bob",))), "SHOW USERS"),
        (ShowGrants(of=TargetNames(("r1",))), "SHOW ROLES"),
    ],
)
def test_others_are_shown_to_who_holds_the_privilege(statement: ShowStatement, privilege: str) -> None:
    sentence = (
        f"e v`e: Not enough privileges. To execute this query, it's necessary to have the grant {privilege} ON *.*."
    )
    assert refusal(lambda: shown(statement, EVE)) == (497, sentence)
    allowed = replace(CATALOGUE.users["e"], grants=(Grant(privilege),))
    shown(statement, EVE, replace(CATALOGUE, users={**CATALOGUE.users, "e": allowed}))


def test_a_privilege_on_one_database_shows_its_policies() -> None:
    viewer = replace(EVE, roles=frozenset({"3"}))
    assert lines(ShowPolicies(on=TableName("db", "t")), viewer) == ["p1"]
    assert refusal(lambda: shown(ShowPolicies(on=TableName("other", "t")), viewer))[0] == 497
    assert refusal(lambda: shown(ShowPolicies(), viewer))[0] == 497
    hidden = ShowCreatePolicies(policies=(PolicyName("p1", "other", "t"),))
    assert refusal(lambda: shown(hidden, viewer))[0] == 497, "not whether there is one"


def test_everybody_sees_themselves_and_the_roles_they_have() -> None:
    assert lines(ShowCreate(kind="USER"), BOB) == lines(ShowCreate(kind="USER", names=("bob",)), BOB) == [CREATE_BOB]
    assert lines(ShowGrants(of=TargetNames(("r1",))), BOB)
    assert lines(ShowGrants(), EVE) == lines(ShowGrants(of=TargetNames(everybody=True)), EVE) == []
    found = lines(ShowGrants(of=TargetNames(everybody=True)), BOB)
    assert {str(line).rsplit(" TO ", 1)[-1].split(" ")[0] for line in found if "REVOKE" not in str(line)} == {
        "bob",
        "r1",
        "r2",
    }


def test_what_there_is_not_is_named_with_the_engines_code() -> None:
    kinds: list[tuple[Kind, int, str]] = [
        ("USER", 192, "user"),
        ("ROLE", 511, "role"),
        ("SETTINGS PROFILE", 180, "settings profile"),
        ("QUOTA", 199, "quota"),
    ]
    for kind, number, word in kinds:
        found = refusal(lambda kind=kind: shown(ShowCreate(kind=kind, names=("nosuch",))))  # type: ignore[misc]
        assert found == (number, f"There is no {word} `nosuch` in `user directories`.")
    gone = ShowCreatePolicies(policies=(PolicyName("nosuch", "default", "t"),))
    assert refusal(lambda: shown(gone)) == (523, "There is no row policy `nosuch ON default.t` in `user directories`.")
    assert refusal(lambda: shown(ShowGrants(of=TargetNames(("nosuch",)))))[0] == 511
    assert refusal(lambda: shown(ShowGrants(with_implicit=True)))[0] == 48


def test_a_quota_without_a_name_is_the_viewers() -> None:
    viewer = replace(BOB, roles=frozenset())
    allowed = replace(CATALOGUE.users["b"], grants=(Grant("SHOW QUOTAS"),))
    catalogue = replace(CATALOGUE, users={**CATALOGUE.users, "b": allowed})
    assert len(shown(ShowCreate(kind="QUOTA"), viewer, catalogue).rows) == 1
    assert shown(ShowCreate(kind="QUOTA")).rows == ()


def test_usage_shows_what_was_used_of_what() -> None:
    interval = CATALOGUE.quotas["q"].intervals[0]
    usage = (
        Usage("q", "10.0.0.1", interval, 3600, 7200, {"queries": 3.0, "execution_time": 0.5}, frozenset({"b"})),
        Usage("q", "", None),
        Usage("gone", ""),
    )
    found = shown(ShowCurrentQuota(), replace(BOB, usage=usage))
    assert len(found.rows) == 2
    first = dict(zip((name for name, _ in found.columns), found.rows[1], strict=True))
    assert first["quota_key"] == "10.0.0.1"
    assert [first[name] for name in ("start_time", "end_time", "duration")] == [3600, 7200, 3600]
    assert [first[name] for name in ("queries", "max_queries", "execution_time", "max_execution_time")] == [
        3,
        5,
        0.5,
        2.5,
    ]
    assert [first[name] for name in ("errors", "max_errors")] == [0, None]


def test_a_select_gives_the_rows_with_every_text_quoted() -> None:
    answer = Shown((("a`b", "String"), ("n", "Nullable(UInt64)")), (("it's \\", None), ("x", 3)))
    assert as_select(answer) == (
        "SELECT r.1 AS `a\\`b`, r.2 AS `n` FROM (SELECT arrayJoin(CAST([tuple('it\\'s \\\\', NULL), tuple('x', 3)] "
        "AS Array(Tuple(String, Nullable(UInt64))))) AS r)"
    )
