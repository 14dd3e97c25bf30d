"""What is sent to the queries host: read, taken apart, limited."""

import asyncio
import json
from typing import Any

import pytest

from stronghouse.agent.queries.exchange import Request, TooLarge, read_request
from stronghouse.agent.queries.limits import MOST_KEPT, Buckets, TooOften
from stronghouse.agent.queries.statement import service_of, statement_of
from stronghouse.kernel.errors import Invalid, NotFound

SERVICE = "11111111-0000-4000-8000-000000000000"
RUN = "22222222-0000-4000-8000-000000000000"


async def read(*pieces: bytes, limit: int = 100, end: bool = False) -> Request:
    reader = asyncio.StreamReader()
    for piece in pieces:
        reader.feed_data(piece)
    if end:
        reader.feed_eof()
    return await read_request(reader, limit=limit)


def request(body: Any, query: str = "", path: str = f"/service/{SERVICE}/run") -> Request:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("POST", f"{path}{query}".encode(), (), content)


async def test_a_request_in_pieces_is_read_whole() -> None:
    head = b"POST /service/x/run?a=1 HTTP/1.1\r\nHost: q\r\nX-A:  one \r\nContent-Length: 4\r\n\r\n"
    found = await read(head[:30], head[30:], b"ab", b"cd")
    assert (found.method, found.target, found.body) == ("POST", b"/service/x/run?a=1", b"abcd")
    assert found.header("x-a") == "one"
    assert found.header("x-b") is None
    chunked = await read(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
    assert chunked.body == b"ab"


async def test_a_header_that_is_there_twice_is_no_header() -> None:
    found = await read(b"GET / HTTP/1.1\r\nAuthorization: a\r\nauthorization: b\r\n\r\n")
    with pytest.raises(Invalid):
        found.header("authorization")


@pytest.mark.parametrize(
    "content",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ],
)
async def test_what_is_no_plain_request_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        await read(content, end=True)


async def test_too_much_is_refused_before_it_is_kept() -> None:
    with pytest.raises(TooLarge):
        await read(b"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n" + b"x" * 101)
    with pytest.raises(TooLarge):
        await read(b"POST / HTTP/1.1\r\n" + b"X-A: " + b"a" * 200_000)
    with pytest.raises(ConnectionResetError):
        await read(b"POST / HTTP/1.1\r\nContent-Le", end=True)


def test_a_statement_is_taken_apart_and_written_for_the_worker() -> None:
    body = {"sql": "SELECT {a:String}", "runId": RUN.upper(), "database": "a&b=c", "queryVariables": {"a": "x\ty"}}
    found = statement_of(request(body, "?format=CSV&param_b=2%261&request_timeout=30"))
    assert (found.sql, found.output_format, found.database, found.query_id) == (body["sql"], "CSV", "a&b=c", RUN)
    assert found.parameters == (("b", "2&1"), ("a", "x\\ty"))
    assert found.target == (f"/?default_format=CSV&database=a%26b%3Dc&query_id={RUN}&param_b=2%261&param_a=x%5Cty")


def test_without_more_a_statement_answers_lines_of_json() -> None:
    assert statement_of(request({"sql": "SELECT 1"})).target == "/?default_format=JSONEachRow"


def test_values_of_variables_are_text_numbers_and_truth() -> None:
    variables = {"a": 1, "b": 1.5, "c": True, "d": None, "e": "back\\slash\nline"}
    found = statement_of(request({"sql": "SELECT 1", "queryVariables": variables}))
    assert dict(found.parameters) == {"a": "1", "b": "1.5", "c": "true", "d": "\\N", "e": "back\\\\slash\\nline"}


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (b"", ""),
        (b"[]", ""),
        (b'{"sql": "a", "sql": "b"}', ""),
        (b"[" * 100_000, ""),
        (b'{"sql": "SELECT \\ud800"}', ""),
        (b'{"sql": "SELECT 1", "database": "\\ud800"}', ""),
        (b'{"sql": "SELECT 1", "queryVariables": {"a": "\\udc00"}}', ""),
        ({}, ""),
        ({"sql": " "}, ""),
        ({"sql": ["SELECT 1"]}, ""),
        ({"sql": "SELECT 1", "database": 1}, ""),
        ({"sql": "SELECT 1", "runId": "x"}, ""),
        ({"sql": "SELECT 1", "runId": 1}, ""),
        ({"sql": "SELECT 1", "queryVariables": {"a b": 1}}, ""),
        ({"sql": "SELECT 1", "queryVariables": {"a": [1]}}, ""),
        ({"sql": "SELECT 1"}, "?format=a%0Ab"),
        ({"sql": "SELECT 1"}, "?format=CSV&format=JSON"),
        ({"sql": "SELECT 1"}, "?param_=1"),
        ({"sql": "SELECT 1"}, "?param_a%20b=1"),
        ({"sql": "SELECT 1"}, "?a=%ff"),
        ({"sql": "SELECT 1"}, "?" + "&".join(f"param_a{number}=1" for number in range(201))),
    ],
)
def test_what_makes_no_sense_is_refused(body: Any, query: str) -> None:
    with pytest.raises(Invalid):
        statement_of(request(body, query))


def test_a_request_is_about_the_service_in_its_path_and_no_other_path_is_there() -> None:
    assert service_of(request({}, "?x=/service/y/run", f"/service/{SERVICE.upper()}/run")) == SERVICE
    for path in ("/", f"/service/{SERVICE}/run/", f"/service/{SERVICE}", "/service/x/run", f"//service/{SERVICE}/run"):
        with pytest.raises(NotFound):
            service_of(request({}, path=path))


def test_a_bucket_fills_again_with_time() -> None:
    now = [0.0]
    buckets = Buckets(per_second=2.0, burst=3, monotonic=lambda: now[0])
    for _ in range(3):
        buckets.take("a")
    with pytest.raises(TooOften) as refused:
        buckets.take("a")
    assert refused.value.seconds == pytest.approx(0.5)
    buckets.take("b")
    now[0] = 0.5
    buckets.take("a")
    with pytest.raises(TooOften):
        buckets.take("a")


def test_names_that_are_made_up_take_bounded_memory() -> None:
    buckets = Buckets(per_second=1.0, burst=1)
    for number in range(MOST_KEPT + 10):
        buckets.take(str(number))
    assert len(buckets._buckets) == MOST_KEPT
