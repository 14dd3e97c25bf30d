"""Who gets in, and what a changed list does to connections, streams and other services (design.md section 2)."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network

from stronghouse.edge.configuration import DirectAnswer
from tests.integration.edge.client import Client
from tests.integration.edge.conftest import Site


async def test_denied_address_gets_403_with_a_reason_and_never_reaches_the_worker(site: Site) -> None:
    client = await site.client("a", source="127.0.0.5")
    answer = await client.request()
    assert answer.status == 403
    assert "127.0.0.5" in answer.body.decode()
    assert answer.raw.lower().count("x-content-type-options") == 1
    assert site.a.connections == 0


async def test_narrowed_list_holds_on_kept_alive_connections_and_disturbs_nobody_else(site: Site) -> None:
    both = replace(site.hosts["a"], allow=(ip_network("127.0.0.1/32"), ip_network("127.0.0.2/32")))
    await site.change(both)
    denied = await site.client("a", source="127.0.0.2")
    streaming = await site.client("a")
    other = await site.client("b", source="127.0.0.1")
    assert (await denied.request()).status == 200
    await streaming.send("/stream")
    assert (await streaming.head())[0] == 200
    before = time.monotonic()
    narrowing = asyncio.create_task(site.change(replace(both, allow=(ip_network("127.0.0.1/32"),))))
    while (await denied.request()).status == 200:
        assert (await other.request()).status == 200
        assert time.monotonic() - before < 0.5
    await narrowing
    assert time.monotonic() - before < 0.5
    assert (await denied.request()).status == 403
    chunks = [chunk async for chunk in _chunks(streaming)]
    assert chunks[-1] == b"0059", "the running stream was cut"
    answer = await other.request()
    assert answer.status == 200
    assert "close" not in answer.headers.get("connection", "")


async def test_ipv6_clients_are_held_to_ipv6_entries(site: Site) -> None:
    client = await site.client("a", source="::1", address="::1")
    assert (await client.request()).status == 200
    await site.change(replace(site.hosts["a"], allow=(ip_network("127.0.0.0/8"), ip_network("2001:db8::/32"))))
    assert (await client.request()).status == 403
    await site.change(replace(site.hosts["a"], allow=(ip_network("::/64"),)))
    assert (await client.request()).status == 200


async def test_empty_list_is_nobody_and_no_list_is_anyone(site: Site) -> None:
    client = await site.client("a")
    await site.change(replace(site.hosts["a"], allow=()))
    assert (await client.request()).status == 403
    await site.change(replace(site.hosts["a"], allow=None))
    assert (await client.request()).status == 200


async def test_stopped_service_answers_503_to_allowed_addresses_only(site: Site) -> None:
    stopped = DirectAnswer(503, '{"error": "The service is 100% stopped."}', "application/json")
    await site.change(replace(site.hosts["a"], upstream=None, answer=stopped))
    answer = await (await site.client("a")).request(method="POST", body=b"x" * 1000)
    assert (answer.status, answer.headers["content-type"]) == (503, "application/json")
    assert answer.body.decode() == stopped.body
    denied = await (await site.client("a", source="127.0.0.9")).request()
    assert denied.status == 403


async def test_effective_access_is_what_envoy_enforces(site: Site) -> None:
    await site.change(replace(site.hosts["b"], allow=None))
    assert await site.edge.effective_access() == {"a": ("127.0.0.1/32", "::1/128"), "b": None}
    await site.change(replace(site.hosts["a"], allow=()), replace(site.hosts["b"], allow=(ip_network("10.0.0.0/8"),)))
    assert await site.edge.effective_access() == {"a": (), "b": ("10.0.0.0/8",)}


async def _chunks(client: Client) -> AsyncIterator[bytes]:
    while chunk := await client.chunk():
        yield chunk
