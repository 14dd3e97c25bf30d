"""Where the data, the key and the logs of each service lie: on a disk of this machine, or somewhere else."""

import asyncio
from pathlib import Path

from stronghouse.agent.collectors.region_facts import region_facts, service_resource, services
from stronghouse.agent.inventory import Inventory, ServiceInventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock

VERSION = 1
METHOD = (
    "The real path of each service's data, its wrapped key and the agent's logs, and the type of the file system that "
    "holds it by the longest matching mount point of /proc/self/mounts."
)
MOUNTS = Path("/proc/self/mounts")


async def collect_service_places(inventory: Inventory) -> Json:
    """Facts about each service, running or not."""
    collected_at = SystemClock().now()
    mounts = await asyncio.to_thread(read_mounts, MOUNTS)
    resources = [await asyncio.to_thread(_service, service, inventory, mounts) for service in services(inventory)]
    return region_facts(
        inventory,
        collector="service_places",
        version=VERSION,
        method=METHOD,
        collected_at=collected_at,
        resources=resources,
    )


def _service(service: ServiceInventory, inventory: Inventory, mounts: dict[Path, str]) -> dict[str, Json]:
    state = inventory.state_directory.resolve()
    places: list[Json] = []
    for what, path in (
        ("data", service.data_directory),
        ("wrapped key", service.wrapped_key),
        ("log", inventory.log_directory),
    ):
        if path.exists():
            real = path.resolve()
            places.append(
                {
                    "what": what,
                    "path": str(real),
                    "in_state_directory": real.is_relative_to(state),
                    "file_system": file_system(real, mounts),
                }
            )
    return service_resource(service, region=inventory.region, exists=service.data_directory.exists(), places=places)


def read_mounts(table: Path) -> dict[Path, str]:
    """The type of the file system on each mount point; a later mount hides an earlier one."""
    lines = (line.split(" ") for line in table.read_text().splitlines())
    return {Path(fields[1].encode().decode("unicode_escape")): fields[2] for fields in lines if len(fields) > 2}  # noqa: PLR2004 - fstab(5): device, point, type


def file_system(path: Path, mounts: dict[Path, str]) -> str:
    """The type of the file system that holds `path`."""
    holding = [point for point in mounts if path.is_relative_to(point)]
    return mounts[max(holding, key=lambda point: len(point.parts))] if holding else "unknown"
