"""How the agent's own process runs."""

from stronghouse.agent.inventory import Inventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.responsibility.collectors.own_process import collect_own_process


async def collect_agent_process(inventory: Inventory) -> Json:
    """Facts about the agent's process."""
    place = f"region/{inventory.region}"
    return collect_own_process(place=place, target=f"agent of region {inventory.region}", clock=SystemClock()).to_json()
