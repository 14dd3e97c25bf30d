"""What the collectors of a region share: the envelope of their facts, and which services there are to look at."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from stronghouse.agent.inventory import Inventory, ServiceInventory
from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.facts import Facts, Resource

SERVED_STATES = frozenset({"running", "idle", "awaking"})
"""Services that a client ought to reach: those that sleep are woken by the connection."""
RUNNING_STATE = "running"


def region_facts(
    inventory: Inventory,
    *,
    collector: str,
    version: int,
    method: str,
    collected_at: datetime,
    resources: Iterable[Mapping[str, Json]],
) -> Json:
    """Facts about this region as JSON."""
    return Facts(
        collector=collector,
        version=version,
        method=method,
        target=f"region {inventory.region}",
        collected_at=collected_at,
        resources=tuple(Resource(fields) for fields in resources),
    ).to_json()


def services(inventory: Inventory) -> list[ServiceInventory]:
    """The services that have, or may have, anything on this agent."""
    return [service for service in inventory.services if service.state not in {"deleting", "deleted"}]


def service_resource(service: ServiceInventory, **fields: Json) -> dict[str, Json]:
    """A resource about one service."""
    return {
        "id": f"service/{service.id}",
        "kind": "service",
        "service_id": service.id,
        "state": service.state,
        **fields,
    }
