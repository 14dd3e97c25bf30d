import pytest

from stronghouse.engine.boundary.calls import administrative_call, check_calls
from stronghouse.engine.boundary.vocabulary import vocabulary
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import split

VOCABULARY = vocabulary(
    functions=["file", "upper", "arraymap", "newfunction"],
    table_functions=["numbers", "url", "newsource"],
    higher_order=["arraymap"],
)
check = check_calls(VOCABULARY)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file('/x')",
        "SELECT FILE('/x')",
        "SELECT arrayMap((file), x)",
        "SELECT arrayMap(((file)), x)",
        "SELECT arrayMap({f:Identifier}, x)",
        "SELECT * APPLY (file) FROM t",
        "SELECT * APPLY file FROM t",
        "SELECT newFunction(1)",
        "SELECT * FROM newSource('x')",
        "SELECT aiGenerate('x')",
        "SELECT flameGraphIf(x, 1)",
        "SELECT structureToProtobufSchema('a String DEFAULT 1')",
        "SELECT structureToProtobufSchema(x)",
        "SELECT structureToCapnProtoSchema('a UInt8 DEFAULT 1')",
        "SELECT * FROM format(CSV, 'a Int ALIAS 1', '')",
        "SELECT * FROM format('CSV', 'a Int ALIAS 1', '')",
        "SELECT * FROM format(concat('C', 'SV'), 'a Int ALIAS 1', '')",
        "SELECT * FROM format({f:String}, 'a Int ALIAS 1', '')",
        "SELECT * FROM format(AvroConfluent, 'x')",
        "SELECT * FROM format(NoSuchFormat, 'x')",
        "SELECT formatRow(x, 1)",
        "SELECT formatRow('AvroConfluent', 1)",
        "SELECT groupFormat('AvroConfluent')(x)",
        "SELECT arrayReduce('quantile(length(file(1)))', x)",
        "SELECT arrayReduce(x, y)",
        "SELECT arrayReduce('flameGraph', x)",
        "SELECT initializeAggregation({x:String}, y)",
        "SELECT * FROM viewExplain('EXPLAIN', {x:String}, (SELECT 1))",
        "SELECT * FROM input('a Int')",
    ],
)
def test_refused(sql: str) -> None:
    with pytest.raises(DatabaseError, match=r"497|48|73"):
        check(split(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file, t.file FROM file",
        "SELECT count(file) FROM t WHERE file = 'file(1)'",
        "SELECT arrayMap(x -> x.file, y) FROM t",
        "SELECT arrayMap(x -> upper(x), y), arrayMap(upper, y) FROM t",
        "INSERT INTO url (a) SELECT 1",
        "SELECT * FROM numbers(5)",
        "SELECT own_function(1), airport(2)",
        "SELECT arrayMap((x, y) -> x, urls, url) FROM t",
        "SELECT format('{}', 'DEFAULT'), format('{} {}', a, b)",
        "SELECT arrayReduce('quantile(0.5)', x), arrayReduce('groupConcat(\\',\\')', x)",
        "SELECT formatRow('CSV', 1), groupFormat('JSONEachRow')(x)",
        "SELECT * FROM viewExplain('EXPLAIN', 'indexes = 1', (SELECT 1))",
        "SELECT mergeTreeIndex FROM t",
    ],
)
def test_allowed(sql: str) -> None:
    check(split(sql))


def test_what_gets_around_row_policies_is_for_the_owner() -> None:
    assert administrative_call(split("SELECT * FROM mergeTreeIndex(a, b)"), VOCABULARY)
    assert administrative_call(split("SELECT mergeTreeIndex FROM t"), VOCABULARY) is None


def test_what_a_later_engine_brings_is_refused_until_it_is_reviewed() -> None:
    assert "newfunction" in VOCABULARY.refused
    assert "newsource" in VOCABULARY.refused
    assert "upper" not in VOCABULARY.refused
