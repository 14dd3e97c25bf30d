import contextlib
import os
import socket
import threading

import pytest

from stronghouse.worker import body, server
from stronghouse.worker.exchange import Exchange
from tests.unit.worker.serving import GET, HEAD, read_answer, read_to_end, serving, until

CLOSE = b"GET /a?b=c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\n\r\n"


def test_an_answer_has_its_length_a_date_and_what_it_was_given() -> None:
    with serving(lambda exchange: exchange.respond(404, [("X-A", "é")], b"body")) as running:
        answer = running.ask(CLOSE)
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 404 Not Found"
    assert lines[1].startswith(b"Date: ")
    assert lines[2:] == ["X-A: é".encode(), b"Content-Length: 4", b"Connection: close"]
    assert body == b"body"


def test_a_large_answer_arrives_whole() -> None:
    content = os.urandom(3 << 20)
    with serving(lambda exchange: exchange.respond(200, [], content)) as running:
        assert running.ask(CLOSE).partition(b"\r\n\r\n")[2] == content


def stream(exchange: Exchange) -> None:
    exchange.begin(200, [])
    for piece in (b"ab", b"", memoryview(b"c" * 20)):
        exchange.write(piece)
    exchange.end()


def test_a_stream_is_sent_in_chunks() -> None:
    with serving(stream) as running, running.client() as client:
        client.sendall(GET + CLOSE)
        first, second = read_to_end(client).split(b"HTTP/1.1 200 OK")[1:]
    body = b"\r\n\r\n2\r\nab\r\n14\r\n" + b"c" * 20 + b"\r\n0\r\n\r\n"
    assert b"Transfer-Encoding: chunked" in first
    assert first.endswith(body)
    assert second.endswith(body)


def test_a_stream_for_an_old_client_ends_with_the_connection() -> None:
    with serving(stream) as running:
        answer = running.ask(OLD)
    assert b"Transfer-Encoding" not in answer
    assert answer.endswith(b"Connection: close\r\n\r\nab" + b"c" * 20)


def test_a_stream_without_a_piece_has_a_head_and_an_end() -> None:
    def empty(exchange: Exchange) -> None:
        exchange.begin(200, [])
        exchange.end()

    with serving(empty) as running:
        assert running.ask(CLOSE).endswith(b"\r\n\r\n0\r\n\r\n")


@pytest.mark.parametrize("whole", [True, False])
def test_head_gets_no_body(whole: bool) -> None:
    def answer(exchange: Exchange) -> None:
        if whole:
            exchange.respond(200, [], b"body")
        else:
            stream(exchange)

    with serving(answer) as running:
        received = running.ask(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + CLOSE.replace(b"GET", b"HEAD"))
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert received.count(b"\r\n\r\n") == 2
    assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("request_line", [CLOSE, OLD, CLOSE.replace(b"GET", b"HEAD")])
def test_a_pipe_is_sent_without_a_copy(request_line: bytes) -> None:
    content = os.urandom(300_000)

    def answer(exchange: Exchange) -> None:
        reading, writing = os.pipe()

        def produce() -> None:
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(content)

        producer = threading.Thread(target=produce)
        producer.start()
        exchange.begin(200, [])
        moved = 0
        while size := exchange.write_from(reading, most=50_000):
            assert size <= 50_000
            moved += size
        exchange.end()
        producer.join()
        os.close(reading)
        assert moved == len(content)

    with serving(answer) as running:
        head, _, body = running.ask(request_line).partition(b"\r\n\r\n")
    if request_line is OLD:
        assert body == content
    elif request_line is CLOSE:
        assert unchunked(body) == content
    else:
        assert body == b""
    assert head.startswith(b"HTTP/1.1 200 OK")


def unchunked(body: bytes) -> bytes:
    content = b""
    while True:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        content += rest[:length]
        assert rest[length : length + 2] == b"\r\n"
        body = rest[length + 2 :]
        if not length:
            assert not body
            return content


def test_a_client_that_leaves_while_a_pipe_is_empty_is_noticed() -> None:
    failures: list[BaseException] = []
    reading, writing = os.pipe()

    def answer(exchange: Exchange) -> None:
        exchange.begin(200, [])
        exchange.flush()
        try:
            exchange.write_from(reading)
        except ConnectionAbortedError as error:
            failures.append(error)
            raise

    with serving(answer) as running:
        with running.client() as client:
            client.sendall(GET)
            assert client.recv(999)
        until(lambda: bool(failures))
    os.close(reading)
    os.close(writing)


def test_what_is_cut_off_is_not_taken_for_whole() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin(200, [])
        exchange.write(b"half")
        exchange.abort()

    with serving(answer) as running:
        received = running.ask(GET)
    assert received.endswith(b"4\r\nhalf\r\n")


@pytest.mark.parametrize("half", [True, False])
def test_an_answer_that_its_handler_forgets_to_end_is_cut_off(half: bool) -> None:
    def answer(exchange: Exchange) -> None:
        if half:
            exchange.begin(200, [])
            exchange.write(b"half")

    with serving(answer) as running:
        received = running.ask(GET)
    assert received.endswith(b"4\r\nhalf\r\n") if half else received == b""


def test_a_header_cannot_make_another() -> None:
    refused: list[BaseException] = []

    def answer(exchange: Exchange) -> None:
        for value in ("a\r\nX-B: c", "a\n", "a\r"):
            try:
                exchange.respond(200, [("X-A", value)])
            except ValueError as error:
                refused.append(error)
        exchange.respond(200, [])

    with serving(answer) as running:
        received = running.ask(CLOSE)
    assert len(refused) == 3
    assert b"X-" not in received


def test_a_head_can_be_opened_before_the_outcome_is_known() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.open_head([("X-P", "1")])
        exchange.open_head([("X-P", "2")])
        assert exchange.head_opened
        exchange.respond(500, [("X-E", "e")], b"body")

    with serving(answer) as running:
        lines = running.ask(CLOSE).split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert lines[2:] == [b"X-P: 1", b"X-P: 2", b"X-E: e", b"Content-Length: 4", b"Connection: close", b"", b"body"]


def test_a_client_that_hangs_up_is_seen_without_a_read() -> None:
    seen: list[bool] = []
    go_on = threading.Event()

    def answer(exchange: Exchange) -> None:
        seen.append(exchange.hung_up())
        go_on.wait(3)
        seen.append(exchange.hung_up())

    with serving(answer) as running:
        with running.client() as client:
            client.sendall(GET + b"more")
            until(lambda: len(seen) == 1)
        go_on.set()
        until(lambda: len(seen) == 2)
    assert seen == [False, True]


def test_a_short_body_that_nobody_read_does_not_cost_the_connection() -> None:
    with serving(lambda exchange: exchange.respond(200, [], b"ok")) as running, running.client() as client:
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n" + bytes(1000))
        assert read_answer(client)[1] == b"ok"
        client.sendall(GET)
        assert read_answer(client)[1] == b"ok"


@pytest.mark.parametrize("line", [b"Content-Length: 10000000", b"Transfer-Encoding: chunked"])
def test_a_refused_upload_gets_to_read_its_answer(line: bytes) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.body.read(10)
        exchange.respond(400, [], b"no")

    with serving(refuse) as running, running.client() as client:
        sent = b"%x\r\n%s\r\n0\r\n\r\n" % (10**7, bytes(10**7)) if b"chunked" in line else bytes(10**7)
        client.sendall(HEAD + line + b"\r\n\r\n" + sent)
        answer = read_to_end(client)
    assert b"Connection: close" in answer
    assert answer.endswith(b"\r\n\r\nno")


def test_a_client_that_stops_its_upload_for_the_answer_sees_the_end_at_once() -> None:
    with serving(lambda exchange: exchange.respond(400, [], b"no")) as running, running.client() as client:
        client.settimeout(2)
        client.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n" + bytes(1000))
        assert read_to_end(client).endswith(b"\r\n\r\nno")


def test_a_client_that_waits_for_a_word_before_its_body_can_be_refused() -> None:
    with serving(lambda exchange: exchange.respond(403, [], b"no")) as running:
        answer = running.ask(HEAD + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"Connection: close" in answer


def test_a_client_that_sends_all_and_closes_its_side_gets_its_answer() -> None:
    with serving() as running, running.client() as client:
        client.sendall(HEAD + b"Content-Length: 3\r\n\r\nabc")
        client.shutdown(socket.SHUT_WR)
        assert read_answer(client)[1] == b"abc"


def test_a_refusal_before_the_body_does_not_wait_for_it() -> None:
    with serving(lambda exchange: exchange.respond(401, [], b"no")) as running, running.client() as client:
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        assert b"Connection: close" in read_answer(client)[0]
        assert client.recv(9) == b""


def test_a_refusal_before_a_body_that_follows_at_once_keeps_the_connection() -> None:
    answering = threading.Event()

    def refuse(exchange: Exchange) -> None:
        answering.set()
        exchange.respond(401, [], b"no")

    with serving(refuse) as running, running.client() as client:
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        assert answering.wait(3)
        client.sendall(bytes(1000))
        assert b"Connection: close" not in read_answer(client)[0]
        client.sendall(GET)
        assert read_answer(client)[1] == b"no"


def test_answered_clients_that_send_nothing_leave_threads_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LINGERING", 2)
    monkeypatch.setattr(body, "SILENT_SECONDS", 30.0)
    with (
        serving(lambda exchange: exchange.respond(401, [], b"no"), threads=4) as running,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(8):
            silent = stack.enter_context(running.client())
            silent.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
            assert read_answer(silent)[1] == b"no"
        with running.client() as client:
            client.sendall(GET)
            assert read_answer(client)[1] == b"no"
        until(lambda: len(running.server._busy) <= 2)
