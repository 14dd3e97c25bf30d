"""PyPI clickhouse-connect's asynchronous client, with each compression."""

import asyncio

import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.integration.clients.clickhouse_connect_client import COMPRESSIONS, connected_async

ROWS = 70_000
SUM = ROWS * (ROWS - 1) // 2


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=str)
async def test_questions_and_inserts(port: int, compression: str | bool) -> None:
    async with connected_async(port, compress=compression) as client:
        table = f"asynchronous_{compression}"
        await client.command(f"CREATE TABLE {table} (n Int64, s String) ENGINE = MergeTree ORDER BY n")
        await client.insert(table, [[number, "row"] for number in range(ROWS)], column_names=["n", "s"])
        await client.insert_df(table, pd.DataFrame({"n": range(ROWS), "s": "frame"}))
        await client.insert_arrow(table, pa.table({"n": range(ROWS), "s": ["arrow"] * ROWS}))
        await client.raw_insert(table, insert_block=b"0,raw\n", fmt="CSV")
        counted = await client.query(f"SELECT count(), sum(n), uniqExact(s) FROM {table}")
        assert counted.first_row == (3 * ROWS + 1, 3 * SUM, 4)
        assert len(await client.query_df(f"SELECT * FROM {table}")) == 3 * ROWS + 1
        assert (await client.query_arrow(f"SELECT n FROM {table} LIMIT 5")).num_rows == 5
        assert (await client.query_np(f"SELECT n FROM {table} ORDER BY n LIMIT 5")).shape == (5, 1)
        assert await client.raw_query("SELECT 1, 'a'", fmt="CSV") == b'1,"a"\n'
        asked = await client.query("SELECT {a:Int32}", parameters={"a": 4}, settings={"max_threads": 1})
        assert asked.first_row == (4,)


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=str)
async def test_streams(port: int, compression: str | bool) -> None:
    async with connected_async(port, compress=compression) as client:
        sql = "SELECT number FROM numbers(300000)"
        seen = 0
        async with await client.query_rows_stream(sql) as rows:
            async for _ in rows:
                seen += 1
        async with await client.query_row_block_stream(sql) as blocks:
            async for block in blocks:
                seen += len(block)
        async with await client.query_arrow_stream(sql) as batches:
            async for batch in batches:
                seen += batch.num_rows
        assert seen == 900_000


async def test_many_queries_at_once(port: int) -> None:
    async with connected_async(port) as client:
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(client.query(f"SELECT {n}, sleep(0.5)") for n in range(8)))
        assert [answer.first_row for answer in answers] == [(n, 0) for n in range(8)]
        assert asyncio.get_running_loop().time() - began < 3, "one after the other"


async def test_errors(port: int) -> None:
    async with connected_async(port) as client:
        with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
            await client.query("SELECT * FROM nothing")
        assert await client.command("SELECT 1") == 1
