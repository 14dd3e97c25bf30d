"""Attempts to read and write files and to run code, by the service's owner, who has all rights that there are."""

from pathlib import Path

import pytest

from tests.integration.worker.attack import ABSENT, DENIED, FIXED, UNREADABLE, Attempts, hold
from tests.integration.worker.service import Service

TAKEN = 609
PATH = "'/etc/passwd'"
IN_TEXT = r"file(\'/etc/passwd\')"

BY_FUNCTION = Attempts(
    [
        (f"SELECT file({PATH})", DENIED),
        (f"SELECT `file`({PATH})", DENIED),
        (f'SELECT "fi\\x6ce"({PATH})', DENIED),
        (f"SELECT FILE({PATH})", DENIED),
        (f"SELECT length(file({PATH}))", DENIED),
        (f"SELECT arrayMap(file, [{PATH}])", DENIED),
        (f"SELECT arrayMap((((file))), [{PATH}])", DENIED),
        (f"SELECT arrayFilter(x -> file(x) != '', [{PATH}])", DENIED),
        (f"SELECT * APPLY(file) FROM (SELECT {PATH})", DENIED),
        (f"SELECT COLUMNS('x') APPLY file FROM (SELECT {PATH} AS x)", DENIED),
        (f"WITH (x -> file(x)) AS f SELECT f({PATH})", DENIED),
        ("CREATE FUNCTION reading AS x -> file(x)", DENIED),
        (f"SELECT 1 WHERE throwIf(file({PATH}) != '', file({PATH}))", DENIED),
        (f"SELECT * FROM numbers(1) ORDER BY file({PATH})", DENIED),
        (f"SELECT count() OVER (PARTITION BY file({PATH})) FROM numbers(1)", DENIED),
        (f"SELECT * FROM view(SELECT file({PATH}))", DENIED),
        (f"CREATE VIEW reading AS SELECT file({PATH}) AS text", DENIED),
        (f"CREATE TABLE reading (a String DEFAULT file({PATH})) ENGINE = Memory", DENIED),
        (f"CREATE TABLE reading (a String, CONSTRAINT c CHECK file({PATH}) != '') ENGINE = Memory", DENIED),
        (f"CREATE TABLE reading (a Int, INDEX i file({PATH}) TYPE minmax) ENGINE = MergeTree ORDER BY a", DENIED),
        (f"EXPLAIN SYNTAX SELECT file({PATH})", DENIED),
        (f"KILL QUERY WHERE query_id = file({PATH})", DENIED),
        (f"KILL MUTATION WHERE file({PATH}) != ''", DENIED),
        (f"CREATE ROW POLICY p ON default.t USING file({PATH}) != '' TO default", DENIED),
        ("SELECT handing_on(file)", DENIED),
        ("SELECT handing_on((file))", DENIED),
        ("SELECT handing_on(1)(file)", DENIED),
        ("SELECT handing_on(the_same(file))", DENIED),
        (f"SELECT arrayMap(the_same(file), [{PATH}])", DENIED),
        ("CREATE TABLE reading (n Int, a Array(String) DEFAULT handing_on(file)) ENGINE = Memory", DENIED),
        ("ALTER TABLE reading DELETE WHERE length(handing_on(file)) > 0", DENIED),
        ("CREATE FUNCTION sumIf AS (g) -> arrayMap(g, ['/etc/passwd'])", TAKEN),
        ("CREATE FUNCTION `select` AS (g) -> arrayMap(g, ['/etc/passwd'])", TAKEN),
        ("SELECT * APPLY(structureToProtobufSchema) FROM (SELECT 'a Int DEFAULT file(1)')", DENIED),
        ("SELECT * APPLY structureToCapnProtoSchema FROM (SELECT 'a UInt8 DEFAULT 1')", DENIED),
        ("SELECT arrayMap(structureToProtobufSchema, ['a Int DEFAULT 1'])", DENIED),
        ("SELECT arrayMap(arrayReduce, ['quantile(length(file(1)))'], [[1]])", DENIED),
    ],
    [
        "SELECT count(file), upper(t.file) FROM (SELECT 'x' AS file) AS t WHERE file LIKE 'x' GROUP BY file",
        "SELECT arrayMap(upper, ['a'])",
        "SELECT 'file(1)'",
        "WITH (x -> upper(x)) AS f SELECT f('a')",
    ],
)

BY_TEXT = Attempts(
    [
        (f"SELECT * FROM format(JSONEachRow, 'a String, b String DEFAULT {IN_TEXT}', '{{\"a\":1}}')", DENIED),
        (f"SELECT b FROM values('a String, b String ALIAS {IN_TEXT}', '1')", DENIED),
        ("SELECT b FROM values({s:String}, '1')", DENIED),
        (f"SELECT * FROM generateRandom('a String MATERIALIZED {IN_TEXT}') LIMIT 1", DENIED),
        (f"SELECT * FROM null('a String EPHEMERAL {IN_TEXT}')", DENIED),
        (f"SELECT b FROM values(('a String, b String ALIAS {IN_TEXT}'), '1')", DENIED),
        (f"SELECT b FROM values('a String, b String ALIAS {IN_TEXT}' AS q, '1')", DENIED),
        (f"WITH 'a String, b String ALIAS {IN_TEXT}' AS q SELECT b FROM values(q, '1')", DENIED),
        (f"WITH 'a String, b String ALIAS {IN_TEXT}' AS `true` SELECT b FROM values(`true`, '1')", DENIED),
        ("SELECT b FROM values(columns_of(), '1')", DENIED),
        (f"SELECT b FROM values(['a String, b String ALIAS {IN_TEXT}'][1], '1')", DENIED),
        (f"SELECT b FROM values(tuple('a String, b String ALIAS {IN_TEXT}').1, '1')", DENIED),
        (f"SELECT b FROM SQLStandardValues(concat('a String, b String ALIAS {IN_TEXT}', ''), '1')", DENIED),
        ("SELECT * FROM format(concat('Avro', 'Confluent'), 'x')", DENIED),
        ("SELECT groupFormatIf('AvroConfluent')(1, 1)", DENIED),
        (f"SELECT structureToProtobufSchema('a String DEFAULT {IN_TEXT}')", DENIED),
        (f"SELECT structureToCapnProtoSchema('a UInt8 DEFAULT toUInt8({IN_TEXT})')", DENIED),
        ("SELECT structureToCapnProtoSchema(concat('a String DEF', 'AULT 1'))", DENIED),
        (f"SELECT initializeAggregation('quantile(length({IN_TEXT}))', 1)", DENIED),
        (f"SELECT arrayReduce('quantile(length({IN_TEXT}))', [1])", DENIED),
        (f"SELECT arrayReduceInRanges('topK(length({IN_TEXT}))', [(1, 1)], [1])", DENIED),
        ("SELECT arrayReduce(concat('quantile(length(fi', 'le(1)))'), [1])", DENIED),
        (f"SELECT {PATH} AS x SETTINGS select = 'file(x)'", FIXED),
        (f"SELECT {PATH} AS x SETTINGS filter = 'file(x) != \\'\\''", FIXED),
        (f"SELECT {PATH} AS x SETTINGS order = 'throwIf(1, file(x))'", FIXED),
        (f"SELECT {PATH} AS x SETTINGS sort = 'x'", FIXED),
        (f"SELECT 1 SETTINGS additional_result_filter = '{IN_TEXT} != 1'", FIXED),
        (f"SELECT 1 SETTINGS additional_table_filters = {{'t': '{IN_TEXT}'}}", FIXED),
        (f"DESCRIBE format(CSV, '1') SETTINGS schema_inference_hints = 'a String DEFAULT {IN_TEXT}'", FIXED),
        (f"SELECT 1 SETTINGS parallel_replicas_custom_key = '{IN_TEXT}'", FIXED),
        ("SELECT * FROM eval('SELECT 1')", DENIED),
        (f"SELECT * FROM format(Values, 'a String', '({IN_TEXT})')", 344),
        ("SET dialect = 'kusto'", FIXED),
        ("SET enable_json_ast_dialect = 1", FIXED),
        ("SET compatibility = '20.1'", FIXED),
        ("SELECT * FROM viewExplain(concat('EXPLAIN ', 'AST'), '', (SELECT 1))", DENIED),
        ("SELECT 1 SETTINGS format_schema_source = 'query'", FIXED),
        ("SELECT 1 SETTINGS format_schema_source = 'file'", FIXED),
        ("SELECT 1 AS a FORMAT Protobuf SETTINGS format_schema = '/etc/passwd:Message'", DENIED),
        ("SELECT formatRow('ProtobufSingle', 1)", DENIED),
    ],
    [
        "SELECT * FROM format(JSONEachRow, 'a String', '{\"a\":\"default\"}')",
        "SELECT * FROM values('a String', 'default')",
        "SELECT * FROM values(1, 2) UNION ALL SELECT * FROM values(-1, 2)",
        "SELECT * FROM values((1, 'a'), (2, 'b'))",
        "SELECT * FROM VALUES((1, 'a'), (2, 'b'))",
        "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(n, s)",
        "SELECT * FROM values('a Enum8(\\'x\\' = 1), file Array(Nullable(Decimal(9, 2)))', ('x', [1]))",
        "SELECT * FROM values(toDate('2024-01-01'), toDate('2024-01-02'))",
        "SELECT countIf(file = 'x'), sumStateIf(1, file = 'x') FROM (SELECT 'x' AS file)",
        "SELECT structureToProtobufSchema('a String')",
        "SELECT arrayReduce('quantile(0.5)', [1, 2]), initializeAggregation('sum', 1)",
        "SELECT * FROM (EXPLAIN indexes = 1 SELECT 1)",
        "SELECT number FROM numbers(9) SETTINGS limit = 2, offset = 1",
    ],
)

BY_STATEMENT = Attempts(
    [
        ("SELECT 1 INTO OUTFILE '/tmp/attack-0b7e51'", DENIED),
        ("SELECT 1 INTO OUTFILE '/tmp/attack-0b7e51' TRUNCATE COMPRESSION 'gzip' FORMAT CSV", DENIED),
        ("EXPLAIN SELECT 1 INTO OUTFILE '/tmp/attack-0b7e51'", DENIED),
        ("SHOW TABLES INTO OUTFILE '/tmp/attack-0b7e51'", DENIED),
        ("INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV", DENIED),
        ("INSERT INTO FUNCTION file('/tmp/attack-0b7e51') SELECT 1", DENIED),
        ("INSERT INTO TABLE FUNCTION null('a Int') SELECT 1", DENIED),
        ("SELECT * FROM file('/etc/passwd')", DENIED),
        ("SELECT * FROM fileCluster('c', '/etc/passwd')", DENIED),
        ("SELECT * FROM filesystem('/')", DENIED),
        ("SELECT * FROM sqlite('/tmp/attack-0b7e51', 't')", DENIED),
        ("SELECT * FROM icebergLocal('/tmp')", DENIED),
        ("SELECT * FROM deltaLakeLocal('/tmp')", DENIED),
        ("SELECT * FROM `/etc/passwd`", 60),
        ("BACKUP TABLE t TO Disk('local', 'x')", DENIED),
        ("BACKUP ALL TO File('/tmp/attack-0b7e51')", DENIED),
        ("RESTORE TABLE t FROM Disk('local', 'x')", DENIED),
        ("SNAPSHOT TABLE t TO Disk('local', 'x')", DENIED),
        ("ATTACH TABLE x FROM '/tmp' (a Int) ENGINE = MergeTree ORDER BY a", DENIED),
        ("ATTACH DATABASE x ENGINE = Atomic", DENIED),
        ("DETACH TABLE t PERMANENTLY", DENIED),
        ("ALTER TABLE t FREEZE", DENIED),
        ("ALTER TABLE t UNFREEZE WITH NAME 'x'", DENIED),
        ("ALTER TABLE t FETCH PARTITION 1 FROM '/tmp/attack-0b7e51'", ABSENT),
        ("SELECT 1 SETTINGS output_format_schema = '/tmp/attack-0b7e51'", FIXED),
        ("SET input_format_record_errors_file_path = '/tmp/attack-0b7e51'", FIXED),
        ("SET format_template_row = '/etc/passwd'", FIXED),
        ("SET rename_files_after_processing = '%f.x'", FIXED),
        ("SELECT getServerSetting('path')", DENIED),
        ("CREATE DATABASE d ENGINE = Filesystem('/')", DENIED),
        ("CREATE TABLE t (a Int) ENGINE = File(CSV)", DENIED),
        ("COPY t TO STDOUT", DENIED),
    ],
    [
        "SELECT 1 AS x FORMAT Template SETTINGS format_template_row_format = '${x:CSV}'",
        "SELECT formatRow('CSV', 1)",
        "SHOW DATABASES",
    ],
)

CODE = Attempts(
    [
        ("SELECT * FROM python(os)", DENIED),
        ("SELECT * FROM Python(os)", DENIED),
        ("SELECT * FROM `pytho\\x6e`(os)", DENIED),
        ("SELECT 1 SETTINGS allow_python_table_function = 1", FIXED),
        ("SELECT * FROM executable('x', 'CSV', 'a Int')", DENIED),
        ("CREATE TABLE e (a Int) ENGINE = Executable('x', CSV)", DENIED),
        ("CREATE TABLE e (a Int) ENGINE = ExecutablePool('x', CSV)", DENIED),
        ("CREATE TABLE e (a Int) ENGINE = QueryRunner", DENIED),
        ("CREATE FUNCTION f LANGUAGE WASM FROM 'x'", UNREADABLE),
        ("SET webassembly_udf_max_fuel = 1", FIXED),
        ("SELECT addressToLine(1)", DENIED),
        ("SELECT demangle('_ZN')", DENIED),
        ("SET allow_introspection_functions = 1", FIXED),
        ("SELECT flameGraph([1])", DENIED),
        ("SELECT flameGraphIf([1], 1)", DENIED),
        ("SELECT arrayReduce('flameGraph', [[1]])", DENIED),
        (
            "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'x' FORMAT 'CSV')) LAYOUT(FLAT())",
            ABSENT,
        ),
        ("SYSTEM ENABLE FAILPOINT x", DENIED),
        ("SYSTEM RELOAD FUNCTIONS", DENIED),
    ],
    ["CREATE FUNCTION attacks_plus AS x -> x + 1", "SELECT attacks_plus(1)", "DROP FUNCTION attacks_plus"],
)


@pytest.mark.parametrize(
    "attempts", [BY_FUNCTION, BY_TEXT, BY_STATEMENT, CODE], ids=["function", "text", "statement", "code"]
)
def test_no_file_is_reached_and_no_code_runs(service: Service, attempts: Attempts) -> None:
    service.run("CREATE OR REPLACE FUNCTION handing_on AS (g) -> arrayMap(g, ['/etc/passwd'])")
    service.run("CREATE OR REPLACE FUNCTION the_same AS (g) -> g")
    service.run("CREATE OR REPLACE FUNCTION columns_of AS () -> 'a String, b String ALIAS upper(a)'")
    hold(service, attempts)
    assert not Path("/tmp/attack-0b7e51").exists()
