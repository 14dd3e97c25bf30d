"""The worker's server around a handler of the test's own, and a client that sends bytes as they are."""

import contextlib
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from stronghouse.worker.exchange import Exchange
from stronghouse.worker.server import Server

HEAD = b"POST /?query=x HTTP/1.1\r\nHost: h\r\n"
GET = b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"


@dataclass
class Serving:
    """A running server, its socket's path, and what its handler saw."""

    server: Server
    path: Path
    listener: socket.socket
    bodies: list[bytes] = field(default_factory=list)

    @contextlib.contextmanager
    def client(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path))
            client.settimeout(5)
            yield client

    def ask(self, data: bytes) -> bytes:
        """Everything that comes back until the server closes."""
        with self.client() as client:
            client.sendall(data)
            return read_to_end(client)


def echo(exchange: Exchange) -> None:
    """Answer with the body, read a little at a time."""
    received = b""
    while piece := exchange.body.read(7):
        received += piece
    exchange.respond(200, [("X-Path", exchange.path)], received)


@contextlib.contextmanager
def serving(handle: Callable[[Exchange], None] = echo, *, threads: int = 16, backlog: int = 64) -> Iterator[Serving]:
    with tempfile.TemporaryDirectory(prefix="sh-") as root, socket.socket(socket.AF_UNIX) as listener:
        path = Path(root) / "s"
        listener.bind(str(path))
        listener.listen(backlog)
        server = Server(handle, listener, threads=threads)
        server.start()
        try:
            yield Serving(server, path, listener)
        finally:
            server.finish(0.0)


def read_to_end(client: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):  # the server closed while it had something unread
        while piece := client.recv(65536):
            received += piece
    return received


def read_answer(client: socket.socket) -> tuple[bytes, bytes]:
    """A response's head and body, which has a Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = client.recv(65536)
        assert piece, received
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        piece = client.recv(65536)
        assert piece, received
        body += piece
    return head, body


def until(condition: Callable[[], bool], seconds: float = 3.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
