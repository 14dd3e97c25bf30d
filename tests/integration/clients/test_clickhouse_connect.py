"""PyPI clickhouse-connect: each kind of question and of insert, with each compression."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from ipaddress import IPv4Address
from uuid import UUID

import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.summary import QuerySummary

from tests.integration.clients.clickhouse_connect_client import COMPRESSIONS, connected

ROWS = 120_000
"""More than one block of the engine's, and more than one of the client's."""
SUM = ROWS * (ROWS - 1) // 2
SHAPE = "(n Int64, s String, f Nullable(Float64)) ENGINE = MergeTree ORDER BY n"


@pytest.fixture(scope="module", params=COMPRESSIONS, ids=str)
def client(request: pytest.FixtureRequest, port: int) -> Iterator[Client]:
    with connected(port, compress=request.param) as one:
        yield one


@pytest.fixture
def table(client: Client) -> str:
    client.command(f"CREATE OR REPLACE TABLE connect {SHAPE}")
    return "connect"


def contents(client: Client, table: str) -> tuple[object, ...]:
    return tuple(client.query(f"SELECT count(), sum(n), uniqExact(s), sum(f) FROM {table}").first_row or ())


def test_commands_give_one_value(client: Client) -> None:
    assert client.ping()
    assert str(client.server_version).count(".") == 3
    assert client.command("SELECT 1") == 1
    assert client.command("SELECT 'a', 'b'") == ["a", "b"]
    assert client.command("EXISTS nothing") == 0
    assert client.min_version("26")


def test_every_type_arrives_as_the_clients_own(client: Client) -> None:
    row = client.query(
        "SELECT toDate('2026-11-23'), toDateTime('2026-11-23 01:02:03', 'UTC'), "
        "toDateTime64('2026-11-23 01:02:03.5', 3, 'UTC'), NULL, [1, 2], map('a', 1), (1, 'x'), "
        "toDecimal64('1.50', 2), toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0'), toIPv4('1.2.3.4'), "
        "toLowCardinality('low'), CAST('b', 'Enum8(\\'a\\' = 1, \\'b\\' = 2)'), toInt128(-5), true, "
        "toFixedString('ab', 2), inf"
    ).first_row
    assert row == (
        *(date(2026, 11, 23), datetime(2026, 11, 23, 1, 2, 3), datetime(2026, 11, 23, 1, 2, 3, 500_000)),  # noqa: DTZ001
        *(None, [1, 2], {"a": 1}, (1, "x"), Decimal("1.50"), UUID("61f0c404-5cb3-11e7-907b-a6006ad3dba0")),
        *(IPv4Address("1.2.3.4"), "low", "b", -5, True, b"ab", float("inf")),
    )


def test_types_with_parts_of_their_own_go_both_ways(client: Client) -> None:
    client.command(
        "CREATE OR REPLACE TABLE connect_types (d DateTime64(3, 'UTC'), a Array(Nullable(String)), "
        "m Map(String, UInt8), j JSON, v Variant(String, UInt64), l LowCardinality(String)) "
        "ENGINE = MergeTree ORDER BY d"
    )
    moment = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
    row = [moment, ["a", None], {"k": 1}, {"x": {"y": 1}}, 7, "low"]
    client.insert("connect_types", [row], column_names=["d", "a", "m", "j", "v", "l"])
    assert client.query("SELECT a, m, j, v, l FROM connect_types").first_row == tuple(row[1:])
    assert client.query("SELECT toUnixTimestamp(d), j.x.y FROM connect_types").first_row == (
        int(moment.timestamp()),
        1,
    )


def test_parameters_of_the_server_and_of_the_client(client: Client) -> None:
    asked = client.query(
        "SELECT {a:Int32} + 1, {s:String}, {l:Array(String)}, {d:DateTime('UTC')}",
        parameters={"a": 4, "s": "x'\\y\n", "l": ["p", "q'"], "d": datetime(2026, 1, 2, 3, 4, 5)},  # noqa: DTZ001
    )
    assert asked.first_row == (5, "x'\\y\n", ["p", "q'"], datetime(2026, 1, 2, 3, 4, 5))  # noqa: DTZ001
    assert client.query("SELECT %(a)s, %(s)s", parameters={"a": [1, 2], "s": "it's"}).first_row == ([1, 2], "it's")
    assert client.query("SELECT count() FROM {t:Identifier}.one", parameters={"t": "system"}).first_row == (1,)


def test_settings_of_a_query_and_of_a_client(client: Client, port: int) -> None:
    sql = "SELECT toUInt64(getSetting('max_block_size'))"
    assert client.query(sql, settings={"max_block_size": 777}).first_row == (777,)
    assert client.query(sql).first_row != (777,)
    with connected(port, settings={"max_block_size": 778}) as own:
        assert own.query(sql).first_row == (778,)
    with pytest.raises(DatabaseError, match="SETTING"):
        client.command("SELECT 1", settings={"no_such_setting": 1})


def test_rows_and_columns_are_inserted(client: Client, table: str) -> None:
    rows = [[number, f"row {number}", None if number % 2 else 0.5] for number in range(ROWS)]
    assert client.insert(table, rows, column_names=["n", "s", "f"]).written_rows == ROWS
    assert contents(client, table) == (ROWS, SUM, ROWS, ROWS / 4)
    columns: list[list[int] | list[str]] = [list(range(ROWS)), ["same"] * ROWS]
    client.insert(table, columns, column_names=["n", "s"], column_oriented=True)
    assert contents(client, table) == (2 * ROWS, 2 * SUM, ROWS + 1, ROWS / 4)
    everything = client.query(f"SELECT * FROM {table}")
    assert len(everything.result_rows) == 2 * ROWS
    assert everything.column_names == ("n", "s", "f")
    by_column = client.query(f"SELECT n FROM {table}", column_oriented=True)
    assert sum(by_column.result_columns[0]) == 2 * SUM


def test_frames_go_both_ways(client: Client, table: str) -> None:
    frame = pd.DataFrame({"n": range(ROWS), "s": [f"frame {number % 10}" for number in range(ROWS)], "f": 0.25})
    client.insert_df(table, frame)
    assert contents(client, table) == (ROWS, SUM, 10, ROWS / 4)
    back = client.query_df(f"SELECT * FROM {table} ORDER BY n")
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)
    client.insert_df_arrow(table, frame.convert_dtypes(dtype_backend="pyarrow"))
    assert len(client.query_df_arrow(f"SELECT n, s FROM {table}")) == 2 * ROWS
    with client.query_df_stream(f"SELECT * FROM {table}") as stream:
        assert sum(len(part) for part in stream) == 2 * ROWS
    with client.query_df_arrow_stream(f"SELECT n FROM {table}") as stream:
        assert sum(len(part) for part in stream) == 2 * ROWS


def test_arrays_of_numpy_go_both_ways(client: Client, table: str) -> None:
    client.insert_df(table, pd.DataFrame({"n": range(ROWS), "s": "np", "f": 1.5}))
    array = client.query_np(f"SELECT n, n * 2 AS m FROM {table} ORDER BY n")
    assert array.shape == (ROWS, 2)
    assert int(array[:, 1].sum()) == 2 * SUM
    with client.query_np_stream(f"SELECT n FROM {table}") as stream:
        assert sum(int(part.sum()) for part in stream) == SUM


def test_arrow_goes_both_ways(client: Client, table: str) -> None:
    client.insert_arrow(table, pa.table({"n": range(ROWS), "s": ["arrow"] * ROWS, "f": [2.0] * ROWS}))
    assert contents(client, table) == (ROWS, SUM, 1, ROWS * 2.0)
    back = client.query_arrow(f"SELECT n, s FROM {table} ORDER BY n", use_strings=True)
    assert (back.num_rows, back.column_names, back["s"][0].as_py()) == (ROWS, ["n", "s"], "arrow")
    with client.query_arrow_stream(f"SELECT n FROM {table}") as stream:
        assert sum(part.num_rows for part in stream) == ROWS


def test_raw_bytes_go_both_ways(client: Client, table: str) -> None:
    client.raw_insert(table, insert_block=b"1,raw,\n2,raw,0.5\n", fmt="CSV")
    client.raw_insert(
        table, column_names=["n", "s"], insert_block=(f"{n}\tlazy\n".encode() for n in range(3, 9)), fmt="TSV"
    )
    assert contents(client, table) == (8, 36, 2, 0.5)
    assert client.raw_query(f"SELECT n, s FROM {table} WHERE n < 3 ORDER BY n", fmt="CSV") == b'1,"raw"\n2,"raw"\n'
    parquet = client.raw_query("SELECT number AS n, 'p' AS s FROM numbers(1000)", fmt="Parquet")
    assert parquet[:4] == parquet[-4:] == b"PAR1"
    client.raw_insert(table, insert_block=parquet, fmt="Parquet")
    assert contents(client, table)[0] == 1008
    with client.raw_stream("SELECT number FROM numbers(300000)", fmt="TSV") as stream:
        assert stream.read().count(b"\n") == 300_000


def test_streams_of_rows_and_columns(client: Client) -> None:
    sql = "SELECT number, toString(number) FROM numbers(300000)"
    with client.query_row_block_stream(sql) as blocks:
        sizes = [len(block) for block in blocks]
    assert (sum(sizes), len(sizes) > 1) == (300_000, True)
    with client.query_column_block_stream(sql) as blocks:
        assert sum(len(block[0]) for block in blocks) == 300_000
    with client.query_rows_stream(sql) as rows:
        assert sum(row[0] for row in rows) == sum(range(300_000))


def test_a_stream_that_fails_does_not_look_whole(client: Client) -> None:
    failing = "SELECT throwIf(number = 2900000) FROM numbers(3000000) SETTINGS max_block_size = 65536"
    with pytest.raises((StreamFailureError, OperationalError)), client.query_rows_stream(failing) as rows:
        for _ in rows:
            pass


def test_sessions_keep_temporary_tables_and_settings(port: int) -> None:
    with connected(port, session_id="connect") as client:
        client.command("CREATE TEMPORARY TABLE kept (n Int32)")
        client.insert("kept", [[1], [2]], column_names=["n"])
        client.command("SET max_block_size = 777")
        assert client.query("SELECT sum(n), toUInt64(getSetting('max_block_size')) FROM kept").first_row == (3, 777)
        assert client.query("SELECT sum(n) FROM kept", settings={"max_threads": 1}).first_row == (3,)
    with connected(port, session_id="another") as client, pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        client.query("SELECT * FROM kept")


def test_many_threads_share_a_client(port: int) -> None:
    with connected(port, own_session=False) as client:
        client.command(f"CREATE TABLE connect_threads {SHAPE}")
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                client.insert("connect_threads", [[number, "t", None]], column_names=["n", "s", "f"])
                assert client.query("SELECT {n:Int32}", parameters={"n": number}).first_row == (number,)
            except BaseException as error:  # noqa: BLE001 - raised again by the test
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not failures
        assert contents(client, "connect_threads")[:2] == (16, 120)


def test_tables_that_come_with_a_query(client: Client) -> None:
    external = ExternalData(file_name="ids", data=b"1\n3\n", fmt="TSV", structure=["id UInt64"])
    external.add_file(file_name="names", data=b"3,three\n", fmt="CSV", structure=["id UInt64", "name String"])
    five = "(SELECT number AS n FROM numbers(5)) AS five"
    sql = f"SELECT n, name FROM {five} JOIN names ON id = n WHERE n IN (SELECT id FROM ids)"
    assert client.query(sql, external_data=external).result_rows == [(3, "three")]


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("SELECT nothing", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT * FROM nothing", 60, "UNKNOWN_TABLE"),
        ("SELEC", 62, "SYNTAX_ERROR"),
        ("SELECT * FROM file('/etc/passwd')", 497, "ACCESS_DENIED"),
        ("SELECT throwIf(1)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
    ],
)
def test_errors_name_their_code(client: Client, sql: str, code: int, name: str) -> None:
    with pytest.raises(DatabaseError, match=name) as caught:
        client.query(sql)
    assert f"{code}" in str(caught.value)
    with pytest.raises(DatabaseError, match=name):
        client.command(sql)


def test_rows_of_a_wrong_shape_are_refused_and_none_is_stored(client: Client, table: str) -> None:
    with pytest.raises(DatabaseError):
        client.raw_insert(table, insert_block=b"1,a,0.5\nx,b,0.5\n", fmt="CSV")
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        client.raw_insert("nothing", insert_block=b"1\n", fmt="CSV")
    assert contents(client, table)[0] == 0


def test_a_bad_password_is_told_as_such(port: int) -> None:
    with pytest.raises(DatabaseError, match="AUTHENTICATION_FAILED"), connected(port, password="wrong"):
        pass


def test_summaries_say_what_happened(client: Client, table: str) -> None:
    asked = client.query("SELECT number FROM numbers(1000)", settings={"query_id": f"connect-{id(client)}"})
    assert asked.query_id == f"connect-{id(client)}"
    assert asked.summary["read_rows"] == "1000"
    written = client.command(f"INSERT INTO {table} (n) SELECT number FROM numbers(50)")
    assert isinstance(written, QuerySummary), "only a statement with a result names a format"
    assert written.written_rows == 50
    assert isinstance(client.command("CREATE TABLE IF NOT EXISTS connect (n Int8) ENGINE = Memory"), QuerySummary)
    assert client.command("SELECT 1 WHERE 0") == ""
