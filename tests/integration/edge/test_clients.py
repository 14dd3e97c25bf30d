"""Who is connected to the edge, as the kernel tells."""

import asyncio

import pytest

from stronghouse.agent import connections
from stronghouse.agent.connections import connections_to
from stronghouse.edge.edge import Edge
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Unavailable
from tests.integration.edge.conftest import Site


async def counted(site: Site, name: str, expected: dict[str, int]) -> None:
    """Wait until these are the connections to a virtual host's port: Envoy accepts and closes in its own time."""
    found: dict[str, int] = {}
    for _ in range(100):
        found = dict(await site.edge.clients(site.port(name)))
        if found == expected:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"{found} and not {expected}")


async def test_open_connections_are_counted_by_address_for_ipv4_and_ipv6(site: Site) -> None:
    assert await site.edge.clients(site.port("a")) == {}
    first, second = await site.client("a"), await site.client("a")
    await site.client("a", source="::1", address="::1")
    await site.client("b", source="127.0.0.9")
    for client in (first, second):
        assert (await client.request()).status == 200
    await counted(site, "a", {"127.0.0.1": 2, "::1": 1})
    await counted(site, "b", {"127.0.0.9": 1})
    await first.close()
    await counted(site, "a", {"127.0.0.1": 1, "::1": 1})


async def test_an_address_that_gets_403_is_connected_all_the_same(site: Site) -> None:
    client = await site.client("a", source="127.0.0.9")
    assert (await client.request()).status == 403
    await counted(site, "a", {"127.0.0.9": 1})


async def test_the_region_names_the_busiest_addresses_and_says_when_there_are_more(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_ADDRESSES", 2)
    clients = [await site.client("a", source=source) for source in ("127.0.0.2", "127.0.0.3", "127.0.0.3", "127.0.0.4")]
    await counted(site, "a", {"127.0.0.2": 1, "127.0.0.3": 2, "127.0.0.4": 1})
    told = await connections_to(site.edge, site.port("a"), clock=SystemClock())
    assert isinstance(told, dict)
    assert told["connections"] == [
        {"address": "127.0.0.3", "connections": 2},
        {"address": "127.0.0.2", "connections": 1},
    ]
    assert told["complete"] is False
    await clients[0].close()
    await counted(site, "a", {"127.0.0.3": 2, "127.0.0.4": 1})
    told = await connections_to(site.edge, site.port("a"), clock=SystemClock())
    assert isinstance(told, dict)
    assert told["complete"] is True


async def test_an_edge_that_does_not_run_has_no_answer(site: Site) -> None:
    with pytest.raises(Unavailable, match="not running"):
        await Edge(directory=site.directory / "other", log_directory=site.log_directory).clients(1)
    await site.edge.stop(grace=0)
    with pytest.raises(Unavailable, match="not running"):
        await site.edge.clients(site.port("a"))
