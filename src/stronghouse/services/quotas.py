"""How much of something an organization may have, and has: the limits that creating and scaling services enforce."""

from dataclasses import dataclass

from sqlalchemy import Connection

from stronghouse.kernel.errors import NotFound
from stronghouse.regions.actions import find_regions
from stronghouse.services import store
from stronghouse.services.model import REPLICAS, SLOTS


@dataclass(frozen=True)
class Quota:
    """One limit.

    Attributes:
        code: the Cloud API's name for it.
        scope: `organization`, or `warehouse` for each service by itself.
        value: the most there can be now.
        usage: how many there are; None where nothing is counted.
    """

    code: str
    name: str
    description: str
    scope: str
    value: int
    usage: int | None


def find_quotas(connection: Connection, organization_id: str) -> list[Quota]:
    """Every quota of an organization. There are no PostgreSQL services, so there is no quota of them."""
    used = len(store.find_all(connection, organization_id=organization_id))
    free = sum(SLOTS - len(store.taken_slots(connection, region=region.id)) for region in find_regions(connection))
    return [
        Quota(
            code="services-per-organization",
            name="Services",
            description=f"Services that the organization has and can still make: a region has {SLOTS} ports for "
            "services, which all organizations share.",
            scope="organization",
            value=used + free,
            usage=used,
        ),
        Quota(
            code="replicas-per-warehouse",
            name="Replicas of a service",
            description="An embedded service is one process.",
            scope="warehouse",
            value=REPLICAS,
            usage=None,
        ),
    ]


def find_quota(connection: Connection, organization_id: str, code: str) -> Quota:
    """One quota; raises NotFound, with the codes there are."""
    quotas = find_quotas(connection, organization_id)
    for quota in quotas:
        if quota.code == code:
            return quota
    raise NotFound(f"There is no such quota here; there are {' and '.join(quota.code for quota in quotas)}.")
