"""What the edge costs: time to start, time for a change, private memory, and latency added to a small request.

Run it as `python -m benchmarks.edge_overhead`. It needs about ten seconds. The upstream answers 100 bytes from a
thread of this process, so both columns carry the same share of Python and their difference is the edge: TLS 1.3,
HTTP parsing, the access rule and the log.
"""

import asyncio
import contextlib
import socket
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

from stronghouse.access.certificates import CertificateAuthority, Purpose, new_key_and_request
from stronghouse.edge.configuration import VirtualHost
from stronghouse.edge.edge import Edge
from stronghouse.kernel.clock import SystemClock

REQUESTS = 2000
CHANGES = 20
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100


def main() -> None:
    """Measure and write a table to standard output."""
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(_measure(Path(directory)))


async def _measure(directory: Path) -> None:
    upstream = directory / "http.sock"
    authority = CertificateAuthority.create("bench", purpose=Purpose.SERVER, clock=SystemClock())
    edge = Edge(directory=directory / "edge", log_directory=directory / "log")
    key, request = new_key_and_request("localhost")
    await edge.set_certificate(authority.sign_server(request, names=["localhost"], lifetime=timedelta(hours=1)), key)
    host = _virtual_host(upstream)
    await edge.apply([host])
    with _serving(upstream):
        begun = time.perf_counter()
        await edge.start()
        try:
            _say("start", (time.perf_counter() - begun) * 1000, "ms")
            _say("change of an access list, median", await _changes(edge, host), "ms")
            _say("private memory at idle", _private_bytes(edge.pid or 0) / 2**20, "MiB")
            context = ssl.create_default_context(cadata=authority.certificate_pem.decode())
            direct = await asyncio.to_thread(_latency, lambda: _connect_unix(upstream), host.hosts[0])
            through = await asyncio.to_thread(_latency, lambda: _connect_tls(host.port, context), host.hosts[0])
            _say("request straight to the worker, median", direct, "us")
            _say("request through the edge, median", through, "us")
            _say("ratio", through / direct, "")
        finally:
            await edge.stop(grace=0)


def _virtual_host(upstream: Path) -> VirtualHost:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    return VirtualHost(
        name="bench",
        port=port,
        server_name="localhost",
        hosts=(f"localhost:{port}",),
        upstream=upstream,
        allow=(ip_network("127.0.0.1/32"),),
        log_name="bench",
    )


async def _changes(edge: Edge, host: VirtualHost) -> float:
    """The median time of `apply` for a changed list, in milliseconds."""
    times = []
    for number in range(CHANGES):
        changed = replace(host, allow=(ip_network("127.0.0.1/32"), ip_network(f"192.0.2.{number}/32")))
        begun = time.perf_counter()
        await edge.apply([changed])
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def _latency(connect: Callable[[], socket.socket], host: str) -> float:
    """The median time of one small request on one kept-alive connection, in microseconds."""
    times = []
    with connect() as connection:
        for _ in range(REQUESTS):
            begun = time.perf_counter()
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            received = b""
            while not received.endswith(b"x" * 100):
                received += connection.recv(65536)
            times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1_000_000


def _connect_unix(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    return connection


def _connect_tls(port: int, context: ssl.SSLContext) -> socket.socket:
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")


@contextlib.contextmanager
def _serving(path: Path) -> Iterator[None]:
    """Answer every request on `path` from threads, until the block ends."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        threading.Thread(target=_accept, args=(listening,), daemon=True).start()
        yield


def _accept(listening: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed at the end
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        while connection.recv(65536):
            connection.sendall(ANSWER)


def _private_bytes(pid: int) -> int:
    """Memory that only this process has and cannot be dropped (the program text is shared between edges)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_Dirty:"))


def _say(what: str, value: float, unit: str) -> None:
    sys.stdout.write(f"{what:<42}{value:>10.1f} {unit}\n")


if __name__ == "__main__":
    main()
