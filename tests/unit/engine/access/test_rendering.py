import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from stronghouse.engine.access.catalogue import (
    Catalogue,
    Grant,
    Role,
    RoleGrant,
    RowPolicy,
    SettingElement,
    Targets,
    User,
)
from stronghouse.engine.access.engine_roles import statements_of
from stronghouse.engine.access.rendering import HIDDEN, users_tree
from stronghouse.engine.access.system_tables import OWN_ROWS, VISIBLE_WITH
from stronghouse.engine.configuration import inert, render
from stronghouse.engine.settings import FIXED

OWNER, ANN, BOB = "0" * 16, "a" * 16, "b" * 16
READER = "1" * 16
POLICY = RowPolicy("2" * 16, "p", "db", "t", "a = 1", targets=Targets(frozenset({ANN})))
CATALOGUE = Catalogue(
    generation=9,
    users={
        OWNER: User(OWNER, "default", grants=(Grant("ALL", grant_option=True),)),
        ANN: User(ANN, "ann", grants=(Grant("SELECT", "db"),)),
        BOB: User(BOB, "bob", grants=(Grant("CREATE VIEW", "db"),), roles=(RoleGrant(READER),)),
    },
    roles={READER: Role(READER, "reader", grants=(Grant("SELECT", "db", "t"),))},
    policies={POLICY.id: POLICY},
)


def rendered(catalogue: Catalogue = CATALOGUE) -> ET.Element:
    return ET.fromstring(render(users_tree(catalogue)))  # noqa: S314 - our own file


def queries(document: ET.Element, place: str) -> list[str | None]:
    return [query.text for query in document.findall(f"{place}/grants/query")]


def test_the_engines_user_holds_every_role_and_no_right_of_its_own() -> None:
    document = rendered()
    roles = {role.tag for role in document.findall("roles/*")}
    assert {"g_9", "s_internal", "s_everything", f"u_{ANN}", f"r_{READER}", f"p_{POLICY.id}"} <= roles
    (given,) = queries(document, "users/default")
    assert given is not None
    assert set(given.removeprefix("GRANT ").split(", ")) == roles


def test_no_name_and_no_hash_of_a_user_is_in_the_file() -> None:
    text = render(users_tree(CATALOGUE)).decode()
    assert "ann" not in text
    assert "reader" not in text


def test_only_who_may_create_views_has_a_user_for_views_to_run_as() -> None:
    document = rendered()
    assert {user.tag for user in document.findall("users/*")} == {"default", f"d_{OWNER}", f"d_{BOB}"}
    assert queries(document, f"users/d_{BOB}") == [f"GRANT u_{BOB}, r_{READER}"]
    assert document.find(f"users/d_{BOB}/networks") is not None
    assert not document.findall(f"users/d_{BOB}/networks/*"), "nobody signs in as it"
    assert f"GRANT SET DEFINER ON d_{BOB}" in queries(document, f"roles/u_{BOB}")
    assert not [query for query in queries(document, f"roles/u_{ANN}") if query and "DEFINER" in query]
    through_role = replace(CATALOGUE, roles={READER: Role(READER, "r", grants=(Grant("CREATE", "db"),))})
    assert rendered(replace(through_role, users=CATALOGUE.users)).find(f"users/d_{ANN}") is None


def test_every_user_of_the_engine_has_every_filter() -> None:
    document = rendered()
    wanted = {("db", "t"), *(("system", table) for table in ("processes", *HIDDEN, *VISIBLE_WITH, *OWN_ROWS))}
    for user in document.findall("users/*"):
        found = {(db.tag, table.tag) for db in user.findall("databases/*") for table in db}
        assert wanted <= found, user.tag
        assert all(text.text for text in user.findall("databases/*/*/filter"))


@pytest.mark.parametrize(
    ("targets", "restrictive", "expected"),
    [
        (Targets(frozenset({ANN})), False, "((has(enabledRoles(), 'p_2222222222222222')) AND (a = 1))"),
        (Targets(everybody=True), False, "((1) AND (a = 1))"),
        (
            Targets(everybody=True, excluded=frozenset({ANN})),
            True,
            "(0) AND (NOT (NOT has(enabledRoles(), 'x_2222222222222222')) OR (a = 1))",
        ),
    ],
)
def test_a_policy_is_a_condition_on_the_roles_in_force(targets: Targets, restrictive: bool, expected: str) -> None:
    policy = replace(POLICY, targets=targets, restrictive=restrictive)
    document = rendered(replace(CATALOGUE, policies={policy.id: policy}))
    assert expected in (document.findtext("users/default/databases/db/t/filter") or "")


def test_a_policys_marker_is_held_by_whom_it_names() -> None:
    document = rendered()
    assert f"GRANT p_{POLICY.id}" in queries(document, f"roles/u_{ANN}")
    assert f"GRANT p_{POLICY.id}" not in queries(document, f"roles/u_{BOB}")
    but_reader = replace(POLICY, targets=Targets(everybody=True, excluded=frozenset({READER})))
    document = rendered(replace(CATALOGUE, policies={POLICY.id: but_reader}))
    assert f"GRANT x_{POLICY.id}" in queries(document, f"roles/r_{READER}")


def test_a_policy_of_the_catalogue_does_not_replace_a_filter_of_ours() -> None:
    policy = replace(POLICY, database="system", table="processes", condition="1")
    document = rendered(replace(CATALOGUE, policies={policy.id: policy}))
    filters = document.findall("users/default/databases/system/processes/filter")
    assert len(filters) == 1
    assert "startsWith" in (filters[0].text or "")


def test_nothing_that_leads_out_is_ever_given() -> None:
    given = " ".join(statements_of((Grant("ALL", grant_option=True),)))
    for name in (
        "FILE",
        "URL",
        "S3",
        "REMOTE",
        "SOURCES",
        "BACKUP",
        "CREATE USER",
        "SHUTDOWN",
        "RELOAD",
        "FREEZE",
        "DICTIONARY",
        "NAMED COLLECTION",
        "INTROSPECTION",
        "addressToLine",
        "TABLE ENGINE",
        "SET DEFINER",
        "CLUSTER",
        "IMPERSONATE",
        "OPTION",
        "SQL SECURITY NONE",
        "FAILPOINT",
        "WORKLOAD",
    ):
        assert name not in given, name
    assert "SELECT" in given
    assert statements_of((Grant("FILE"), Grant("BACKUP", "db"))) == ()


def test_our_own_database_is_taken_out_of_everything() -> None:
    assert statements_of((Grant("INSERT"),)) == (
        "GRANT INSERT ON *.*",
        *(f"REVOKE INSERT ON `{name}`.*" for name in ("INFORMATION_SCHEMA", "information_schema", "system")),
        "REVOKE ALL ON _stronghouse.*",
    )
    assert statements_of((Grant("INSERT", "system"), Grant("DROP DATABASE", "information_schema"))) == ()
    assert statements_of((Grant("INSERT", "db"),)) == ("GRANT INSERT ON `db`.*",)
    assert statements_of((Grant("SELECT", "_stronghouse"),)) == ()


def test_logs_are_readable_as_far_as_their_views_are() -> None:
    column = Grant("SELECT", "system", "query_log", "query")
    assert "GRANT SELECT ON `_stronghouse`.`query_log`" in statements_of((Grant("SELECT"),))
    assert "GRANT SELECT ON `_stronghouse`.`session_log`" in statements_of((Grant("SELECT", "system"),))
    assert "GRANT SELECT(`query`) ON `_stronghouse`.`query_log`" in statements_of((column,))
    hidden = statements_of((Grant("SELECT"), replace(column, revoked=True)))
    assert hidden.index("GRANT SELECT ON `_stronghouse`.`query_log`") < hidden.index(
        "REVOKE SELECT(`query`) ON `_stronghouse`.`query_log`"
    )
    none = statements_of((Grant("SELECT"), Grant("SELECT", "system", "query_log", revoked=True)))
    assert not [one for one in none if "GRANT" in one and "query_log" in one]


def test_revokes_of_the_grant_option_alone_take_nothing_in_the_engine() -> None:
    given = statements_of(
        (Grant("SELECT", "db", grant_option=True), Grant("SELECT", "db", "t", grant_option=True, revoked=True))
    )
    assert given == ("GRANT SELECT ON `db`.*",)


def test_constraints_are_in_the_users_profile_on_top_of_the_fixed_ones() -> None:
    elements = (
        SettingElement("max_threads", "4", "1", "'8'"),
        SettingElement("max_rows_to_read", "1", writability="CONST"),
        SettingElement("max_bytes_to_read", writability="CHANGEABLE_IN_READONLY"),
        SettingElement("max_execution_time", "5"),
    )
    users = {**CATALOGUE.users, ANN: replace(CATALOGUE.users[ANN], settings=elements)}
    document = rendered(replace(CATALOGUE, users=users))
    profile = document.find(f"profiles/l_{ANN}")
    assert profile is not None
    assert profile.findtext("profile") == "default"
    assert profile.findtext("constraints/max_threads/min") == "1"
    assert profile.findtext("constraints/max_threads/max") == "8"
    assert profile.find("constraints/max_rows_to_read/const") is not None
    assert profile.find("constraints/max_bytes_to_read/changeable_in_readonly") is not None
    assert profile.find("constraints/max_execution_time") is None
    assert profile.find("constraints/default_view_definer/const") is not None
    for name in FIXED:
        assert document.find(f"profiles/default/constraints/{name}/const") is not None


def test_text_of_users_cannot_refer_to_other_values_or_break_the_file() -> None:
    assert inert("a = '${x}'") == "a = '\\x24{x}'"
    assert inert("a = '\x01\n'") == "a = '\\x01\\x0a'"
    assert inert("`\udcff`") == "`\\xff`"
    policy = replace(POLICY, condition="a = '</filter><x>${profiles.default.max_threads}&\x00'")
    filters = rendered(replace(CATALOGUE, policies={policy.id: policy}))
    assert "</filter><x>\\x24{profiles" in (filters.findtext("users/default/databases/db/t/filter") or "")
    names = (Grant("SELECT", "a`<b>${c}\n", "\\"),)
    assert statements_of(names) == ("GRANT SELECT ON `a\\`<b>${c}\\n`.`\\\\`",)


def test_the_file_grows_with_users_not_with_their_square() -> None:
    def size(count: int) -> int:
        ids = [f"{number:016x}" for number in range(count)]
        users = {id_: User(id_, id_, grants=(Grant("SELECT", "db"),)) for id_ in ids}
        policy = replace(POLICY, targets=Targets(frozenset(ids)))
        return len(render(users_tree(Catalogue(users=users, policies={policy.id: policy}))))

    first, second, third = size(10), size(110), size(210)
    assert third - second <= 1.05 * (second - first)
