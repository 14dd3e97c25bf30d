"""What the agent, its edge and its workers listen on."""

import asyncio

from stronghouse.agent.inventory import Inventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.responsibility.collectors.listening_sockets import collect_listening_sockets


async def collect_region_sockets(inventory: Inventory) -> Json:
    """Facts about the agent's process and everything below it."""
    facts = await asyncio.to_thread(
        collect_listening_sockets, target=f"processes of region {inventory.region}", clock=SystemClock()
    )
    return facts.to_json()
