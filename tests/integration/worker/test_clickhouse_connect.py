"""PyPI clickhouse-connect against a worker, as its users use it."""

from collections.abc import Iterator
from datetime import date

import clickhouse_connect
import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, StreamFailureError

from tests.integration.worker.forwarder import forwarded
from tests.integration.worker.service import PASSWORD, Service


@pytest.fixture(scope="module")
def port(service: Service) -> Iterator[int]:
    with forwarded(service.socket) as number:
        yield number


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    connected = clickhouse_connect.get_client(host="127.0.0.1", port=port, username="default", password=PASSWORD)
    yield connected
    connected.close()


def test_queries_parameters_and_settings(client: Client) -> None:
    assert client.ping()
    assert client.server_version
    assert client.command("SELECT 1") == 1
    assert client.query("SELECT {a:Int32} + 1 AS b, {s:String}", parameters={"a": 4, "s": "x'\\y"}).result_rows == [
        (5, "x'\\y")
    ]
    assert client.query("SELECT %(a)s", parameters={"a": [1, 2]}).result_rows == [([1, 2],)]
    assert client.query("SELECT getSetting('max_threads')", settings={"max_threads": 3}).result_rows == [(3,)]
    assert client.query("SELECT toDate('2026-11-23'), NULL, [1], map('a', 1)").first_row == (
        date(2026, 11, 23),
        None,
        [1],
        {"a": 1},
    )


def test_inserts_of_rows_frames_and_arrow(client: Client) -> None:
    client.command("CREATE OR REPLACE TABLE cc (n Int64, s String, d Nullable(Float64)) ENGINE = MergeTree ORDER BY n")
    summary = client.insert("cc", [[1, "a", 1.5], [2, "b", None]], column_names=["n", "s", "d"])
    assert summary.written_rows == 2
    frame = pd.DataFrame({"n": range(10, 300_010), "s": "frame", "d": 0.5})
    client.insert_df("cc", frame)
    client.insert_arrow("cc", pa.table({"n": [5], "s": ["arrow"], "d": [2.5]}))
    client.raw_insert("cc", insert_block=b"6,raw,1\n", fmt="CSV")
    assert client.command("SELECT count() FROM cc") == 300_004
    assert len(client.query_df("SELECT * FROM cc")) == 300_004
    assert client.query_arrow("SELECT n FROM cc WHERE s = 'arrow'").to_pylist() == [{"n": 5}]
    assert client.query_np("SELECT n FROM cc WHERE n < 3 ORDER BY n").tolist() == [[1], [2]]


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip", False])
def test_compression_both_ways(port: int, compression: str | bool) -> None:
    connected = clickhouse_connect.get_client(
        host="127.0.0.1", port=port, username="default", password=PASSWORD, compress=compression
    )
    table = f"cc_{compression}"
    connected.command(f"CREATE TABLE {table} (n Int64, s String) ENGINE = MergeTree ORDER BY n")
    rows = [[number, f"value {number}"] for number in range(200_000)]
    connected.insert(table, rows, column_names=["n", "s"])
    assert connected.query(f"SELECT count(), sum(n) FROM {table}").first_row == (200_000, sum(range(200_000)))
    assert len(connected.query(f"SELECT * FROM {table}").result_rows) == 200_000
    connected.close()


def test_streams(client: Client) -> None:
    with client.query_row_block_stream("SELECT number FROM numbers(500000)") as stream:
        assert sum(len(block) for block in stream) == 500_000
    with client.raw_stream("SELECT number FROM numbers(100000)", fmt="CSV") as raw:
        assert raw.read().count(b"\n") == 100_000
    failing = "SELECT throwIf(number = 8000000) FROM numbers(10000000) SETTINGS max_block_size = 65536"
    with pytest.raises((StreamFailureError, OperationalError)), client.query_rows_stream(failing) as rows:
        for _ in rows:
            pass


def test_sessions_keep_temporary_tables(port: int) -> None:
    connected = clickhouse_connect.get_client(
        host="127.0.0.1", port=port, username="default", password=PASSWORD, session_id="cc-session"
    )
    connected.command("CREATE TEMPORARY TABLE t (n Int32)")
    connected.insert("t", [[1], [2]], column_names=["n"])
    assert connected.query("SELECT sum(n) FROM t", settings={"max_threads": 1}).result_rows == [(3,)]
    connected.close()


@pytest.mark.parametrize(
    ("sql", "code"), [("SELECT nothing", 47), ("SELECT * FROM nothing", 60), ("CREATE USER x", 36), ("SELEC", 62)]
)
def test_errors_name_their_code(client: Client, sql: str, code: int) -> None:
    with pytest.raises(DatabaseError, match=f"{code}"):
        client.query(sql) if sql.startswith("SELECT") else client.command(sql)


def test_a_bad_password_is_told_as_such(port: int) -> None:
    with pytest.raises(DatabaseError, match=r"AUTHENTICATION_FAILED"):
        clickhouse_connect.get_client(host="127.0.0.1", port=port, username="default", password="wrong")


def test_external_data(client: Client) -> None:
    from clickhouse_connect.driver.external import ExternalData

    external = ExternalData(file_name="ids", data=b"1\n3\n", fmt="TSV", structure=["id UInt64"])
    rows = client.query("SELECT number FROM numbers(5) WHERE number IN (SELECT id FROM ids)", external_data=external)
    assert rows.result_rows == [(1,), (3,)]
