"""The control plane's own edge: TLS in front of the API and the console."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import structlog

from stronghouse.access import certificates
from stronghouse.access.certificates import CertificateAuthority
from stronghouse.edge.configuration import VirtualHost
from stronghouse.edge.edge import Edge
from stronghouse.kernel.errors import StronghouseError
from stronghouse.kernel.networks import IPNetwork, parse_source

NAMES = ("localhost", "127.0.0.1", "::1")
CERTIFICATE_LIFETIME = timedelta(days=30)
RENEW_SECONDS = 24 * 3600.0
LOOPBACK: tuple[IPNetwork, ...] = (parse_source("127.0.0.0/8"), parse_source("::1/128"))
FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS = 0.05, 2.0, 10.0

_log = structlog.get_logger()


def virtual_hosts(*, port_base: int, api: Path, console: Path) -> Sequence[VirtualHost]:
    """API on N, console on N+1 (design.md section 6), each only under its own name and port.

    Both bound bodies themselves (`plane.limits`): files stream to them, and a refusal is an envelope or a page.
    """
    return (
        VirtualHost(
            name="api",
            port=port_base,
            server_name="localhost",
            hosts=(f"localhost:{port_base}",),
            upstream=api,
            allow=LOOPBACK,
            log_name="api",
        ),
        VirtualHost(
            name="console",
            port=port_base + 1,
            server_name="localhost",
            hosts=(f"localhost:{port_base + 1}",),
            upstream=console,
            allow=LOOPBACK,
            strip_cookies=False,
            log_name="console",
        ),
    )


class ControlEdge:
    """Keeps the control plane's Envoy running with a fresh certificate of the edge's own authority."""

    def __init__(self, edge: Edge, authority: CertificateAuthority) -> None:
        self.edge = edge
        self._authority = authority

    async def start(self, hosts: Sequence[VirtualHost]) -> None:
        """Configure and start; raises Unavailable with Envoy's reason."""
        await self._certify()
        await self.edge.apply(hosts)
        await self.edge.start()

    async def run(self) -> None:
        """Restart Envoy when it dies and renew its certificate daily, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_alive())
            tasks.create_task(self._renew())

    async def _keep_alive(self) -> None:
        pause = FIRST_PAUSE
        while True:
            started = time.monotonic()
            status = await self.edge.wait()
            _log.error("edge_ended", status=status)
            pause = FIRST_PAUSE if time.monotonic() - started > STEADY_SECONDS else min(pause * 2, LONGEST_PAUSE)
            await self._start_again(pause)

    async def _start_again(self, pause: float) -> None:
        while self.edge.pid is None:
            await asyncio.sleep(pause)
            try:
                await self.edge.start()
            except (StronghouseError, OSError) as error:
                _log.error("edge_start_failed", reason=str(error))
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self._certify()
            except StronghouseError as error:  # the old one holds for weeks; the certificate check tells
                _log.error("edge_certificate_renewal_failed", reason=error.public)

    async def _certify(self) -> None:
        key, request = certificates.new_key_and_request("localhost")
        leaf = self._authority.sign_server(request, names=NAMES, lifetime=CERTIFICATE_LIFETIME)
        await self.edge.set_certificate(leaf + self._authority.certificate_pem, key)
