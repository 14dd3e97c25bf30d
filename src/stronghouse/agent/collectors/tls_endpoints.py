"""The region's TLS endpoints: the HTTPS port of each service, and whatever else its edge listens on."""

import asyncio

from stronghouse.agent.collectors.region_facts import SERVED_STATES, services
from stronghouse.agent.inventory import Inventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.responsibility.collectors.tls_endpoints import TlsEndpoint, collect_tls_endpoints

DEFAULT_HOST = "localhost"


async def collect_region_endpoints(inventory: Inventory) -> Json:
    """Facts about each port of the edge, on each address that it listens on; a TLS handshake wakes no service."""
    listening: dict[int, list[str]] = {}
    for one in await inventory.edge.listeners():
        listening.setdefault(one.port, []).append(one.address)
    endpoints = []
    for service in services(inventory):
        addresses = tuple(listening.pop(service.port, ["127.0.0.1"]))
        expected = service.state in SERVED_STATES
        endpoints += [TlsEndpoint(host, service.port, addresses, service.id, expected) for host in service.hosts]
    endpoints += [TlsEndpoint(DEFAULT_HOST, port, tuple(addresses)) for port, addresses in sorted(listening.items())]
    authority = await asyncio.to_thread(inventory.edge_ca_file.read_text, "ascii")
    facts = await asyncio.to_thread(
        collect_tls_endpoints,
        endpoints,
        authority_pem=authority,
        target=f"edge of region {inventory.region}",
        clock=SystemClock(),
    )
    return facts.to_json()
