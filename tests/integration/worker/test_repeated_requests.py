"""Requests that are just like one before go a shorter way; nobody may notice but by a clock."""

import threading
import time

import pytest

from tests.integration.worker.service import PASSWORD, Answer, Service, in_threads

BOBS = "bob and his long password"


@pytest.fixture(scope="module")
def peopled(service: Service) -> Service:
    service.run("CREATE TABLE repeated (a UInt64) ENGINE = MergeTree ORDER BY a")
    service.run("INSERT INTO repeated VALUES (1), (2)")
    service.run(f"CREATE USER bob IDENTIFIED WITH sha256_password BY '{BOBS}'")
    service.run("GRANT SELECT ON default.repeated TO bob")
    return service


def as_bob(service: Service, sql: str) -> Answer:
    return service.ask(sql, user="bob", password=BOBS)


def test_the_engine_runs_it_every_time(peopled: Service) -> None:
    sql = "SELECT count(), max(a) FROM repeated"
    assert [peopled.run(sql) for _ in range(4)] == ["2\t2\n"] * 4
    peopled.run("INSERT INTO repeated VALUES (3)")
    assert peopled.run(sql) == "3\t3\n"


def test_each_has_its_own_id_headers_and_row_in_the_log(peopled: Service) -> None:
    sql = "SELECT 'repeated and logged', count() FROM repeated FORMAT JSONEachRow"
    answers = [peopled.ask(sql, headers={"X-SH-Client-IP": "192.0.2.7", "User-Agent": "repeater"}) for _ in range(5)]
    ids = [answer.headers["x-clickhouse-query-id"] for answer in answers]
    assert len(set(ids)) == 5
    first, last = answers[0].headers, answers[-1].headers
    assert first.keys() == last.keys()
    for name in ("content-type", "x-clickhouse-format", "x-clickhouse-timezone", "x-clickhouse-server-display-name"):
        assert first[name] == last[name]
    peopled.run("SYSTEM FLUSH LOGS")
    rows = peopled.run(
        "SELECT query_id, user, toString(address), http_user_agent, query_kind, read_rows, result_rows, query, "
        "has(tables, 'default.repeated') FROM system.query_log WHERE query LIKE '%repeated and logged%' "
        "AND query NOT LIKE '%system.query_log%' AND type = 'QueryFinish'"
    ).splitlines()
    assert {row.split("\t")[0] for row in rows} == set(ids)
    assert len({tuple(row.split("\t")[1:]) for row in rows}) == 1, rows
    assert "::ffff:192.0.2.7\trepeater\tSelect" in rows[0]


def test_a_right_that_is_taken_away_is_gone_for_the_next(peopled: Service) -> None:
    sql = "SELECT sum(a) > 0 FROM repeated"
    for _ in range(3):
        assert as_bob(peopled, sql).text == "1\n"
    peopled.run("REVOKE SELECT ON default.repeated FROM bob")
    assert as_bob(peopled, sql).code == 497
    peopled.run("GRANT SELECT ON default.repeated TO bob")
    for _ in range(3):
        assert as_bob(peopled, sql).text == "1\n"
    peopled.run("ALTER USER bob IDENTIFIED WITH sha256_password BY 'another long password'")
    assert as_bob(peopled, sql).code == 516
    peopled.run(f"ALTER USER bob IDENTIFIED WITH sha256_password BY '{BOBS}'")
    assert as_bob(peopled, sql).text == "1\n"


def test_a_wrong_password_is_not_like_the_right_one(peopled: Service) -> None:
    for _ in range(3):
        peopled.run("SELECT 'password'")
    assert peopled.ask("SELECT 'password'", password=PASSWORD + "x").code == 516
    assert peopled.ask("SELECT 'password'", user="bob").code == 516
    assert as_bob(peopled, "SELECT currentUser()").text == "bob\n"
    assert peopled.ask("SELECT currentUser()").text == "default\n"


def test_a_result_that_has_grown_is_whole(peopled: Service) -> None:
    peopled.run("CREATE TABLE grown (s String) ENGINE = MergeTree ORDER BY tuple()")
    sql = "SELECT s FROM grown"
    assert [peopled.run(sql) for _ in range(4)] == [""] * 4
    peopled.run("INSERT INTO grown SELECT repeat('x', 1000) FROM numbers(20000)")
    for _ in range(3):
        assert len(peopled.run(sql)) == 20_000 * 1001


def test_one_that_fails_is_told_and_logged_as_ever(peopled: Service) -> None:
    peopled.run("CREATE TABLE passing (a UInt8) ENGINE = Memory")
    for _ in range(3):
        peopled.run("SELECT count() FROM passing")
    peopled.run("DROP TABLE passing")
    answer = peopled.ask("SELECT count() FROM passing")
    assert (answer.status, answer.code) == (404, 60)


def test_one_that_is_killed_ends_with_394_once(peopled: Service) -> None:
    peopled.run("CREATE TABLE pace (n UInt64) ENGINE = Memory")
    slow = "SELECT count() FROM pace AS a, pace AS b, pace AS c WHERE NOT ignore(sipHash64(a.n, b.n, c.n))"
    for _ in range(3):
        peopled.run(slow)
    peopled.run("INSERT INTO pace SELECT number FROM numbers(5000)")
    codes: list[int] = []
    running = threading.Thread(target=lambda: codes.append(peopled.ask(slow).code))
    running.start()
    seen = "SELECT query_id FROM system.processes WHERE query LIKE '%FROM pace%' AND query NOT LIKE '%processes%'"
    limit = time.monotonic() + 5
    while not (query_id := peopled.run(seen).strip()) and time.monotonic() < limit:
        time.sleep(0.02)
    assert query_id in peopled.run(f"KILL QUERY WHERE query_id = '{query_id}'")
    running.join(10)
    assert codes == [394]


def test_many_at_once_get_their_own_answers(peopled: Service) -> None:
    def ask(number: int) -> list[str]:
        ask_as = as_bob if number % 2 else Service.ask
        return [ask_as(peopled, f"SELECT {number % 4}, currentUser()").text for _ in range(30)]

    for number, answers in enumerate(in_threads(8, ask)):
        assert set(answers) == {f"{number % 4}\t{'bob' if number % 2 else 'default'}\n"}
