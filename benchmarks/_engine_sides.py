"""The two sides that `engine_http` compares, each a process of its own that does one thing at a time, when told to.

    python -m benchmarks._engine_sides engine DIRECTORY     the engine in process, without HTTP
    python -m benchmarks._engine_sides client SOCKET        a client of a worker that sends bytes made beforehand

A line on standard input names a measurement; a line on standard output answers with its seconds.
"""

import base64
import hashlib
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stronghouse.engine.access.rendering import users_tree
from stronghouse.engine.access.store import initial
from stronghouse.engine.engine import Engine

PASSWORD = "benchmark"  # noqa: S105 - of a database that is thrown away
KEY = bytes(range(32))
MEMORY = 2 << 30
CONNECTIONS = 8
ONE, MANY = 400, 1600
"""Requests of a measurement, over one connection and over eight."""
OUT_ROWS, IN_ROWS = 10_000_000, 1_000_000
BIG_ROWS = 250_000_000
SELECT_ROWS = f"SELECT number, toString(number) FROM numbers({OUT_ROWS})"
SELECT_BIG = f"SELECT number FROM numbers({BIG_ROWS})"
CREATE = "CREATE TABLE IF NOT EXISTS t (n UInt64, s String) ENGINE = MergeTree ORDER BY n"
EMPTY = "TRUNCATE TABLE t"
"""Before each insert: else merges of the rows of earlier ones would be measured with it."""
IN_DATA = f"SELECT number, toString(number) FROM numbers({IN_ROWS})"


class InProcess:
    """The engine without HTTP."""

    def __init__(self, directory: Path) -> None:
        users = users_tree(initial(digest()))
        self._engine = Engine.open(directory, data_key=KEY, memory_limit_bytes=MEMORY, users=users)
        self._connections = [self._engine.connect() for _ in range(CONNECTIONS)]
        first = self._connections[0]
        first.query(CREATE)
        self._data = first.query(IN_DATA, output_format="Native").data

    def select_one(self) -> None:
        for _ in range(ONE):
            self._connections[0].query("SELECT 1")

    def select_many(self) -> None:
        def run(number: int) -> None:
            for _ in range(MANY // CONNECTIONS):
                self._connections[number].query("SELECT 1")

        threads = [threading.Thread(target=run, args=(number,)) for number in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def select_rows(self) -> None:
        """As a stream, which is what costs the engine least."""
        raw: Any = self._connections[0]._raw  # noqa: SLF001 - our own connections do not stream
        stream = raw.send_query(SELECT_ROWS, "Native")
        size = 0
        while piece := raw.streaming_fetch_result(stream).bytes():
            size += len(piece)
        assert size > OUT_ROWS * 10

    def empty(self) -> None:
        self._connections[0].query(EMPTY)

    def insert_rows(self) -> None:
        """As a stream, as chDB's own documentation has it."""
        raw: Any = self._connections[0]._raw  # noqa: SLF001 - our own connections do not stream
        stream = raw.send_insert("INSERT INTO t", "Native")
        raw.insert_append(stream, self._data)
        assert not raw.insert_done(stream).has_error()


class Client:
    """A client that knows nothing but sockets, so that what is measured is the worker."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sockets = [self._connected() for _ in range(CONNECTIONS)]
        self._select = request(b"SELECT 1")
        self._idle: list[socket.socket] = []
        self._ask(request(CREATE.encode()))
        data = self._ask(request(f"{IN_DATA} FORMAT Native".encode()))
        self._insert = closing(request(data, "/?query=INSERT%20INTO%20t%20FORMAT%20Native"))

    def select_one(self) -> None:
        connection, asked = self._sockets[0], self._select
        for _ in range(ONE):
            connection.send(asked)
            check(connection.recv(65536))

    def select_many(self) -> None:
        poll = select.epoll()
        left = dict.fromkeys((one.fileno() for one in self._sockets), MANY // CONNECTIONS)
        by_number = {one.fileno(): one for one in self._sockets}
        for one in self._sockets:
            poll.register(one, select.EPOLLIN)
            one.send(self._select)
        while left:
            for number, _ in poll.poll():
                check(by_number[number].recv(65536))
                left[number] -= 1
                if left[number]:
                    by_number[number].send(self._select)
                else:
                    del left[number]
        poll.close()

    def ping(self) -> None:
        connection, asked = self._sockets[0], b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for _ in range(ONE):
            connection.send(asked)
            check(connection.recv(65536))

    def select_rows(self) -> None:
        assert self._drain(request(f"{SELECT_ROWS} FORMAT Native".encode())) > OUT_ROWS * 10

    def select_big(self) -> None:
        assert self._drain(request(f"{SELECT_BIG} FORMAT Native".encode())) > BIG_ROWS * 8

    def empty(self) -> None:
        self._ask(request(EMPTY.encode()))

    def insert_rows(self) -> None:
        self._exchange(self._insert)

    def idle_connections(self) -> None:
        """A thousand more, each of which has been answered once."""
        for _ in range(1000):
            connection = self._connected()
            connection.send(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
            check(connection.recv(65536))
            self._idle.append(connection)

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self._path))
        return connection

    def _ask(self, asked: bytes) -> bytes:
        """One answer's body."""
        return self._exchange(closing(asked))

    def _exchange(self, asked: bytes) -> bytes:
        """One answer's body, on a connection of its own, which the request says ends with it."""
        with self._connected() as connection:
            connection.sendall(asked)
            received = bytearray()
            while piece := connection.recv(1 << 20):
                received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        check(head)
        return dechunked(body) if b"chunked" in head else bytes(body)

    def _drain(self, asked: bytes) -> int:
        """The size of one answer, which is not kept. It ends with the connection, so that nothing need be parsed."""
        into, last = bytearray(1 << 20), b""
        with self._connected() as connection:
            connection.sendall(closing(asked))
            size = connection.recv_into(into)
            check(into)
            while count := connection.recv_into(into):
                size += count
                last = bytes(into[max(0, count - 5) : count])
        assert last == b"0\r\n\r\n"
        return size


def digest() -> str:
    """The password as workers are told it."""
    return base64.b64encode(hashlib.sha256(PASSWORD.encode()).digest()).decode()


def request(body: bytes, target: str = "/") -> bytes:
    head = (
        f"POST {target} HTTP/1.1\r\nHost: localhost\r\nX-ClickHouse-User: default\r\n"
        f"X-ClickHouse-Key: {PASSWORD}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def closing(asked: bytes) -> bytes:
    """A request whose connection ends with its answer."""
    return asked.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


def check(answer: bytes | bytearray) -> None:
    assert answer.startswith(b"HTTP/1.1 200"), bytes(answer[:2000])


def dechunked(body: bytes | bytearray) -> bytes:
    content, at = bytearray(), 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end], 16)
        if not size:
            return bytes(content)
        content += body[end + 2 : end + 2 + size]
        at = end + 4 + size


def serve(side: InProcess | Client) -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        action: Callable[[], None] = getattr(side, line.strip())
        start = time.perf_counter()
        action()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    kind, place = sys.argv[1], Path(sys.argv[2])
    serve(InProcess(place) if kind == "engine" else Client(place))
    os._exit(0)
