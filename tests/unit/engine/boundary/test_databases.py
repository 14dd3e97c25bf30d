import pytest

from stronghouse.engine.boundary.databases import check_databases, check_stopping
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import split


@pytest.mark.parametrize("verb", ["DROP", "DETACH", "TRUNCATE", "RENAME"])
@pytest.mark.parametrize(
    "name",
    ["default", "`default`", "IF EXISTS default", "{d:Identifier}", "SYSTEM", "INFORMATION_SCHEMA", "x TO system"],
)
def test_databases_that_the_service_needs_stay(verb: str, name: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        check_databases(split(f"{verb} DATABASE {name}"))
    assert refused.value.number == 497


def test_others_go() -> None:
    for sql in ("DROP DATABASE IF EXISTS shop SYNC", "RENAME DATABASE a TO b", "DROP TABLE default.x"):
        check_databases(split(sql))


@pytest.mark.parametrize("what", ["MERGES", "MOVES", "TTL MERGES", "MERGES ON VOLUME a.b"])
def test_merges_are_stopped_for_a_table_only(what: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        check_stopping(split(f"SYSTEM STOP {what}"))
    assert refused.value.number == 497
    check_stopping(split(f"SYSTEM STOP {what.removesuffix(' ON VOLUME a.b')} shop.t"))
    check_stopping(split(f"SYSTEM START {what}"))
