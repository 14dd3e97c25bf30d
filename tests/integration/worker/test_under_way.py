"""Requests that are under way while somebody's rights change, and what a request may have besides its user's rights."""

import contextlib
import threading
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from urllib.parse import urlencode

import pytest

from tests.integration.worker.service import Answer, Service, UnixConnection

PASSWORD = "a long password of a user"
HEADERS = {"X-ClickHouse-User": "bob", "X-ClickHouse-Key": PASSWORD}


@pytest.fixture
def peopled(fresh: Service) -> Service:
    fresh.start()
    fresh.run(f"CREATE USER bob IDENTIFIED WITH sha256_password BY '{PASSWORD}'")
    fresh.run("CREATE DATABASE bobs")
    fresh.run("GRANT ALL ON bobs.* TO bob")
    return fresh


def as_bob(service: Service, sql: str, **url: str) -> Answer:
    return service.ask(sql, url=url, user="bob", password=PASSWORD)


@contextlib.contextmanager
def half_sent(service: Service, sql: str, **url: str) -> Iterator[UnixConnection]:
    """A request of bob's whose last byte is to come."""
    connection = service.connection()
    connection.putrequest("POST", f"/?{urlencode(url)}")
    for name, value in {**HEADERS, "Content-Length": str(len(sql))}.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(sql[:-1].encode())
    time.sleep(0.2)
    yield connection
    connection.close()


def finish(connection: UnixConnection, sql: str) -> HTTPResponse:
    connection.send(sql[-1:].encode())
    return connection.getresponse()


@pytest.mark.parametrize(
    "change", ["DROP USER bob", "ALTER USER bob IDENTIFIED WITH sha256_password BY 'another one, long'"]
)
def test_a_busy_session_of_who_is_gone_does_not_keep_the_engine(peopled: Service, change: str) -> None:
    pid = peopled.running.pid
    assert as_bob(peopled, "CREATE TEMPORARY TABLE kept (a Int32)", session_id="s").code in {0, 497}
    as_bob(peopled, "SELECT 1", session_id="s")
    with half_sent(peopled, "SELECT 2", session_id="s") as connection:
        peopled.run(change)
        peopled.run("CREATE ROLE another")
        assert finish(connection, "SELECT 2").status == 403
    assert peopled.running.pid == pid
    assert peopled.run("SELECT 3") == "3\n"


def test_a_policy_that_was_made_meanwhile_counts(peopled: Service) -> None:
    peopled.run("CREATE TABLE bobs.r (n Int32) ENGINE = MergeTree ORDER BY n")
    peopled.run("INSERT INTO bobs.r VALUES (1), (2)")
    sql = "RENAME TABLE bobs.r TO bobs.other"
    with half_sent(peopled, sql) as connection:
        peopled.run("CREATE ROW POLICY p ON bobs.r USING n = 1 TO bob")
        response = finish(connection, sql)
        assert response.status == 403, response.read()
    assert peopled.ask("SELECT n FROM bobs.r", user="bob", password=PASSWORD).text == "1\n"


def test_data_that_come_along_bring_no_right(peopled: Service) -> None:
    peopled.run("CREATE TABLE secret (s String) ENGINE = MergeTree ORDER BY s")
    peopled.run("INSERT INTO secret VALUES ('hidden')")
    form = b'--b\r\nContent-Disposition: form-data; name="e"; filename="e"\r\n\r\n1\r\n--b--\r\n'
    headers = {**HEADERS, "Content-Type": "multipart/form-data; boundary=b"}

    def bring(sql: str, **url: str) -> tuple[int, str]:
        answer = peopled.ask(form, query=sql, headers=headers, password=None, url={"e_structure": "n Int32", **url})
        return answer.code, answer.text

    assert bring("SELECT sum(n) FROM e") == (0, "1\n")
    for sql in (
        "SELECT * FROM secret",
        "SELECT * FROM _stronghouse.query_log",
        "CREATE TABLE x (a Int32) ENGINE = Memory",
    ):
        assert bring(sql)[0] == 497
    assert bring("SELECT sum(n) FROM e", session_id="x", max_query_size="26")[0] == 452
    assert bring("SELECT * FROM secret", session_id="x")[0] == 497
    assert as_bob(peopled, "SELECT * FROM secret", session_id="x").code == 497


def test_settings_of_a_user_hold_in_open_sessions_and_whatever_the_roles(peopled: Service) -> None:
    peopled.run("CREATE TABLE bobs.t (n Int32) ENGINE = MergeTree ORDER BY n")
    insert = "INSERT INTO bobs.t VALUES (1)"
    assert as_bob(peopled, insert, session_id="s").code == 0
    peopled.run("ALTER USER bob SETTINGS readonly = 1")
    assert as_bob(peopled, insert, session_id="s").code == 164
    peopled.run("ALTER USER bob SETTINGS NONE")
    peopled.run("CREATE ROLE reading SETTINGS readonly = 1")
    peopled.run("CREATE ROLE other")
    peopled.run("GRANT reading, other TO bob")
    assert as_bob(peopled, insert).code == 164
    assert as_bob(peopled, insert, role="other").code == 164


def test_repeated_requests_and_others_wait_for_turns_without_shutting_out_a_change(peopled: Service) -> None:
    pid, stop = peopled.running.pid, threading.Event()

    def repeat(sql: str) -> None:
        while not stop.is_set():
            with contextlib.suppress(BlockingIOError):  # as many wait to be accepted as the socket takes
                as_bob(peopled, sql)

    threads = [threading.Thread(target=repeat, args=("SELECT sleep(0.01)",)) for _ in range(60)]
    threads += [threading.Thread(target=repeat, args=(f"SELECT sleep(0.01), {number}",)) for number in range(50)]
    for thread in threads:
        thread.start()
    try:
        for number in range(3):
            peopled.run(f"CREATE ROLE made_{number}")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert peopled.running.pid == pid
