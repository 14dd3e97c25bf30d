"""What the edge serves and enforces, seen from outside and read back from Envoy itself."""

from ipaddress import ip_network

import pytest

from stronghouse.access.certificates import CertificateAuthority
from stronghouse.agent.collectors.network_access import collect_network_access
from stronghouse.agent.collectors.tls_endpoints import collect_region_endpoints
from stronghouse.kernel.errors import Unavailable
from stronghouse.responsibility.model import ResultState
from tests.integration.collectors.region import CHECKS, LOOPBACK, Region, judge


async def test_envoy_passes_every_tls_check_on_every_address(region: Region, authority: CertificateAuthority) -> None:
    await region.start_edge(authority)
    seen = await collect_region_endpoints(region.inventory)
    addresses = len({one.address for one in await region.inventory.edge.listeners()})
    for check_id in [check_id for check_id, check in CHECKS.items() if check.meta.collector == "tls_endpoints"]:
        results = judge(check_id, seen)
        assert len(results) == addresses
        assert {result.state for result in results} == {ResultState.PASS}, results


async def test_edge_lists_are_compared_with_what_was_declared(region: Region, authority: CertificateAuthority) -> None:
    await region.start_edge(authority)
    (result,) = judge("network_access_enforced", await collect_network_access(region.inventory))
    assert result.state is ResultState.PASS
    more = (*region.service.ip_access, ip_network("192.0.2.0/24"))
    for allow in (None, more, ()):
        region.change(ip_access=LOOPBACK if allow is not None else ())  # "nobody" and "anyone" must not be mixed up
        await region.inventory.edge.apply([region.virtual_host(allow=allow)])
        (result,) = judge("network_access_enforced", await collect_network_access(region.inventory))
        assert result.state is ResultState.FAIL, allow


async def test_service_that_the_edge_does_not_serve_fails_only_if_it_ought_to(
    region: Region, authority: CertificateAuthority
) -> None:
    await region.start_edge(authority)
    await region.inventory.edge.apply([])
    for state, expected in (
        ("running", ResultState.FAIL),
        ("idle", ResultState.FAIL),
        ("stopped", ResultState.NOT_APPLICABLE),
    ):
        region.change(state=state)
        (result,) = judge("network_access_enforced", await collect_network_access(region.inventory))
        assert result.state is expected


async def test_dead_edge_gives_no_facts_at_all(region: Region) -> None:
    for collect in (collect_network_access, collect_region_endpoints):
        with pytest.raises(Unavailable):
            await collect(region.inventory)
