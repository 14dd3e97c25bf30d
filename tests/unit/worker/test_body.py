import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker import body as body_module
from stronghouse.worker.body import PIECE, RequestBody
from stronghouse.worker.parser import parse_head
from stronghouse.worker.wire import Wire


@contextlib.contextmanager
def arriving(data: bytes, *lines: bytes) -> Iterator[tuple[RequestBody, socket.socket, Wire]]:
    """A body whose head says `lines`, with `data` on its way; and the client's end of the connection."""
    ours, client = socket.socketpair()
    wire = Wire(ours)
    with client:
        client.sendall(data)
        head = parse_head(b"POST / HTTP/1.1\r\nHost: h\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n")
        yield RequestBody(wire, head), client, wire
    wire.close()


def drained(body: RequestBody, size: int = PIECE) -> bytes:
    received = b""
    while piece := body.read(size):
        assert len(piece) <= size
        received += piece
    return received


def chunks(*pieces: bytes, trailer: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailer + b"\r\n"


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=300), max_size=5),
    size=st.integers(1, 400),
    rest=st.binary(max_size=20),
    chunked=st.booleans(),
)
def test_a_body_ends_where_the_next_request_begins(pieces: list[bytes], size: int, rest: bytes, chunked: bool) -> None:
    content = b"".join(pieces)
    line = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(content)
    with arriving((chunks(*pieces) if chunked else content) + rest, line) as (body, client, wire):
        assert body.length == (None if chunked else len(content))
        assert drained(body, size) == content
        assert body.ended
        client.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: wire.receive(9, seconds=1), b"")) == rest


def test_trailers_and_extensions_of_chunks_are_read_over() -> None:
    encoded = b'3;name="x"\r\nabc\r\n' + chunks(b"d", trailer=b"X-A: b\r\nX-C: d\r\n")
    with arriving(encoded, b"Transfer-Encoding: chunked") as (body, _, _):
        assert drained(body) == b"abcd"


@pytest.mark.parametrize(
    "encoded",
    [
        b"x\r\n",
        b"-1\r\n",
        b"+3\r\nabc\r\n",
        b"0x3\r\nabc\r\n",
        b"3\nabc\r\n",
        b" 3\r\nabc\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc0\r\n\r\n",
        b"fffffffffffffffff\r\n",
        b"3;" + b"x" * 300 + b"\r\nabc\r\n",
        b"3;a\nb\r\nabc\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n" + b"a: b\r\n" * 2000 + b"\r\n",
        b"\r\n",
    ],
)
def test_malformed_chunks_are_refused(encoded: bytes) -> None:
    with arriving(encoded + b"\r\n", b"Transfer-Encoding: chunked") as (body, _, _):
        with pytest.raises(DatabaseError) as refused:
            drained(body)
        assert refused.value.number == 36
        assert not body.finishable
        assert not body.discard()


@pytest.mark.parametrize(
    ("line", "data"), [(b"Content-Length: 5", b"abc"), (b"Transfer-Encoding: chunked", b"5\r\nabc")]
)
def test_a_client_that_goes_away_is_told_from_one_that_has_sent_all(line: bytes, data: bytes) -> None:
    with arriving(data, line) as (body, client, _):
        client.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionAbortedError):
            drained(body)


def test_a_client_that_sends_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "BODY_SECONDS", 0.02)
    with arriving(b"abc", b"Content-Length: 5") as (body, _, _):
        assert body.read(9) == b"abc"
        with pytest.raises(DatabaseError) as refused:
            body.read(9)
    assert refused.value.number == 209


def test_a_waiting_read_can_be_abandoned_and_an_answer_still_sent() -> None:
    with arriving(b"", b"Content-Length: 5") as (body, client, wire):
        timer = threading.Timer(0.05, body.abandon)
        timer.start()
        with pytest.raises(ConnectionAbortedError):
            body.read(9)
        with pytest.raises(ConnectionAbortedError):
            body.read(9)
        timer.join()
        wire.send(b"sorry")
        assert client.recv(9) == b"sorry"


def test_a_client_that_asks_first_is_told_to_go_on_when_the_body_is_wanted() -> None:
    with arriving(b"", b"Content-Length: 2", b"Expect: 100-continue") as (body, client, _):
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(99)
        assert not body.finishable
        client.sendall(b"ab")
        assert body.read(9) == b"ab"
        assert client.recv(99) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert body.finishable


def test_no_body_is_empty_at_once() -> None:
    with arriving(b"GET /next") as (body, _, _):
        assert body.is_empty
        assert body.ended
        assert body.read(9) == b""


def test_to_abandon_a_body_that_was_read_leaves_its_connection_alone() -> None:
    with arriving(b"abGET", b"Content-Length: 2") as (body, _, wire):
        assert drained(body) == b"ab"
        body.abandon()
        assert body.finishable
        assert wire.receive(9, seconds=1) == b"GET"
        assert not wire.gone()


@contextlib.contextmanager
def trickling(client: socket.socket, data: bytes, pause: float) -> Iterator[None]:
    """A client that sends a byte at a time."""
    ended = threading.Event()

    def send() -> None:
        with contextlib.suppress(OSError):
            for byte in data:
                if ended.wait(pause):
                    return
                client.send(bytes([byte]))

    sender = threading.Thread(target=send)
    sender.start()
    yield
    ended.set()
    sender.join()


@pytest.mark.parametrize("data", [b"1\r\na\r\n" * 100, b"1;" + b"x" * 250], ids=["chunks", "a line"])
def test_a_body_that_has_to_end_in_time_is_given_up_however_much_still_comes(data: bytes) -> None:
    with arriving(b"", b"Transfer-Encoding: chunked") as (body, client, _), trickling(client, data, 0.01):
        began = time.monotonic()
        body.end_within(0.1)
        with pytest.raises(DatabaseError) as refused:
            drained(body)
        assert refused.value.number == 209
        assert 0.09 <= time.monotonic() - began < 0.5


def test_the_rest_of_a_silent_client_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "SILENT_SECONDS", 0.05)
    with arriving(b"abc", b"Content-Length: 5") as (body, _, _):
        began = time.monotonic()
        assert not body.discard()
        assert time.monotonic() - began < 0.5


def test_the_rest_of_a_client_that_trickles_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "REST_SECONDS", 0.1)
    with arriving(b"", b"Content-Length: 100") as (body, client, _), trickling(client, bytes(99), 0.01):
        began = time.monotonic()
        assert not body.discard()
        assert time.monotonic() - began < 0.5


def test_a_connection_goes_on_only_if_the_rest_of_the_body_is_there() -> None:
    with arriving(b"abc", b"Content-Length: 5") as (body, client, _):
        seen = [body.finishable]
        client.sendall(b"de")
        assert [*seen, body.finishable] == [False, True]
        assert drained(body) == b"abcde"


def test_a_short_body_that_comes_right_after_its_head_is_waited_for() -> None:
    with arriving(b"", b"Content-Length: 5") as (body, client, _), trickling(client, b"abcde", 0.003):
        assert body.finishable
        assert drained(body) == b"abcde"
