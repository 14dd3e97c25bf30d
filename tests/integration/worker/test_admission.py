"""What a service runs and what it refuses, asked over HTTP of a real engine."""

import time

import pytest

from tests.integration.worker.service import Service

ALLOWED = [
    "SELECT count(file), upper(t.file) FROM (SELECT 'x' AS file) AS t WHERE file LIKE 'x' GROUP BY file",
    "SELECT profile FROM (SELECT 1 AS profile) WHERE profile = 1",
    "SELECT 1 FORMAT JSON SETTINGS max_threads = 1",
    "SELECT * FROM format(JSONEachRow, 'a String', '{\"a\":\"default\"}')",
    "SELECT * FROM values('a String', 'default')",
    "SELECT arrayMap(x -> x.1, [(1, 2)])",
    "SELECT 'it''s', `a``b`, [1, 2][1], (1, 2).1, map('a', 1)['a'], -1, - -1 FROM (SELECT 1 AS `a``b`)",
    "SELECT 1e10, 1.5e-7, nan, NULL, 'ü', 0xff, true, 'a\\tb' || '\\\\'",
    "WITH 1 AS x SELECT x UNION ALL (SELECT 2)",
    "SHOW TABLES",
    "EXPLAIN AST SELECT 1 FORMAT JSON",
    "DESCRIBE system.one",
    "SET max_threads = 2",
    "SET join_algorithm = 'hash,parallel_hash'",
    "SET ROLE DEFAULT",
    "USE default",
    "CREATE DATABASE admitted ENGINE = Atomic",
    "CREATE TABLE admitted.url (url String, file String) ENGINE=MergeTree ORDER BY file SETTINGS index_granularity=999",
    "INSERT INTO admitted.url (url, file) SELECT 'a', 'b'",
    "CREATE OR REPLACE TABLE admitted.memory (a Int) ENGINE = Memory",
    "CREATE MATERIALIZED VIEW admitted.m ENGINE = SummingMergeTree ORDER BY f AS SELECT file AS f FROM admitted.url",
    (
        "CREATE MATERIALIZED VIEW admitted.r REFRESH EVERY 1 DAY (c UInt64) ENGINE = MergeTree ORDER BY c "
        "AS SELECT count() AS c FROM admitted.url"
    ),
    "CREATE VIEW admitted.v AS SELECT 'x' AS engine FROM admitted.url WHERE engine = 'x'",
    "ALTER TABLE admitted.url ADD COLUMN b String DEFAULT 'x'",
    "ALTER TABLE admitted.url MODIFY SETTING max_parts_in_total = 500",
    "ALTER TABLE admitted.url UPDATE b = 'y' WHERE 1 SETTINGS mutations_sync = 2",
    "DELETE FROM admitted.url WHERE url = 'nothing'",
    "OPTIMIZE TABLE admitted.url FINAL",
    "CHECK TABLE admitted.url",
    "CREATE FUNCTION admitted_plus_one AS x -> x + 1",
    "SELECT admitted_plus_one(1)",
    "DROP FUNCTION admitted_plus_one",
    "SYSTEM STOP MERGES admitted.url",
    "SYSTEM START MERGES",
    "SYSTEM DROP MARK CACHE",
    "KILL MUTATION WHERE 0",
    "RENAME TABLE admitted.memory TO admitted.other",
    "TRUNCATE TABLE admitted.other",
    "DROP DATABASE admitted",
]

FILES = [
    "SELECT b FROM values('a String, b String ALIAS file(\\'/etc/passwd\\')', '1')",
    "SELECT b FROM values({s:String}, '1')",
    "SELECT * FROM generateRandom('a String DEFAULT file(\\'/etc/passwd\\')') LIMIT 1",
    "SELECT arrayMap({f:Identifier}, ['/etc/passwd'])",
    "CREATE VIEW admitted_by_name AS SELECT arrayMap({f:Identifier}, [{p:String}]) AS r",
    "SELECT file('/etc/passwd')",
    "SELECT `file`('/etc/passwd')",
    "SELECT \"fi\\x6ce\"('/etc/passwd')",
    "SELECT arrayMap(file, ['/etc/passwd'])",
    "SELECT arrayMap((file), ['/etc/passwd'])",
    "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')",
    "SELECT COLUMNS('x') APPLY file FROM (SELECT '/etc/passwd' AS x)",
    "SELECT arrayFold((acc, x) -> file(x), ['/etc/passwd'], '')",
    "SELECT * FROM view(SELECT file('/etc/passwd'))",
    (
        "SELECT * FROM format(Values, 'a String', $$(file('/etc/passwd'))$$) "
        "SETTINGS input_format_values_interpret_expressions = 1"
    ),
    "SELECT * FROM format(JSONEachRow, 'a String, b String DEFAULT file(''/etc/passwd'')', '{\"a\":1}')",
    "SELECT * FROM format(JSONEachRow, concat('a String, b String DEF', 'AULT file(''/etc/passwd'')'), '{\"a\":1}')",
    "SELECT 1 SETTINGS additional_result_filter = 'length(file(''/etc/passwd'')) > 0'",
    "CREATE FUNCTION f AS x -> file(x)",
    "CREATE TABLE f (a String DEFAULT file('/etc/passwd')) ENGINE = Memory",
    (
        "CREATE TABLE f (d Date, k Int, v String) ENGINE = MergeTree ORDER BY k "
        "TTL d + INTERVAL 1 DAY GROUP BY k SET v = any(file('/etc/passwd'))"
    ),
    "SELECT * FROM file('/etc/passwd')",
    "SELECT * FROM python(os)",
    "SELECT * FROM Python(os)",
    "SELECT * FROM `python`(os)",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT * FROM executable('x', 'CSV', 'a Int')",
    "SELECT * FROM filesystem('/')",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "EXPLAIN SELECT 1 INTO OUTFILE '/tmp/x'",
    "SHOW TABLES INTO OUTFILE '/tmp/x'",
    "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
    "INSERT INTO FUNCTION file('/tmp/x') SELECT 1",
    "INSERT INTO TABLE FUNCTION file('/tmp/x') SELECT 1",
    "SELECT 1 FORMAT JSON SETTINGS format_schema_source = 'query'",
    "BACKUP TABLE t TO Disk('local', 'x')",
    "RESTORE TABLE t FROM Disk('local', 'x')",
    "ATTACH TABLE x FROM '/tmp' (a Int) ENGINE = MergeTree ORDER BY a",
    "ATTACH TABLE x",
    "DETACH TABLE x",
]
NETWORK = [
    "SELECT * FROM url('http://127.0.0.1/')",
    "SELECT * FROM s3('http://127.0.0.1/x')",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT 1 WHERE 1 IN (SELECT * FROM mysql('a', 'b', 'c', 'd', 'e'))",
    "SELECT * FROM numbers(1) AS n JOIN url('http://127.0.0.1/') AS u ON 1",
    "SELECT aiGenerate('x')",
    "CREATE TABLE n (a Int) ENGINE = URL('http://127.0.0.1/')",
    "CREATE DICTIONARY n (a UInt64) PRIMARY KEY a SOURCE(HTTP(URL 'http://x')) LAYOUT(FLAT()) LIFETIME(0)",
]
ACCESS = [
    "EXECUTE AS bob SELECT 1",
    "EXECUTE AS bob",
    "MOVE USER x TO y",
    "CREATE ROW POLICY p ON t USING file('/etc/passwd') = '' TO default",
    "CREATE ROW POLICY p ON t USING name = currentUser() TO default",
    "CREATE MASKING POLICY p ON t UPDATE a = 'x' TO default",
]
OTHERS = [
    "CREATE MATERIALIZED VIEW m ENGINE = Memory DEFINER = bob SQL SECURITY DEFINER AS SELECT 1",
    "CREATE VIEW m DEFINER = d_0000000000000001 SQL SECURITY DEFINER AS SELECT 1",
    "CREATE VIEW m SQL SECURITY NONE AS SELECT 1",
    "ALTER TABLE m MODIFY SQL SECURITY DEFINER DEFINER = default",
    *(f"CREATE TABLE e (a Int) ENGINE = {engine}" for engine in ("Log", "StripeLog", "Set", "File(CSV)", "Null2")),
    "CREATE TABLE e (a Int) ENGINE = Buffer(default, t, 1, 1, 1, 1, 1, 1, 1)",
    "CREATE TABLE e (a Int) ENGINE = EmbeddedRocksDB PRIMARY KEY a",
    "CREATE TABLE e (a Int) ENGINE = Merge(default, 'x')",
    "CREATE MATERIALIZED VIEW e ENGINE = Log AS SELECT 1",
    "CREATE DATABASE e ENGINE = Filesystem('/')",
    "CREATE DATABASE e ENGINE = Memory",
    "CREATE NAMED COLLECTION c AS a = 1",
    "CREATE TABLE a (x Int) ENGINE = Memory PARALLEL WITH CREATE USER y",
    "SELECT 1; SELECT 2",
    "SYSTEM SHUTDOWN",
    "SYSTEM KILL",
    "SYSTEM RELOAD CONFIG",
    "BEGIN TRANSACTION",
    "exit",
    "1+1",
    "",
]
SETTINGS = [
    "SET profile = 'x'",
    "SELECT 1 SETTINGS profile = 'x'",
    "SET log_comment = 'x'",
    "SET dialect = 'kusto'",
    "SET additional_table_filters = {'t': 'file(1)'}",
    "SET max_bytes_before_external_sort = 1",
    "SET max_bytes_ratio_before_external_group_by = DEFAULT",
    "SELECT (SELECT 1 SETTINGS max_bytes_before_external_join = 1)",
    "SET join_algorithm = 'grace_hash'",
    "SELECT 1 SETTINGS max_threads = 1, join_algorithm = 'hash,partial_merge'",
    "CREATE TABLE s (a Int) ENGINE = MergeTree ORDER BY a SETTINGS storage_policy = 'default'",
    "CREATE TABLE s (a Int) ENGINE = MergeTree ORDER BY a SETTINGS index_granularity = 1, disk = 'local'",
    "CREATE TABLE s (a Int) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = '/tmp/')",
    "ALTER TABLE s MODIFY SETTING max_parts_in_total = 5, disk = 'local'",
    "ALTER TABLE s RESET SETTING enable_vertical_merge_algorithm",
    "ALTER TABLE s ADD COLUMN x Int, MODIFY SETTING fsync_part_directory = 1",
]


def test_ordinary_statements_run(service: Service) -> None:
    for sql in ALLOWED:
        answer = service.ask(sql)
        assert answer.status == 200, (sql, answer.text)


@pytest.mark.parametrize("group", [FILES, NETWORK, ACCESS, OTHERS], ids=["files", "network", "access", "others"])
def test_statements_that_reach_out_are_refused_before_they_run(service: Service, group: list[str]) -> None:
    for sql in group:
        answer = service.ask(sql)
        # ACCESS_DENIED, SETTING_CONSTRAINT_VIOLATION, NOT_IMPLEMENTED, SYNTAX_ERROR: all before the engine runs it.
        assert answer.code in {497, 452, 48, 62}, (sql, answer.text)
        assert answer.code != 497 or "service" in answer.text, (sql, answer.text)  # our refusal, not the engine's


def test_fixed_settings_can_be_set_in_no_place(service: Service) -> None:
    for sql in SETTINGS:
        assert service.ask(sql).code == 452, sql
    for name in ("profile", "max_bytes_before_external_sort", "input_format_values_interpret_expressions", "dialect"):
        assert service.ask("SELECT 1", url={name: "1"}).code == 452, name


def test_the_engine_itself_holds_fixed_settings_when_the_front_is_passed(service: Service) -> None:
    held = service.run("SELECT name FROM system.settings WHERE readonly ORDER BY name").split()
    assert {"max_bytes_before_external_sort", "input_format_values_interpret_expressions", "log_comment"} <= set(held)
    spilling = "SELECT name FROM system.settings WHERE name LIKE 'max_bytes%before\\_external%' AND value != '0'"
    assert service.run(spilling) == ""


@pytest.mark.parametrize("name", ["file", "\\x66ile"])
def test_a_parameter_cannot_stand_for_a_functions_name(service: Service, name: str) -> None:
    answer = service.ask("SELECT arrayMap({f:Identifier}, ['/proc/self/maps'])", param_f=name)
    assert answer.code == 497, answer.text
    assert service.run("SELECT {c:Identifier} FROM (SELECT 5 AS x)", param_c="x") == "5\n"


def test_no_function_but_the_known_ones_takes_a_function_by_name(service: Service) -> None:
    """The rule for `arrayMap(file, …)` rests on the engine's own list of higher-order functions."""
    listed = service.run("SELECT name FROM system.functions WHERE higher_order").split()
    assert "arrayMap" in listed
    assert "mapApply" in listed
    assert service.ask("SELECT lower(upper)").code == 47
    assert service.ask("SELECT arrayMap(upper, ['a'])").text == "['A']\n"


def test_values_may_be_expressions_but_not_ones_that_reach_out(service: Service) -> None:
    service.run("CREATE FUNCTION expressions_handing_on AS (g) -> arrayMap(g, ['/proc/self/maps'])")
    service.run("CREATE TABLE expressions (n Int, s String) ENGINE = MergeTree ORDER BY n")
    service.run("INSERT INTO expressions VALUES (1 + 1, concat('a', 'b')), (3, 'file(x)')")
    assert service.run("SELECT * FROM expressions ORDER BY n") == "2\tab\n3\tfile(x)\n"
    session = {"session_id": "evaluating", "database": "system"}
    service.run("CREATE TEMPORARY TABLE own (n Int)", session_id="evaluating")
    service.run("INSERT INTO default.expressions VALUES (4, upper('c'))", **session)
    assert service.run("SELECT s FROM default.expressions WHERE n = 4", **session) == "C\n"
    service.run("INSERT INTO own VALUES (1), (-2)", session_id="evaluating")
    assert service.ask("INSERT INTO own VALUES (1 + 1)", session_id="evaluating").code == 344
    service.run("ALTER TABLE expressions DELETE WHERE n = 4 SETTINGS mutations_sync = 2")
    for values in (
        "(1, file('/proc/self/maps'))",
        "(1, (SELECT file('/proc/self/maps')))",
        "(1, arrayMap(file, ['/proc/self/maps'])[1])",
        "(1, `fi\\x6ce`('/proc/self/maps'))",
        "(1, (SELECT a FROM format(Values, 'a String', '(file(1))')))",
        "(1, /* file */ file('/proc/self/maps'))",
        # With room before the parenthesis it is a call all the same, here of what reads text as SQL.
        "(1, toString(arrayReduce ('quantile(length(file(''/proc/self/maps'')))', [1, 2])))",
        "(1, toString(initializeAggregation\n('quantile(length(file(''/proc/self/maps'')))', 1)))",
        "(1, toString(arrayReduce('quantile(0.5)', [1, 2])))",
        "(1, structureToProtobufSchema ('a Int DEFAULT length(file(''/proc/self/maps''))'))",
        "(1, currentUser ())",
        "(1, upper ('x'))",
        "(1, expressions_handing_on(file)[1])",
    ):
        answer = service.ask(f"INSERT INTO expressions VALUES {values}")
        assert answer.status != 200, values
    assert service.run("SELECT count() FROM expressions") == "2\n"


def test_a_tables_name_is_never_the_path_of_a_file(service: Service) -> None:
    """In chDB, `default` is an overlay that reads any name as a path."""
    assert service.run("SELECT engine FROM system.databases WHERE name = 'default'") == "Atomic\n"
    for name in ("/proc/self/maps", "/usr/share/common-licenses/BSD", "x.csv"):
        assert service.ask(f"SELECT * FROM `{name}`").code == 60


def test_nothing_of_the_key_or_the_password_shows_in_system_tables(service: Service) -> None:
    tables = service.run("SELECT name FROM system.tables WHERE database = 'system' FORMAT TSVRaw").split()
    endless = {"numbers", "numbers_mt", "zeros", "zeros_mt", "primes", "stack_trace", "unicode", "documentation"}
    for table in set(tables) - endless:
        shown = service.ask(f"SELECT * FROM system.`{table}` LIMIT 100000 FORMAT JSONCompactEachRow").text.lower()
        assert bytes(range(32)).hex() not in shown, table
        assert service.spec.password_sha256.lower() not in shown, table


def test_what_is_not_utf_8_is_refused_as_a_statement_that_cannot_be_read(service: Service) -> None:
    for sql in ("SELECT '\\xff'", "SELECT 1 AS `\\xff`", b"SELECT '\xff'"):
        answer = service.ask(sql)
        assert (answer.status, answer.code) == (400, 62), (sql, answer.text)
    assert service.ask(query="SELECT '\\xff'").code == 62
    assert service.run("SELECT '\\xc3\\xbc', unhex('ff') = unhex('FF')") == "ü\t1\n"


def test_a_statement_of_very_many_words_is_refused_soon(service: Service) -> None:
    began = time.monotonic()
    assert service.ask(f"SELECT {'now(),' * 30_000}1", max_query_size="1000000").code == 229
    assert service.ask(f"SELECT {'now(),' * 15_000}1", max_query_size="1000000").code in {0, 168}
    assert time.monotonic() - began < 20
    assert service.run(f"SELECT 5 IN ({'1000,' * 40_000}5)", max_query_size="1000000") == "1\n"


def test_the_services_own_database_is_named_by_nobody(service: Service) -> None:
    for sql in (
        "USE _stronghouse",
        "SHOW CREATE DATABASE _stronghouse",
        "SHOW TABLES FROM _stronghouse",
        "EXISTS DATABASE `_stronghouse`",
        "SELECT count() FROM _stronghouse.query_log",
        "SELECT * FROM loop(_stronghouse.query_log)",
        "GRANT SELECT ON _stronghouse.* TO default",
    ):
        assert service.ask(sql).code == 497, sql
    for name in ("_stronghouse", "_stronghouse.query_log"):
        assert service.ask("SHOW TABLES FROM {d:Identifier}", param_d=name).code == 497
    assert service.run("SELECT count() > 0 FROM system.query_log") == "1\n"
    assert service.run("SELECT count() FROM system.processes") == "1\n"
    assert service.run("SELECT '_stronghouse'") == "_stronghouse\n"


def test_a_kill_may_name_the_format_of_its_answer(service: Service) -> None:
    for sql in ("KILL QUERY WHERE query_id = 'none' FORMAT JSON", "KILL QUERY WHERE elapsed < 0 SYNC FORMAT JSON"):
        answer = service.ask(sql)
        assert answer.status == 200, (sql, answer.text)


def test_what_nothing_could_stop_does_not_begin(service: Service) -> None:
    for sql in (
        "SELECT arrayLevenshteinDistance(range(250000), range(1, 250001))",
        "SELECT arrayLevenshteinDistanceWeighted(range(250000), range(1, 250001), range(250000), range(250000))",
        "SELECT arraySimilarity(range(250000), range(1, 250001), range(250000), range(250000))",
        "SELECT seriesDecomposeSTL(range(1000000), 1000)",
    ):
        answer = service.ask(sql)
        assert answer.code == 497, sql
        assert "nothing can stop it" in answer.text, sql
