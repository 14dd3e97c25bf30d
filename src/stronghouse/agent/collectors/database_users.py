"""How many database users each running service has, how they prove who they are, and whether the kernel confines them.

Counts only: no name of a user leaves the region.
"""

import asyncio

from stronghouse.agent.collectors.region_facts import RUNNING_STATE, region_facts, service_resource, services
from stronghouse.agent.inventory import Inventory, ServiceInventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Unavailable

VERSION = 1
METHOD = (
    "Each running worker is asked how many users and roles its catalogue holds, how many ways to sign in there are of "
    "each kind, and how many of them are SHA-256 hashes without a salt; whether Landlock confines it is what it told "
    "when it started."
)


async def collect_database_users(inventory: Inventory) -> Json:
    """Facts about each service. One that does not run is not woken."""
    collected_at = SystemClock().now()
    resources = await asyncio.gather(*(_service(service) for service in services(inventory)))
    return region_facts(
        inventory,
        collector="database_users",
        version=VERSION,
        method=METHOD,
        collected_at=collected_at,
        resources=resources,
    )


async def _service(service: ServiceInventory) -> dict[str, Json]:
    worker = service.worker
    if service.state != RUNNING_STATE or worker is None:
        return service_resource(service, running=False, problem=None, landlock=False, counts=None)
    landlock = worker.sandbox.landlock_abi > 0
    try:
        report = await worker.access()
    except Unavailable as error:
        return service_resource(service, running=True, problem=error.public, landlock=landlock, counts=None)
    counts: dict[str, Json] = {
        "users": report.users,
        "roles": report.roles,
        "methods": {**report.methods},
        "unsalted": report.unsalted,
        "any_host": report.any_host,
    }
    return service_resource(service, running=True, problem=None, landlock=landlock, counts=counts)
