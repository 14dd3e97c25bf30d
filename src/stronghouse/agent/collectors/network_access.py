"""Who may reach each service: as declared, and as Envoy itself says that it enforces."""

from stronghouse.agent.collectors.region_facts import SERVED_STATES, region_facts, service_resource, services
from stronghouse.agent.inventory import Inventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock

VERSION = 1
METHOD = "The access rules in the answer of Envoy's admin interface to GET /config_dump, beside the declared lists."


async def collect_network_access(inventory: Inventory) -> Json:
    """Facts about each service; raises Unavailable when Envoy does not answer."""
    collected_at = SystemClock().now()
    effective = await inventory.edge.effective_access()
    resources = []
    for service in services(inventory):
        served = service.id in effective
        enforced = effective.get(service.id)
        resources.append(
            service_resource(
                service,
                declared=[*sorted(str(block) for block in service.ip_access)],
                enforced=None if enforced is None else [*enforced],
                served=served,
                expected=service.state in SERVED_STATES,
            )
        )
    return region_facts(
        inventory,
        collector="network_access",
        version=VERSION,
        method=METHOD,
        collected_at=collected_at,
        resources=resources,
    )
