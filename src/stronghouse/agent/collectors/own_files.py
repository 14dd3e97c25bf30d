"""Who may reach the agent's own files and its machine key."""

import asyncio
import os

from stronghouse.agent.directories import Directories
from stronghouse.agent.inventory import Inventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.responsibility.collectors.own_files import OwnFiles, collect_own_files


async def collect_region_files(inventory: Inventory) -> Json:
    """Facts about what the agent keeps."""
    facts = await asyncio.to_thread(
        collect_own_files, own_files(inventory), target=f"files of region {inventory.region}", clock=SystemClock()
    )
    return facts.to_json()


def own_files(inventory: Inventory) -> OwnFiles:
    """The agent's directory, its logs, its sockets where those lie elsewhere, and the machine key."""
    root = inventory.state_directory / "agent"
    homes = Directories(root).services
    sockets = {service.socket.parent.parent for service in inventory.services}
    owned = {service.data_directory: service.spec.uid for service in inventory.services}
    traversable = [root, homes, *(service.data_directory.parent for service in inventory.services)]
    return OwnFiles(
        area=f"region/{inventory.region}",
        roots=[root, inventory.log_directory, *(one for one in sorted(sockets) if not one.is_relative_to(root))],
        single=[inventory.machine_key_file],
        traversable=traversable if os.geteuid() == 0 else (),
        owners={directory: uid for directory, uid in owned.items() if uid is not None},
        shallow=[service.data_directory for service in inventory.services],
    )
