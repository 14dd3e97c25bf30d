import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stronghouse.worker import pool, watch, wire
from stronghouse.worker.exchange import Exchange
from stronghouse.worker.server import Server
from tests.unit.worker.serving import GET, HEAD, Serving, echo, read_answer, read_to_end, serving, until
from tests.unit.worker.test_parser import SMUGGLING

CLOSE = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def test_pipelined_requests_are_answered_in_order() -> None:
    body = HEAD + b"Content-Length: 2\r\n\r\n%02d"
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n%02d\r\n0\r\n\r\n"
    with serving() as running, running.client() as client:
        client.sendall(b"".join((body, chunked)[number % 2] % number for number in range(99)) + CLOSE)
        received = read_to_end(client)
    bodies = [answer.partition(b"\r\n\r\n")[2] for answer in received.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"%02d" % number for number in range(99)] + [b""]


@pytest.mark.parametrize("cut", [1, 20, len(GET) - 1])
def test_a_head_may_begin_in_the_same_piece_as_the_one_before(cut: int) -> None:
    with serving() as running, running.client() as client:
        client.sendall(GET + GET[:cut])
        assert read_answer(client)[0].startswith(b"HTTP/1.1 200")
        until(lambda: running.server.idle == 1)
        client.sendall(GET[cut:])
        assert read_answer(client)[0].startswith(b"HTTP/1.1 200")


def test_a_connection_goes_on_after_it_was_idle() -> None:
    with serving() as running, running.client() as client:
        for _ in range(2):
            client.sendall(HEAD + b"Content-Length: 1\r\n\r\nx")
            assert read_answer(client)[1] == b"x"
            until(lambda: running.server.idle == 1)
        assert running.server.active == 0


def test_a_head_that_comes_a_byte_at_a_time_is_a_head_and_holds_no_thread() -> None:
    with serving(threads=1) as running, running.client() as slow, running.client() as fast:
        for byte in GET[:-1]:
            slow.sendall(bytes([byte]))
        until(lambda: running.server.idle == 2)
        fast.sendall(GET)
        assert read_answer(fast)[0].startswith(b"HTTP/1.1 200")
        slow.sendall(GET[-1:])
        assert read_answer(slow)[0].startswith(b"HTTP/1.1 200")


def test_more_requests_than_threads_take_turns() -> None:
    with serving(threads=2) as running, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.client()) for _ in range(12)]
        for _ in range(3):
            for client in clients:
                client.sendall(GET + GET)
        for client in clients:
            received = b""
            while received.count(b"HTTP/1.1 200") < 6:
                received += client.recv(65536)
        assert running.server._pool.threads <= 2


def test_a_busy_connection_does_not_keep_its_thread_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LINGER_SECONDS", 0.3)
    done = threading.Event()
    with serving(threads=1) as running, running.client() as busy, running.client() as other:

        def ask_on() -> None:
            while not done.is_set():
                busy.sendall(GET)
                read_answer(busy)

        asking = threading.Thread(target=ask_on)
        asking.start()
        try:
            other.settimeout(2)
            other.sendall(GET)
            assert read_answer(other)[0].startswith(b"HTTP/1.1 200")
        finally:
            done.set()
            asking.join()


def idle_are(running: Serving, number: int) -> bool:
    return running.server.active == 1 and running.server.idle == number


def test_what_the_pool_cannot_hold_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MAX_QUEUED", 1)
    go_on = threading.Event()

    def slow(exchange: Exchange) -> None:
        go_on.wait(5)
        exchange.respond(200, [])

    with serving(slow, threads=1) as running, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.client()) for _ in range(3)]
        for left, client in zip((2, 1, 0), clients, strict=True):
            client.sendall(CLOSE)
            until(partial(idle_are, running, left))
        assert read_to_end(clients[-1]).startswith(b"HTTP/1.1 503 ")
        go_on.set()
        assert read_to_end(clients[0]).startswith(b"HTTP/1.1 200")
        assert read_to_end(clients[1]).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("after", ["nothing", "part"])
def test_a_handler_that_fails_costs_its_own_connection_only(after: str) -> None:
    def broken(exchange: Exchange) -> None:
        if exchange.path == "/ping":
            exchange.respond(200, [], b"fine")
            return
        if after == "part":
            exchange.begin(200, [])
            exchange.write(b"half")
        raise KeyError("secret")

    with serving(broken) as running, running.client() as other:
        received = running.ask(HEAD + b"\r\n")
        assert b"secret" not in received
        assert received.startswith(b"HTTP/1.1 500" if after == "nothing" else b"HTTP/1.1 200")
        assert not received.endswith(b"0\r\n\r\n")
        other.sendall(GET)
        assert read_answer(other)[1] == b"fine"


HOSTILE = [
    *SMUGGLING,
    b"",
    b"\r\n" * 1000,
    b"\0" * 10_000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET",
    b"GET / HTTP/1.1\r\nHost: h\r\n",
    HEAD + b"Content-Length: 100\r\n\r\nabc",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n" + bytes(1000),
    HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    HEAD + b"Expect: 999-x\r\n\r\n",
    HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
    b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n\x16\x03",
    b"GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    GET * 500,
    GET + b"garbage\r\n\r\n" + GET,
]


def attack(running: Serving, data: bytes, ending: str) -> None:
    """Send it, and leave: with what comes back read, or at once and with that unread."""
    with running.client() as client, contextlib.suppress(OSError):
        client.settimeout(0.05)
        client.sendall(data)
        if ending == "half":
            client.shutdown(socket.SHUT_WR)
            read_to_end(client)


def works(running: Serving) -> None:
    with running.client() as client:
        client.sendall(HEAD + b"Content-Length: 3\r\n\r\nabc")
        assert read_answer(client)[1] == b"abc"


@pytest.mark.parametrize("ending", ["half", "vanish"])
def test_nothing_that_a_client_sends_ends_a_thread_or_keeps_one(ending: str) -> None:
    with serving(threads=4) as running:
        for data in HOSTILE:
            attack(running, data, ending)
        works(running)
        until(lambda: running.server.active == 0 and running.server.idle == 0)
        assert running.server._pool.threads <= 4


@pytest.fixture(scope="module")
def running() -> Iterator[Serving]:
    with serving(threads=4) as server:
        yield server


@settings(max_examples=60, deadline=None)
@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [
                    GET,
                    HEAD,
                    b"\r\n",
                    b"Content-Length: 3\r\n",
                    b"Transfer-Encoding: chunked\r\n",
                    b"3\r\nabc\r\n",
                    b"0\r\n\r\n",
                ]
            ),
        ),
        max_size=12,
    ),
    ending=st.sampled_from(["half", "vanish"]),
)
def test_no_bytes_at_all_harm_the_server(running: Serving, data: list[bytes], ending: str) -> None:
    attack(running, b"".join(data), ending)
    works(running)


def test_a_request_cannot_hide_in_another() -> None:
    """What one reader takes for a body and another for a request is answered once, and the connection ends."""
    hidden = GET.replace(b"/ping", b"/hidden")
    for data in SMUGGLING:
        with serving() as running:
            received = running.ask(data + hidden)
        assert b"/hidden" not in received
        assert received.count(b"Content-Length: ") == 1
        assert received.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501"))


def test_idle_connections_and_slow_heads_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(watch, "KEEP_ALIVE_SECONDS", 0.1)
    monkeypatch.setattr(watch, "HEAD_SECONDS", 0.05)
    with serving() as running, running.client() as idle, running.client() as slow:
        slow.sendall(GET[:10])
        assert read_to_end(slow).startswith(b"HTTP/1.1 408 ")
        idle.sendall(GET)
        read_answer(idle)
        assert idle.recv(10) == b""


def test_a_thousand_idle_connections_take_no_threads() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        with serving(backlog=256) as running, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(running.client()) for _ in range(1000)]
            until(lambda: running.server.idle == 1000)
            clients[500].sendall(GET)
            assert read_answer(clients[500])[0].startswith(b"HTTP/1.1 200")
            assert running.server._pool.threads <= 2
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_end_answers_what_was_accepted_and_leaves_the_rest_for_the_next_server() -> None:
    go_on = threading.Event()

    def slow(exchange: Exchange) -> None:
        go_on.wait(5)
        exchange.respond(200, [], b"late")

    with serving(slow) as running, running.client() as accepted:
        accepted.sendall(GET)
        until(lambda: running.server.active == 1)
        running.server.stop_accepting()
        with running.client() as waiting:
            waiting.sendall(GET)
            time.sleep(0.05)
            assert running.server.active == 1
            assert running.server.idle == 0
            assert not running.server.wait_idle(0.01)
            go_on.set()
            head, body = read_answer(accepted)
            assert body == b"late"
            assert b"Connection: close" in head
            assert accepted.recv(9) == b""
            running.server.finish(1.0)
            following = Server(echo, running.listener)
            following.start()
            assert read_answer(waiting)[0].startswith(b"HTTP/1.1 200")
            following.finish(0.0)


def test_the_end_waits_for_the_request_of_a_connection_that_was_just_accepted() -> None:
    with serving() as running, running.client() as late, running.client() as idle:
        idle.sendall(GET)
        read_answer(idle)
        until(lambda: running.server.idle == 2)
        ending = threading.Thread(target=running.server.finish, args=(1.0,))
        ending.start()
        time.sleep(0.05)
        late.sendall(GET)
        assert read_answer(late)[0].startswith(b"HTTP/1.1 200")
        assert idle.recv(9) == b""
        ending.join(5)


def test_the_end_cuts_off_what_does_not_end() -> None:
    def endless(exchange: Exchange) -> None:
        exchange.begin(200, [])
        while True:
            exchange.write(bytes(65536))

    with serving(endless) as running, running.client() as client:
        client.sendall(GET)
        assert client.recv(10)
        running.server.finish(0.05)
        assert running.server.active == 0
