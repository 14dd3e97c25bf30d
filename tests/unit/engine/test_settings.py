import pytest

from stronghouse.engine.boundary.classification import Table, Verdict, classified
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.settings import ALLOWED_VALUES, FIXED, FIXED_OF_TABLES, MAXIMA, MINIMA, check_setting


@pytest.mark.parametrize(
    "name", [*(set(FIXED) - set(ALLOWED_VALUES)), *FIXED_OF_TABLES, "PROFILE", "enable_trino_dialect", "Dialect"]
)
@pytest.mark.parametrize("value", ["0", "x", None])
def test_fixed_settings_are_refused_whatever_the_value(name: str, value: str | None) -> None:
    with pytest.raises(DatabaseError, match="452"):
        check_setting(name, value)


@pytest.mark.parametrize(
    "name", ["select", "filter", "order", "sort", "additional_table_filters", "schema_inference_hints"]
)
def test_settings_that_hold_sql_are_refused(name: str) -> None:
    with pytest.raises(DatabaseError, match="452"):
        check_setting(name, "file('/etc/passwd')")


def test_values_are_checked_one_by_one() -> None:
    check_setting("join_algorithm", "hash, PARALLEL_HASH")
    check_setting("join_algorithm", None)
    check_setting("max_threads", "4")
    for value in ("grace_hash", "hash,auto", "", "hash,"):
        with pytest.raises(DatabaseError, match="452"):
            check_setting("join_algorithm", value)


@pytest.mark.parametrize("value", ["257", "1e9", "99999999999999999999999", "-1", "0x200", "256K", "", "\uff12"])
def test_a_maximum_holds_in_every_notation(value: str) -> None:
    check_setting("max_threads", str(MAXIMA["max_threads"]))
    check_setting("max_threads", "auto(8)")
    with pytest.raises(DatabaseError, match="452"):
        check_setting("max_threads", value)


def test_a_name_that_nobody_reviewed_is_unknown() -> None:
    with pytest.raises(DatabaseError, match="115"):
        check_setting("setting_of_a_later_version", "1")
    check_setting("param_anything", "1")


def test_every_allowed_setting_can_be_reset() -> None:
    for name, entry in classified(Table.SETTINGS).items():
        if entry.verdict is Verdict.ALLOW and name not in classified(Table.MERGE_TREE_SETTINGS):
            check_setting(name, None)


@pytest.mark.parametrize("name", MINIMA)
def test_no_limit_is_so_small_that_the_services_own_statements_fail(name: str) -> None:
    check_setting(name, str(MINIMA[name]))
    for value in (str(MINIMA[name] - 1), "19", "-1", "", "x", *(["0"] if name != "max_query_size" else [])):
        with pytest.raises(DatabaseError, match="452"):
            check_setting(name, value)


def test_nothing_that_makes_a_query_wait_unheard_can_be_set() -> None:
    names = [name for name in classified(Table.SETTINGS) if "bandwidth" in name]
    assert len(names) > 10
    for name in ("interactive_delay", *names):
        with pytest.raises(DatabaseError, match="452"):
            check_setting(name, "1")
