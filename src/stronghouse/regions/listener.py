"""The agents' port: TLS 1.3 on each address, with a certificate that the edge's authority signs anew in time."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from stronghouse.access import certificates
from stronghouse.access.certificates import CertificateAuthority
from stronghouse.kernel.secret import Secret
from stronghouse.regions import protocol, tls
from stronghouse.regions.admission import LOCAL_NAMES, SERVING_LIFETIME

HANDSHAKE_SECONDS = 10.0
BACKLOG = 128
Admit = Callable[[ServerConnection, Request], Awaitable[Response | None]]
Handle = Callable[[ServerConnection], Awaitable[None]]


class Listener:
    """Takes connections and hands them over; knows no agent. The port is in `port` once it was started."""

    def __init__(self, *, agents_ca: CertificateAuthority, edge_ca: CertificateAuthority) -> None:
        self._edge_ca = edge_ca
        certificate, key = self._own_certificate()
        self._tls: ssl.SSLContext = tls.listener_context(
            certificate_pem=certificate, key_pem=key, agents_ca_pem=agents_ca.certificate_pem
        )
        self._servers: list[Server] = []
        self._renewing: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self, *, port: int, addresses: Sequence[str], admit: Admit, handle: Handle) -> None:
        """Listen; raises OSError when a port is taken. `admit` sees a request first, `handle` the open websocket."""
        for bound in _bind(addresses, port):
            self.port = bound.getsockname()[1]
            self._servers.append(await self._serve(bound, admit, handle))
        self._renewing = asyncio.get_running_loop().create_task(self._renew())

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._renewing is not None:
            self._renewing.cancel()
        for server in self._servers:
            server.close()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    async def _serve(self, bound: socket.socket, admit: Admit, handle: Handle) -> Server:
        quiet = logging.getLogger("stronghouse.regions.listener")
        quiet.setLevel(logging.CRITICAL)  # it would log a traceback for whatever knocks; refusals are audited
        return await serve(
            handle,
            sock=bound,
            ssl=self._tls,
            process_request=admit,
            compression=None,
            open_timeout=HANDSHAKE_SECONDS,
            ping_interval=None,  # the agent pings, and its heartbeats are watched
            close_timeout=2,
            max_size=protocol.MAX_JOIN_BYTES,  # raised for a connection that has proved to be an agent's
            server_header=None,
            logger=quiet,
        )

    def _own_certificate(self) -> tuple[bytes, Secret]:
        key, request = certificates.new_key_and_request("agents")
        return self._edge_ca.sign_server(request, names=sorted(LOCAL_NAMES), lifetime=SERVING_LIFETIME), key

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(SERVING_LIFETIME.total_seconds() / 3)
            tls.load_key_pair(self._tls, *self._own_certificate())


def _bind(addresses: Sequence[str], port: int) -> list[socket.socket]:
    """Listening sockets; the first decides the port where it is 0. `::1` is left out where there is no IPv6."""
    bound: list[socket.socket] = []
    try:
        for address in addresses:
            if address == "::1" and not _has_ipv6_loopback():
                continue
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            chosen = bound[0].getsockname()[1] if bound else port
            bound.append(socket.create_server((address, chosen), family=family, backlog=BACKLOG))
    except OSError:
        for other in bound:
            other.close()
        raise
    return bound


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
