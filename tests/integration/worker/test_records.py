"""Every request of somebody who is known leaves one record, whatever it was, without its secrets; and is counted."""

import contextlib
import time
import uuid

import pytest

from stronghouse.worker.query import reads_usage
from tests.integration.worker.service import Answer, Service
from tests.integration.worker.users import QUOTA, create, send


def recorded(service: Service, query_id: str) -> list[str]:
    """The records of a query: its text, the error's code and text, how many rows it read."""
    service.run("SYSTEM FLUSH LOGS")
    columns = "query, exception_code, exception, read_rows"
    rows = service.run(f"SELECT {columns} FROM system.query_log WHERE query_id = '{query_id}' FORMAT TSVRaw")
    return rows.removesuffix("\n").split("\t") if rows else []


def ask(service: Service, sql: str | bytes, query_id: str, **url: str) -> Answer:
    return service.ask(sql, url={"query_id": query_id, **url})


@pytest.fixture
def query_id() -> str:
    return str(uuid.uuid4())


def test_an_error_that_is_not_utf8_is_told_and_recorded(service: Service, query_id: str) -> None:
    answer = ask(service, "SELECT throwIf(1, unhex('fffe')) AS x", query_id)
    assert (answer.code, "\ufffd\ufffd" in answer.text) == (395, True)
    assert recorded(service, query_id)[1] == "395"


def test_an_error_can_be_as_long_as_a_statement_likes(service: Service) -> None:
    begin = time.monotonic()
    answer = service.ask("SELECT throwIf(1, repeat(' ', 1000000) || 'x')")
    assert (answer.code, len(answer.text) < 50_000) == (395, True)
    assert time.monotonic() - begin < 5.0


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (b"SELECT '\\xff' AS refused", 62),
        (b"SELECT url('http://a/?token=hunter22') AS refused", 497),
        (b"SELEC 'refused'", 62),
        (b"INSERT INTO refused VALU ('hunter22')", 62),
        (b"SELECT 1 AS refused SETTINGS disk = 'x'", 452),
    ],
)
def test_what_was_not_admitted_is_recorded_with_its_text(
    service: Service, sql: bytes, code: int, query_id: str
) -> None:
    assert ask(service, sql, query_id).code == code
    text, number, *_ = recorded(service, query_id)
    assert (int(number), "refused" in text) == (code, True)
    assert "token=hunter22" not in text


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE USER zed IDENTIFED WITH sha256_password BY 'hunter22'",
        "CRATE USER zed IDENTIFIED WITH sha256_password BY 'hunter22'",
        "CREATE USER zed IDNTIFIED BY 'hunter22'",
        "SELECT ecrypt('aes-256-gcm', 'x', 'hunter22') FROM FROM t",
    ],
)
def test_what_does_not_parse_keeps_its_password(service: Service, sql: str, query_id: str) -> None:
    answer = ask(service, sql, query_id)
    assert (answer.code, "failed at position" in answer.text, "hunter22" in answer.text) == (62, True, False)
    row = recorded(service, query_id)
    assert row[1] == "62"
    assert "hunter22" not in "".join(row)


def test_the_data_of_an_insert_that_does_not_run_are_not_recorded(service: Service, query_id: str) -> None:
    assert ask(service, "INSERT INTO t SETTINGS disk = 'x' VALUES ('some-row')", query_id).code == 452
    assert "some-row" not in "".join(recorded(service, query_id))


def test_a_parameter_that_is_not_utf8_is_refused_in_our_words(service: Service) -> None:
    with contextlib.closing(service.connection()) as connection:
        connection.request(
            "POST",
            "/?param_x=%ff",
            body="SELECT {x:String}",
            headers={"X-ClickHouse-User": "default", "X-ClickHouse-Key": "correct horse"},
        )
        response = connection.getresponse()
        assert response.status == 400
        assert b"UTF-8" in response.read()


def test_what_a_statement_that_fails_read_is_counted(fresh: Service, query_id: str) -> None:
    fresh.start()
    create(fresh, "reader", then=("CREATE QUOTA few FOR INTERVAL 1 hour MAX read_rows = 1000000 TO reader",))
    sql = "SELECT throwIf(max(sipHash64(number)) > 0) FROM numbers(100000000)"
    assert send(fresh, "reader", sql, query_id=query_id).code == 395
    assert int(recorded(fresh, query_id)[3]) > 1_000_000
    assert send(fresh, "reader", "SELECT 1").code == QUOTA


def test_a_name_by_parameter_does_not_stay_for_the_next_insert(service: Service) -> None:
    service.run("CREATE TABLE IF NOT EXISTS by_name (a UInt8) ENGINE = Memory")
    service.run("INSERT INTO {t:Identifier} FORMAT TSV\n1\n", param_t="by_name")
    for _ in range(3):
        answer = service.ask("INSERT INTO {t:Identifier} FORMAT TSV\n1\n")
        assert answer.code == 456
    assert service.run("SELECT count() FROM by_name") == "1\n"


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("SELECT 'quota'", False),
        ("SELECT 'system.quota_usage'", False),
        ("SELECT quota FROM t", False),
        ("SELECT * FROM system.quota_usage", True),
        ("SELECT * FROM `system`.`quotas_usage`", True),
        ("SELECT * FROM quota_usage", True),
    ],
)
def test_usage_is_brought_up_to_date_for_those_who_read_it(sql: str, reads: bool) -> None:
    assert reads_usage(sql) is reads
