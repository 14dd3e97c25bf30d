"""A real Envoy on free ports, with small workers behind it, for each test that asks."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from types import EllipsisType

import pytest

from stronghouse.access.certificates import CertificateAuthority, Purpose, new_key_and_request
from stronghouse.edge.configuration import VirtualHost
from stronghouse.edge.edge import Edge
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.secret import Secret
from tests.integration.edge.client import Client
from tests.integration.edge.upstream import Upstream

LOOPBACK = (ip_network("127.0.0.1/32"), ip_network("::1/128"))


@pytest.fixture(scope="session")
def authority() -> CertificateAuthority:
    """The root that the test clients trust."""
    return CertificateAuthority.create("test edge", purpose=Purpose.SERVER, clock=SystemClock())


def strict_context(authority: CertificateAuthority) -> ssl.SSLContext:
    """A client's context: strict verification against the test root only."""
    context = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def certificate(authority: CertificateAuthority) -> tuple[bytes, Secret]:
    """A fresh certificate for localhost and its key."""
    key, request = new_key_and_request("localhost")
    names = ["localhost", "127.0.0.1", "::1"]
    return authority.sign_server(request, names=names, lifetime=timedelta(hours=1)), key


def free_port() -> int:
    """A port that is free on 127.0.0.1 and ::1 just now."""
    while True:
        with socket.socket() as four, socket.socket(socket.AF_INET6) as six:
            four.bind(("127.0.0.1", 0))
            port = int(four.getsockname()[1])
            try:
                six.bind(("::1", port))
            except OSError:
                continue
            return port


class Site:
    """An edge under test with two services, `a` and `b`, and whatever a test adds."""

    def __init__(self, directory: Path, authority: CertificateAuthority) -> None:
        self.directory = directory
        self.log_directory = directory / "log"
        self.edge = Edge(directory=directory / "edge", log_directory=self.log_directory, concurrency=1)
        self.authority = authority
        self.tls = strict_context(authority)
        self._clients: list[Client] = []
        self.a = Upstream("a", directory / "run" / "a" / "http.sock")
        self.b = Upstream("b", directory / "run" / "b" / "http.sock")
        self.hosts = {"a": self.host("a", self.a), "b": self.host("b", self.b)}

    def host(self, name: str, upstream: Upstream) -> VirtualHost:
        """A virtual host on a port of its own that lets in 127.0.0.1 and ::1."""
        port = free_port()
        return VirtualHost(
            name=name,
            port=port,
            server_name="localhost",
            hosts=(f"localhost:{port}",),
            upstream=upstream.socket,
            allow=LOOPBACK,
            log_name=f"service-{name}",
        )

    def port(self, name: str) -> int:
        """The port of a virtual host."""
        return self.hosts[name].port

    async def start(self) -> None:
        """Start the workers and the edge."""
        await self.a.start()
        await self.b.start()
        await self.edge.set_certificate(*certificate(self.authority))
        await self.edge.apply(list(self.hosts.values()))
        await self.edge.start()

    async def client(
        self,
        where: str | int,
        *,
        tls: ssl.SSLContext | EllipsisType | None = ...,
        source: str = "127.0.0.1",
        address: str = "127.0.0.1",
        server_name: str = "localhost",
    ) -> Client:
        """A new connection to a virtual host or a port, closed after the test. `tls=None` speaks plain HTTP."""
        port = self.port(where) if isinstance(where, str) else where
        context = self.tls if isinstance(tls, EllipsisType) else tls
        client = await Client.connect(port, tls=context, source=source, address=address, server_name=server_name)
        self._clients.append(client)
        return client

    async def change(self, *hosts: VirtualHost) -> None:
        """Replace virtual hosts of the same names and apply."""
        self.hosts.update({host.name: host for host in hosts})
        await self.edge.apply(list(self.hosts.values()))

    async def log(self) -> list[dict[str, str | int | None]]:
        """The access log so far, once Envoy has flushed it (every 200 ms)."""
        await asyncio.sleep(0.35)
        text = (self.log_directory / "edge-access.log").read_text()
        return [json.loads(line) for line in text.splitlines()]

    async def close(self) -> None:
        """Stop everything."""
        for client in self._clients:
            await client.close()
        await self.edge.stop(grace=0.05)
        await self.a.stop()
        await self.b.stop()


@pytest.fixture
async def make_site(
    tmp_path: Path, authority: CertificateAuthority
) -> AsyncIterator[Callable[[Path | None], Awaitable[Site]]]:
    """Makes started sites, in a directory of choice, and stops them after the test."""
    sites = []

    async def make(directory: Path | None = None) -> Site:
        site = Site(directory or tmp_path, authority)
        sites.append(site)
        await site.start()
        return site

    yield make
    for site in sites:
        await site.close()


@pytest.fixture
async def site(make_site: Callable[[Path | None], Awaitable[Site]]) -> Site:
    """A started site."""
    return await make_site(None)
