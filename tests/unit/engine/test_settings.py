import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.settings import FIXED, FIXED_OF_TABLES, check_setting


@pytest.mark.parametrize("name", [*FIXED, *FIXED_OF_TABLES, "PROFILE", "enable_trino_dialect", "Dialect"])
@pytest.mark.parametrize("value", ["0", "x", None])
def test_fixed_settings_are_refused_whatever_the_value(name: str, value: str | None) -> None:
    with pytest.raises(DatabaseError, match="452"):
        check_setting(name, value)


def test_values_are_checked_one_by_one() -> None:
    check_setting("join_algorithm", "hash, PARALLEL_HASH")
    check_setting("join_algorithm", None)
    check_setting("max_threads", "4")
    for value in ("grace_hash", "hash,auto", "", "hash,"):
        with pytest.raises(DatabaseError, match="452"):
            check_setting("join_algorithm", value)
