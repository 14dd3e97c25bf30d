"""What the agent tells of the machine that it runs on."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from stronghouse.agent.inventory import Inventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Unavailable
from stronghouse.responsibility.collectors.host.collect import HOST_COLLECTORS, collect_host
from stronghouse.responsibility.collectors.host.subject import Subject, declared_ports
from stronghouse.responsibility.collectors.host.view import HostView
from stronghouse.responsibility.facts import Facts
from stronghouse.settings.environment import HOST_PORTS, HOST_ROOT, variable


def host_collectors() -> Mapping[str, Callable[[Inventory], Awaitable[Json]]]:
    """All collectors of the machine, by name."""
    return {name: _collector(name) for name in HOST_COLLECTORS}


def _collector(name: str) -> Callable[[Inventory], Awaitable[Json]]:
    looking = threading.Lock()

    def look(**how: Any) -> Facts:  # noqa: ANN401 - the arguments of collect_host
        # A user's file system that never answers (FUSE) holds one thread of the agent's, and not all of them.
        if not looking.acquire(blocking=False):
            raise Unavailable("The look before this one has not ended yet.")
        try:
            return collect_host(**how)
        finally:
            looking.release()

    async def collect(inventory: Inventory) -> Json:
        facts = await asyncio.to_thread(
            look,
            name=name,
            view=HostView(Path(variable(HOST_ROOT) or "/")),
            subject=Subject(state_directory=inventory.state_directory, declared=declared_ports(variable(HOST_PORTS))),
            target=f"machine of region {inventory.region}",
            clock=SystemClock(),
        )
        return facts.to_json()

    return collect
