import json

import pytest

from stronghouse.engine.connection import Counters
from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.exchange import Exchange
from stronghouse.worker.responses import (
    Identity,
    break_off,
    exception_tag,
    progress_header,
    result_headers,
    send_error,
    send_text,
    summary,
)
from tests.unit.worker.serving import GET, serving

IDENTITY = Identity("26.9.2.1", "UTC", "name")
COUNTERS = Counters(read_rows=1, read_bytes=2, written_rows=0, written_bytes=4, result_rows=5)
REFUSED = DatabaseError(60, "UNKNOWN_TABLE", "Table é is not there")
CLOSE = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def test_a_summary_is_an_object_of_numbers_in_strings() -> None:
    assert json.loads(summary(COUNTERS, 0.5)) == {
        "read_rows": "1",
        "read_bytes": "2",
        "written_rows": "0",
        "written_bytes": "4",
        "total_rows_to_read": "1",
        "result_rows": "5",
        "result_bytes": "4",
        "elapsed_ns": "500000000",
    }
    name, value = progress_header(COUNTERS, 0.5, total_rows=9, memory=7)
    assert name == "X-ClickHouse-Progress"
    told = json.loads(value)
    assert (told["total_rows_to_read"], told["memory_usage"]) == ("9", "7")


def test_a_result_says_what_it_is() -> None:
    headers = result_headers(
        IDENTITY, query_id="q", output_format="JSON", counters=COUNTERS, elapsed=0, encoding="gzip", tag="t"
    )
    given = dict(headers)
    assert len(given) == len(headers)
    assert given["X-ClickHouse-Query-Id"] == "q"
    assert given["X-ClickHouse-Server-Display-Name"] == "name"
    assert (given["X-ClickHouse-Format"], given["Content-Encoding"]) == ("JSON", "gzip")
    assert given["Content-Type"].startswith("application/json")
    bare = dict(result_headers(IDENTITY, query_id="q", output_format="", counters=COUNTERS, elapsed=0))
    assert not {"X-ClickHouse-Format", "Content-Encoding", "X-ClickHouse-Exception-Tag"} & set(bare)


@pytest.mark.parametrize(("challenge", "status"), [(False, b"404"), (True, b"401")])
def test_an_error_has_its_code_and_words(challenge: bool, status: bytes) -> None:
    def answer(exchange: Exchange) -> None:
        send_error(exchange, REFUSED, IDENTITY, query_id="q", challenge=challenge)

    with serving(answer) as running:
        head, _, body = running.ask(CLOSE).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"X-ClickHouse-Exception-Code: 60" in head
    assert (b"WWW-Authenticate: Basic" in head) is challenge
    assert body.decode() == REFUSED.wire("26.9.2.1")


def test_a_text_is_plain() -> None:
    with serving(lambda exchange: send_text(exchange, "é", status=405, headers=(("Allow", "GET"),))) as running:
        head, _, body = running.ask(CLOSE).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405")
    assert b"Allow: GET" in head
    assert body.decode() == "é"


@pytest.mark.parametrize("tagged", [True, False])
def test_an_error_in_the_middle_breaks_off_what_nobody_can_take_for_whole(tagged: bool) -> None:
    tag = exception_tag()

    def answer(exchange: Exchange) -> None:
        exchange.begin(200, [])
        exchange.write(b"rows")
        break_off(exchange, REFUSED, IDENTITY, tag if tagged else None)

    with serving(answer) as running:
        received = running.ask(GET).decode()
    assert not received.endswith("0\r\n\r\n")
    assert (REFUSED.public in received) is tagged
    if tagged:
        message = REFUSED.wire("26.9.2.1").rstrip("\n")
        block = f"\r\n__exception__\r\n{tag}\r\n{message}\n{len(message.encode()) + 1} {tag}\r\n__exception__\r\n"
        assert block in received


def test_tags_differ() -> None:
    tags = {exception_tag() for _ in range(50)}
    assert len(tags) == 50
    assert all(len(tag) == 16 and tag.isalpha() and tag.islower() for tag in tags)
