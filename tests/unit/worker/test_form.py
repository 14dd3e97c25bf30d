import gzip
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker import form, multipart
from stronghouse.worker.exchange import Exchange
from stronghouse.worker.form import Form, read_form
from stronghouse.worker.memory import Memory
from tests.unit.worker.serving import Serving, read_answer, serving

BOUNDARY = b"--xYzZY"
TYPE = "multipart/form-data; boundary=xYzZY"


def part(name: str, content: bytes, *, file: str | None = None, more: str = "") -> bytes:
    disposition = f'form-data; name="{name}"' + (f'; filename="{file}"' if file is not None else "")
    return BOUNDARY + f"\r\nContent-Disposition: {disposition}\r\n{more}\r\n".encode() + content + b"\r\n"


END = BOUNDARY + b"--\r\n"


def read(
    *parts: bytes,
    query: str = "",
    content_type: str = TYPE,
    encoding: str = "",
    end: bytes = END,
    memory: Memory | None = None,
) -> Form | DatabaseError:
    """What `read_form` makes of a request, over a connection."""
    found: list[Form | DatabaseError] = []
    memory = memory or Memory()

    def handle(exchange: Exchange) -> None:
        try:
            found.append(read_form(exchange, memory.of("u")))
        except DatabaseError as error:
            found.append(error)
        exchange.respond(200, [])

    with serving(handle) as running:
        send(running, b"".join(parts) + end, query=query, content_type=content_type, encoding=encoding)
    return found[0]


def send(running: Serving, body: bytes, *, query: str, content_type: str, encoding: str) -> None:
    body = gzip.compress(body) if encoding == "gzip" else body
    lines = f"POST /?{query} HTTP/1.1\r\nHost: h\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    lines += f"Content-Encoding: {encoding}\r\n" if encoding else ""
    with running.client() as client:
        client.sendall(lines.encode() + b"\r\n" + body)
        read_answer(client)


def test_fields_become_pairs_and_files_tables() -> None:
    form = read(
        part("query", "SELECT 'é'".encode()),
        part("t_structure", b"a String"),
        part("t", b"1\n\r\n--xYzZ\n", file="data"),
        part("u", b"2", file=""),
        query="database=d&u_types=UInt8,String&u_format=CSV",
    )
    assert isinstance(form, Form)
    assert form.consumed
    assert form.pairs == (("database", "d"), ("query", "SELECT 'é'"))
    first, second = form.tables
    assert (first.name, first.structure, first.input_format) == ("t", "a String", "TabSeparated")
    assert first.data == b"1\n\r\n--xYzZ\n"
    assert (second.structure, second.input_format, second.data) == ("_1 UInt8, _2 String", "CSV", b"2")


def test_a_part_whose_structure_the_url_gives_is_a_table() -> None:
    form = read(part("t", b"1"), query="t_structure=a+UInt8")
    assert isinstance(form, Form)
    assert [table.data for table in form.tables] == [b"1"]


def test_what_is_no_form_is_left_alone() -> None:
    form = read(b"SELECT 1", query="a=b", content_type="text/plain", end=b"")
    assert form == Form((("a", "b"),))


def test_a_compressed_form_is_read() -> None:
    form = read(part("query", b"SELECT 1"), encoding="gzip")
    assert isinstance(form, Form)
    assert form.pairs == (("query", "SELECT 1"),)


@pytest.mark.parametrize(
    ("parts", "content_type", "end"),
    [
        ((part("a", b"b"),), "multipart/form-data", END),
        ((part("a", b"b"),), "multipart/form-data; boundary=" + "x" * 300, END),
        ((part("a", b"b"),), TYPE, b""),
        ((part("a", b"b"),), TYPE, BOUNDARY),
        ((part("", b"b"),), TYPE, END),
        ((part("a", b"b").replace(b"form-data", b"attachment"),), TYPE, END),
        ((part("a", b"b").replace(b"Content-Disposition", b"X-Other"),), TYPE, END),
        ((part("a", b"b", more="X: " + "y" * 20_000 + "\r\n"),), TYPE, END),
        ((part("a", b"b", more="no colon\r\n"),), TYPE, END),
        ((part("a", b"b", file="f"),), TYPE, END),
        ((part("a", b"b"),) * (multipart.MAX_PARTS + 1), TYPE, END),
        ((b"garbage",), TYPE, END),
    ],
)
def test_forms_that_cannot_be_read_are_refused(parts: tuple[bytes, ...], content_type: str, end: bytes) -> None:
    refused = read(*parts, content_type=content_type, end=end)
    assert isinstance(refused, DatabaseError)
    assert refused.number == 36


def test_a_form_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "MAX_FORM_BYTES", 1000)
    refused = read(part("a", bytes(2000)))
    assert isinstance(refused, DatabaseError)
    assert refused.number == 307


def test_what_a_form_holds_is_counted() -> None:
    memory = Memory()
    read(part("t", bytes(100_000), file="f"), part("a", b"b" * 1000), query="t_types=String", memory=memory)
    assert 101_000 < memory.held < 104_000
    memory = Memory()
    read(part("a", b"b" * 1000 + "é".encode()), memory=memory)
    assert 5000 < memory.held < 6000


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_form_that_there_is_no_memory_for_is_refused(encoding: str) -> None:
    refused = read(part("t", bytes(100_000), file="f"), encoding=encoding, memory=Memory(50_000))
    assert isinstance(refused, DatabaseError)
    assert refused.number == 241


def test_a_form_has_to_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "FORM_SECONDS", 0.05)
    refused: list[DatabaseError] = []

    def handle(exchange: Exchange) -> None:
        try:
            read_form(exchange, Memory().of("u"))
        except DatabaseError as error:
            refused.append(error)
            exchange.respond(400, [])

    with serving(handle) as running, running.client() as client:
        head = f"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: {TYPE}\r\nContent-Length: 999\r\n\r\n"
        client.sendall(head.encode() + part("a", b"b").removesuffix(b"\r\n"))
        for _ in range(50):
            client.send(b"x")
            time.sleep(0.005)
            if refused:
                break
        assert read_answer(client)[0].startswith(b"HTTP/1.1 400")
    assert refused[0].number == 209


@settings(deadline=None, max_examples=40)  # each has a server of its own
@given(content=st.binary(max_size=200))
def test_any_content_comes_as_it_was(content: bytes) -> None:
    if BOUNDARY in content:
        return
    form = read(part("t", content, file="f"), query="t_types=String")
    assert isinstance(form, Form)
    assert form.tables[0].data == content
