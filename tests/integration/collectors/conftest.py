"""Certificates and small TLS servers to look at."""

import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stronghouse.access.certificates import CertificateAuthority, Purpose, new_key_and_request
from stronghouse.kernel.clock import SystemClock
from stronghouse.regions.tls import load_key_pair
from tests.integration.collectors.region import Region, make_region

ServeTls = Callable[..., int]


@pytest.fixture(scope="session")
def authority() -> CertificateAuthority:
    return CertificateAuthority.create("edge", purpose=Purpose.SERVER, clock=SystemClock())


def server_context(
    authority: CertificateAuthority, *, names: tuple[str, ...] = ("localhost",), days: int = 30
) -> ssl.SSLContext:
    """A server's context with a certificate of `authority`."""
    key, request = new_key_and_request(names[0])
    certificate = authority.sign_server(request, names=names, lifetime=timedelta(days=days))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_key_pair(context, certificate, key)
    return context


@pytest.fixture
def serve() -> Iterator[ServeTls]:
    """Starts servers that answer each connection in a thread; gives the port."""
    listeners: list[socket.socket] = []

    def start(answer: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=_accept, args=(listener, answer), daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.close()


def _accept(listener: socket.socket, answer: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection, answer), daemon=True).start()


def _answer(connection: socket.socket, answer: Callable[[socket.socket], None]) -> None:
    connection.settimeout(5)
    with connection:
        try:
            answer(connection)
        except OSError:  # the probe hangs up when it has seen enough
            return


def speak_tls(context: ssl.SSLContext) -> Callable[[socket.socket], None]:
    """Shake hands, then wait for the other side to end."""

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)

    return answer


@pytest.fixture
async def region(tmp_path: Path, authority: CertificateAuthority) -> AsyncIterator[Region]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    region = make_region(tmp_path, authority, port=port)
    yield region
    await region.inventory.edge.stop(grace=0.05)
