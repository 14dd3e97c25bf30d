import time

import pytest

from stronghouse.engine.boundary.calls import administrative_call, check_calls, check_new_function
from stronghouse.engine.boundary.vocabulary import vocabulary
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import split

VOCABULARY = vocabulary(
    functions=["file", "upper", "arraymap", "newfunction", "count", "sum"],
    table_functions=["numbers", "url", "newsource"],
    higher_order=["arraymap"],
    others=["nested", "json", "replacingmergetree"],
    combinators=["if", "state"],
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
        # What comes to be the columns of `values` without being written there as one string.
        *(
            f"SELECT b FROM values({columns}, '1')"
            for columns in (
                "('a String, b String ALIAS 1')",
                "'a String, b String ALIAS 1' AS q",
                "('a String') AS q",
                "q",
                "`true`",
                "own_function()",
                "concat('a', 'b')",
                "['a String'][1]",
                "('a', 'b').1",
                "tuple('a').1",
                "1 = 1 AS q",
                "-q",
                "CAST('a', 'String')",
                "{s:String}",
            )
        ),
        "SELECT b FROM `values`(q, '1')",
        "SELECT b FROM VALUES(q, '1')",
        "SELECT * FROM SQLStandardValues(q, '1')",
        "SELECT * FROM values('a Enum8 (file (1))', 1)",
        "SELECT * FROM generateRandom('a Int TTL file(\\'x\\')')",
        "SELECT * FROM format(concat('Avro', 'Confluent'), 'x')",
        "SELECT * FROM format(('AvroConfluent'), 'x')",
        "SELECT groupFormatIf('AvroConfluent')(x, 1)",
        "SELECT arrayReduce('groupFormat(\\'AvroConfluent\\')', x)",
        # What reads text, handed over with a column for its text.
        "SELECT * APPLY (structureToProtobufSchema) FROM t",
        "SELECT * APPLY structureToCapnProtoSchema FROM t",
        "SELECT arrayMap(formatRow, x, y)",
        "SELECT arrayMap((arrayReduce), x, y)",
        # A function that a user made hands on what it is given.
        "SELECT own_function(file)",
        "SELECT own_function((file))",
        "SELECT own_function(1)(file)",
        "SELECT own_function((1))((file))",
        "SELECT arrayMap(own_function(file), x)",
        "SELECT own_function({f:Identifier})",
        "ALTER TABLE t (DELETE WHERE own_function(file))",
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
        *(f"SELECT * FROM values({row}, 2)" for row in ("-1", "1", "NULL", "true", "(1, 'a')", "['a']", "tuple('a')")),
        "SELECT * FROM `values`(toDate('2024-01-01'), 2)",
        "SELECT * FROM VALUES((1, 'a'), (2, 'b'))",
        "SELECT * FROM SQLStandardValues((1, 'a'), (2, 'b'))",
        "SELECT * FROM values('a Enum8(\\'x\\' = 1), b Nullable(Decimal(9, 2)), file Array(String)', 'x')",
        "SELECT values, arrayMap(x -> NULL, values), arrayMap(x -> x, format) FROM t",
        "SELECT countIf(file), count(file), sumStateIf(file, 1) FROM t",
        "SELECT own_function(1), (file) FROM t",
        "CREATE TABLE t (`n` Nested(file String), `j` JSON(file String)) ENGINE = ReplacingMergeTree(file)",
        "GRANT SELECT(file) ON t TO bob",
        "SELECT COLUMNS(file, b) FROM t",
    ],
)
def test_allowed(sql: str) -> None:
    check(split(sql))


@pytest.mark.parametrize("name", ["sumIf", "sumStateIf", "Nested", "ReplacingMergeTree", "columns"])
def test_nobody_makes_a_function_that_looks_like_the_engines_own(name: str) -> None:
    with pytest.raises(DatabaseError, match="609"):
        check_new_function(name, VOCABULARY)


def test_functions_may_have_other_names_and_the_engine_says_which_it_has() -> None:
    for name in ("own_function", "upper", "If", "notif"):
        check_new_function(name, VOCABULARY)


@pytest.mark.parametrize("call", ["now()", "upper(x)"])
def test_many_calls_take_time_by_their_number_alone(call: str) -> None:
    tokens = split(f"SELECT {', '.join([call] * 20_000)}")
    began = time.process_time()
    check(tokens)
    assert time.process_time() - began < 1.5


def test_what_gets_around_row_policies_is_for_the_owner() -> None:
    assert administrative_call(split("SELECT * FROM mergeTreeIndex(a, b)"), VOCABULARY)
    assert administrative_call(split("SELECT mergeTreeIndex FROM t"), VOCABULARY) is None


def test_what_a_later_engine_brings_is_refused_until_it_is_reviewed() -> None:
    assert "newfunction" in VOCABULARY.refused
    assert "newsource" in VOCABULARY.refused
    assert "upper" not in VOCABULARY.refused
