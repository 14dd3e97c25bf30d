"""What the agent's environment consists of, and which engine its workers run."""

import asyncio

from stronghouse.agent.inventory import Inventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.responsibility.collectors.components import collect_components


async def collect_region_components(inventory: Inventory) -> Json:
    """The inventory of the agent's environment, in which the workers run too."""
    facts = await asyncio.to_thread(
        collect_components, target=f"region {inventory.region}", engine_runs_here=True, clock=SystemClock()
    )
    return facts.to_json()
