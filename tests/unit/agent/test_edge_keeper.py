"""What the edge rejects does not keep other hosts open."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Sequence

import pytest

from stronghouse.agent.edge_keeper import EdgeKeeper
from stronghouse.edge.configuration import DirectAnswer, VirtualHost
from stronghouse.kernel.errors import Internal
from stronghouse.kernel.networks import parse_source
from stronghouse.kernel.secret import Secret

OPEN = (parse_source("192.0.2.0/24"),)


def host(name: str, port: int) -> VirtualHost:
    answer = DirectAnswer(200, "x")
    return VirtualHost(
        name=name,
        port=port,
        server_name="localhost",
        hosts=(f"localhost:{port}",),
        answer=answer,
        allow=OPEN,
        log_name=name,
    )


class FussyEdge:
    """Rejects any configuration in which the host `bad` lets somebody in."""

    def __init__(self) -> None:
        self.served: Sequence[VirtualHost] = ()
        self.attempts = 0

    async def set_certificate(self, _certificate: bytes, _key: Secret) -> None:
        return

    async def apply(self, hosts: Sequence[VirtualHost]) -> None:
        self.attempts += 1
        if any(one.name == "bad" and one.allow for one in hosts):
            raise Internal("Envoy rejected it.")
        self.served = tuple(hosts)

    async def start(self) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize("narrowed", [(), OPEN])
async def test_a_rejected_host_closes_itself_and_what_changed_with_it(narrowed: tuple[object, ...]) -> None:
    edge = FussyEdge()
    steady, changing, bad = host("steady", 1001), host("changing", 1002), host("bad", 1003)
    wanted: list[VirtualHost] = [steady, changing]
    keeper = EdgeKeeper(edge, wanted=lambda: (1, wanted), applied=lambda _version: None)  # type: ignore[arg-type]
    task = asyncio.create_task(keeper.run())
    await keeper.set_certificate(b"", Secret(""))
    keeper.poke()
    while edge.served != (steady, changing):
        await asyncio.sleep(0.01)
    wanted[1:] = [dataclasses.replace(changing, allow=narrowed), bad]  # type: ignore[arg-type]
    keeper.poke()
    while edge.attempts < 3:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)
    allowed = {one.name: one.allow for one in edge.served}
    assert allowed == {"steady": OPEN, "changing": narrowed, "bad": ()}
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
