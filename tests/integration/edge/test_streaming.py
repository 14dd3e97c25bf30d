"""Bodies stream through the edge without piling up in it; workers may restart behind it."""

import asyncio
import contextlib
import socket
import time
from pathlib import Path

from tests.integration.edge.client import Client
from tests.integration.edge.conftest import Site

MEBIBYTE = 2**20


async def test_64_mib_body_streams_and_is_not_held_in_memory(site: Site) -> None:
    client = await site.client("a")
    await client.request()
    before = _private_memory(site)
    site.a.reading.clear()
    await client.send(method="POST", headers={"Content-Length": str(64 * MEBIBYTE)})
    sending = asyncio.create_task(_send(client, 64))
    await asyncio.sleep(0.5)
    assert not sending.done(), "the edge took in a body that nobody reads"
    assert _private_memory(site) - before < 8 * MEBIBYTE
    site.a.reading.set()
    await sending
    assert (await client.answer()).status == 200
    assert site.a.received == 64 * MEBIBYTE
    assert _private_memory(site) - before < 8 * MEBIBYTE


async def test_answer_reaches_the_client_chunk_by_chunk(site: Site) -> None:
    client = await site.client("a")
    begun = time.monotonic()
    await client.send("/stream")
    await client.head()
    assert await client.chunk() == b"0000"
    assert time.monotonic() - begun < 1


async def test_request_waits_for_a_worker_that_is_just_restarting(site: Site) -> None:
    client = await site.client("a")
    await site.a.stop()
    await client.send(method="POST", body=b"x" * 1000)
    await asyncio.sleep(0.3)
    await site.a.start()
    assert (await client.answer()).status == 200
    assert site.a.requests == 1


async def test_requests_queue_in_and_beyond_the_backlog_while_a_worker_wakes(site: Site) -> None:
    await site.a.stop()
    with contextlib.chdir(site.a.socket.parent), socket.socket(socket.AF_UNIX) as held:
        held.bind(site.a.socket.name)
        held.listen(1)
        clients = [await site.client("a") for _ in range(6)]
        for client in clients:
            await client.send(method="POST", body=b"x" * 1000)
        await asyncio.sleep(0.3)
        await site.a.start(held.dup())
        assert [(await client.answer()).status for client in clients] == [200] * 6
    assert site.a.requests == 6


async def test_absent_worker_gives_a_clear_503(site: Site) -> None:
    await site.a.stop()
    answer = await (await site.client("a")).request()
    assert answer.status == 503
    assert answer.body == b"The service did not answer; try again.\n"


async def _send(client: Client, mebibytes: int) -> None:
    for _ in range(mebibytes):
        client.writer.write(b"x" * MEBIBYTE)
        await client.writer.drain()


def _private_memory(site: Site) -> int:
    lines = Path(f"/proc/{site.edge.pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_Dirty"))
