"""The system tables that tell of users and rights answer from the catalogue, and to whom they should."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from stronghouse.kernel.processes import run
from tests.integration.engine.replaced_tables import TABLES

ROOT = Path(__file__).parents[3]
OPEN_TO_ALL = {"current_roles", "enabled_roles", "quota_usage"}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    arguments = [
        sys.executable,
        "-m",
        "tests.integration.engine.replaced_tables",
        str(tmp_path_factory.mktemp("engine")),
    ]
    environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "TZ": "UTC", "LANG": "C.UTF-8"}
    done = run(arguments, environment=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_columns_of_the_one_it_replaces(seen: dict[str, Any], table: str) -> None:
    assert seen["columns_before"][table]
    assert seen["columns_after"][table] == seen["columns_before"][table]


@pytest.mark.parametrize("table", sorted(set(TABLES) - OPEN_TO_ALL))
def test_rows_show_to_who_holds_the_privilege_and_to_nobody_else(seen: dict[str, Any], table: str) -> None:
    assert seen["owner"][table]
    assert seen["bob"][table] == []


def test_users_show_with_how_they_sign_in_and_without_hashes(seen: dict[str, Any]) -> None:
    bob, _, eve = seen["owner"]["users"]
    assert bob == {
        "name": "bob\n'\\\"`é",
        "id": "00000000-0000-0000-bbbb-bbbbbbbbbbbb",
        "storage": "local_directory",
        "auth_type": ["sha256_password", "bcrypt_password"],
        "auth_params": ["{}", "{}"],
        "valid_until": ["2030-03-17 17:46:40", "1970-01-01 00:00:00"],
        "auth_grants": ["", ""],
        "host_ip": ["10.0.0.0/8"],
        "host_names": ["localhost"],
        "host_names_regexp": [],
        "host_names_like": [],
        "default_roles_all": 0,
        "default_roles_list": ["reader"],
        "default_roles_except": [],
        "grantees_any": 1,
        "grantees_list": [],
        "grantees_except": [],
        "default_database": "",
    }
    assert eve["host_ip"] == ["::/0"]
    assert "ab" * 32 not in json.dumps(seen)


def test_the_owner_is_stored_where_sql_changes_nothing(seen: dict[str, Any]) -> None:
    assert {row["name"]: row["storage"] for row in seen["owner"]["users"]}["default"] == "users_xml"


def test_grants_show_level_and_option(seen: dict[str, Any]) -> None:
    grants = {(row["user_name"], row["access_type"]): row for row in seen["owner"]["grants"]}
    select = grants["bob\n'\\\"`é", "SELECT"]
    assert [select[name] for name in ("database", "table", "column", "grant_option")] == ["db", "t", "c", 1]
    assert grants["bob\n'\\\"`é", "SET DEFINER"]["access_object"] == "x"
    assert grants["default", "ALL"]["database"] is None


def test_roles_in_roles_and_in_users_show(seen: dict[str, Any]) -> None:
    found = {
        (row["user_name"] or row["role_name"], row["granted_role_name"]): (
            row["granted_role_is_default"],
            row["with_admin_option"],
        )
        for row in seen["owner"]["role_grants"]
    }
    assert found == {("bob\n'\\\"`é", "reader"): (1, 1), ("eve", "inner"): (0, 0), ("reader", "inner"): (1, 0)}


def test_policies_profiles_and_quotas_show(seen: dict[str, Any]) -> None:
    owner = seen["owner"]
    (policy,) = owner["row_policies"]
    assert (policy["name"], policy["select_filter"], policy["apply_to_all"]) == ("p ON db.t", "a = 'x'", 1)
    (profile,) = owner["settings_profiles"]
    assert (profile["name"], profile["num_elements"], profile["apply_to_list"]) == ("small", 1, ["reader"])
    inherited = [row["inherit_profile"] for row in owner["settings_profile_elements"]]
    assert sorted(filter(None, inherited)) == ["small"]
    (quota,) = owner["quotas"]
    assert (quota["keys"], quota["durations"]) == (["user_name"], [3600])
    (limits,) = owner["quota_limits"]
    assert (limits["max_queries"], limits["max_execution_time"], limits["max_errors"]) == (5, 2.5, None)


def test_everybody_sees_the_own_roles_in_force(seen: dict[str, Any]) -> None:
    def roles(session: str, table: str) -> list[tuple[str, int]]:
        return [(row["role_name"], row["is_default"]) for row in seen[session][table]]

    assert roles("bob", "current_roles") == [("reader", 1)]
    assert roles("bob", "enabled_roles") == [("inner", 0), ("reader", 1)]
    assert [row["is_current"] for row in seen["bob"]["enabled_roles"]] == [0, 1]
    assert roles("bob_inner", "enabled_roles") == [("inner", 0)]
    assert roles("owner", "enabled_roles") == roles("eve", "enabled_roles") == []


def test_everybody_sees_the_own_usage_and_no_other(seen: dict[str, Any]) -> None:
    (own,) = seen["bob"]["quota_usage"]
    assert (own["quota_key"], own["queries"], own["max_queries"], own["errors"]) == ("bob", 3, 5, 0)
    assert own["end_time"] == "2027-01-15 09:00:00"
    assert [row["quota_key"] for row in seen["eve"]["quota_usage"]] == ["eve"]
    assert seen["owner"]["quota_usage"] == []
    assert [(row["quota_key"], row["is_current"]) for row in seen["owner"]["quotas_usage"]] == [("bob", 0), ("eve", 0)]
    assert seen["bob_counts"] == [{"quota_key": "bob"}]


def test_usage_can_be_told_anew_and_what_was_is_gone(seen: dict[str, Any]) -> None:
    assert seen["usage_later"] == [{"quota_key": "bob", "queries": 4, "execution_time": 0.5}]
    assert seen["usage_tidied"] == seen["usage_later"]
    assert seen["counts_tidied"] == [{"quota_key": "bob"}]
    assert seen["usage_none"] == []


def test_an_answer_of_our_own_comes_out_of_the_engine_as_it_went_in(seen: dict[str, Any]) -> None:
    assert seen["select"] == [
        {"a`b": 'it\'s\n\\ "é"', "moment": "2027-01-15 08:00:00", "seconds": 2.5},
        {"a`b": "", "moment": None, "seconds": None},
    ]
    assert seen["select_of_nothing"] == "a`b\tmoment\tseconds\n"
