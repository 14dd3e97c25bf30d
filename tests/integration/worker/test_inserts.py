"""An INSERT is acknowledged when its rows are there, and refused when they are not: also for its last block."""

import contextlib
import gzip
import socket
import threading
import time

import pytest

from tests.integration.worker.service import PASSWORD, Service

LONG = 300_000
"""Rows of more than fit into a pipe."""


@pytest.fixture(scope="module")
def tabled(service: Service) -> Service:
    service.run("CREATE TABLE bounded (n UInt64, CONSTRAINT small CHECK n < 1000000000) ENGINE = MergeTree ORDER BY n")
    service.run("CREATE TABLE failing (n UInt64) ENGINE = Null")
    service.run("CREATE MATERIALIZED VIEW throwing ENGINE = Memory AS SELECT throwIf(n > 5) AS t FROM failing")
    return service


def rows(*numbers: int) -> bytes:
    return b"".join(b"%d\n" % number for number in numbers)


@pytest.mark.parametrize("before", [0, 1, LONG])
def test_a_row_that_breaks_a_constraint_is_told(tabled: Service, before: int) -> None:
    for table in ("bounded",):
        tabled.run(f"TRUNCATE TABLE {table}")
        data = rows(*range(before), 1_000_000_000)
        for form, sent in (("TSV", data), ("Values", b"".join(b"(%d)," % int(row) for row in data.split()))):
            answer = tabled.ask(sent, query=f"INSERT INTO {table} FORMAT {form}")
            assert answer.code == 469, answer.text
        assert tabled.run(f"SELECT count() FROM {table} WHERE n = 1000000000") == "0\n"


def test_a_view_that_throws_is_told(tabled: Service) -> None:
    assert tabled.ask(rows(1, 2), query="INSERT INTO failing FORMAT TSV").code == 0
    assert tabled.ask(rows(1, 6), query="INSERT INTO failing FORMAT TSV").code == 395


@pytest.mark.parametrize("count", [0, 1, 1000, LONG])
def test_every_row_is_there(tabled: Service, count: int) -> None:
    tabled.run("TRUNCATE TABLE bounded")
    data = rows(*range(count))
    for sent, headers in ((data, {}), (gzip.compress(data), {"Content-Encoding": "gzip"})):
        answer = tabled.ask(sent, query="INSERT INTO bounded SETTINGS max_threads = 1 FORMAT TSV", headers=headers)
        assert (answer.status, answer.code) == (200, 0), answer.text
    assert tabled.run("SELECT count(), uniqExact(n) FROM bounded") == f"{2 * count}\t{count}\n"


@pytest.mark.parametrize("count", [100, LONG])
def test_a_body_that_breaks_off_leaves_nothing_of_its_end(tabled: Service, count: int) -> None:
    tabled.run("TRUNCATE TABLE bounded")
    data = rows(*range(count))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(tabled.socket))
        connection.sendall(
            b"POST /?query=INSERT+INTO+bounded+FORMAT+TSV HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: default\r\n"
            b"X-ClickHouse-Key: %b\r\nContent-Length: %d\r\n\r\n" % (PASSWORD.encode(), len(data) + 10)
        )
        connection.sendall(data)
        time.sleep(0.5)
    limit = time.monotonic() + 5
    while tabled.do(tabled.running.activity()).active_requests and time.monotonic() < limit:
        time.sleep(0.05)
    assert tabled.run(f"SELECT count() FROM bounded WHERE n = {count - 1}") == "0\n"


def test_damaged_data_are_refused_whole(tabled: Service) -> None:
    tabled.run("TRUNCATE TABLE bounded")
    sent = gzip.compress(rows(*range(LONG)))
    answer = tabled.ask(sent[:-200], query="INSERT INTO bounded FORMAT TSV", headers={"Content-Encoding": "gzip"})
    assert answer.code == 354, answer.text
    assert tabled.ask(b"1\nnot a number\n", query="INSERT INTO bounded FORMAT TSV").code == 27
    assert tabled.run(f"SELECT count() FROM bounded WHERE n = {LONG - 1}") == "0\n"


def test_a_long_insert_can_be_killed(tabled: Service) -> None:
    tabled.run("TRUNCATE TABLE bounded")
    answers: list[bytes] = []

    def send() -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(tabled.socket))
            connection.sendall(
                b"POST /?query=INSERT+INTO+bounded+FORMAT+TSV&query_id=slow-insert HTTP/1.1\r\nHost: x\r\n"
                b"X-ClickHouse-User: default\r\nX-ClickHouse-Key: %b\r\nContent-Length: 100000000\r\n\r\n"
                % PASSWORD.encode()
            )
            with contextlib.suppress(BrokenPipeError):  # the worker reads no more of a query that is killed
                connection.sendall(rows(*range(LONG)))
            answers.append(connection.recv(65_536))

    sender = threading.Thread(target=send)
    sender.start()
    limit = time.monotonic() + 5
    while tabled.run("SELECT count() FROM system.processes WHERE query_id = 'slow-insert'") != "1\n":
        assert time.monotonic() < limit
        time.sleep(0.05)
    assert "slow-insert" in tabled.run("KILL QUERY WHERE query_id = 'slow-insert'")
    sender.join(10)
    assert b"Code: 394" in answers[0]


def test_a_name_by_parameter(tabled: Service) -> None:
    tabled.run("TRUNCATE TABLE bounded")
    answer = tabled.ask(b"7\n", query="INSERT INTO {t:Identifier} FORMAT TSV", param_t="bounded")
    assert answer.code == 0, answer.text
    assert tabled.run("SELECT n FROM bounded") == "7\n"
    assert tabled.ask(b"7\n", query="INSERT INTO {t:Identifier} FORMAT TSV").code in {456, 62}
