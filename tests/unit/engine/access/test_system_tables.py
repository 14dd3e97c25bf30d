"""The statements that put the catalogue in the place of the engine's system tables."""

import json

from stronghouse.engine.access.catalogue import Catalogue, Profile, Quota, SettingElement, Targets, User
from stronghouse.engine.access.system_rows import rows_of
from stronghouse.engine.access.system_tables import OWN_ROWS, VISIBLE_WITH, statements, usage_statements
from stronghouse.engine.quotas import Usage

NASTY = "'; DROP TABLE x; --\n\\`\"é\0"
CATALOGUE = Catalogue(
    users={"a" * 16: User("a" * 16, NASTY, default_roles=Targets(everybody=True, excluded=frozenset({"gone"})))},
    quotas={"q" * 16: Quota("q" * 16, "q", targets=Targets(frozenset({"a" * 16, "gone"})))},
)


def test_every_table_that_is_made_has_rows_for_somebody_only() -> None:
    made = {words[2].removeprefix("system.") for one in statements(CATALOGUE) if (words := one.split())[0] == "CREATE"}
    assert made - {"sh_form", "quota_usage"} == {*VISIBLE_WITH, *OWN_ROWS}


def test_every_table_is_taken_away_before_it_is_made() -> None:
    made = statements(CATALOGUE)
    for table in ({*VISIBLE_WITH, *OWN_ROWS} | {"quota_usage"}) - {"quota_counts"}:
        kind = "VIEW" if table.endswith("_usage") else "TABLE"
        creation = next(place for place, one in enumerate(made) if one.startswith(f"CREATE {kind} system.{table} "))
        assert made.index(f"DETACH TABLE system.{table}") < creation


def test_a_name_stays_within_its_row() -> None:
    (insert,) = (one for one in statements(CATALOGUE) if one.startswith("INSERT INTO system.users"))
    _, row = insert.split("\n")
    assert json.loads(row)["name"] == NASTY


def test_what_is_gone_is_left_out() -> None:
    rows = rows_of(CATALOGUE)
    assert rows["users"][0]["default_roles_except"] == []
    assert rows["quotas"][0]["apply_to_list"] == [NASTY]
    assert usage_statements(CATALOGUE, [Usage("gone", "")], version=2) == ["TRUNCATE TABLE system.quota_counts"]


def test_the_values_of_settings_are_shown_without_their_quotes() -> None:
    elements = (SettingElement("a", "'it\\'s'"), SettingElement("b", "4", "1", "'8'"))
    rows = rows_of(Catalogue(profiles={"p": Profile("p", "p", elements)}))["settings_profile_elements"]
    assert [(row["value"], row["min"], row["max"]) for row in rows] == [("it's", None, None), ("4", "1", "8")]
