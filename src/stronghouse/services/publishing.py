"""How a changed service reaches its region: its row and the region's desired state change in one transaction."""

import dataclasses

from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Conflict
from stronghouse.kernel.networks import parse_source
from stronghouse.regions import actions as regions
from stronghouse.services import store
from stronghouse.services.model import Service, Wanted

DESIRED_KIND = "service"


def find_service(uow: UnitOfWork, *, organization_id: str, service_id: str) -> Service:
    """An organization's service; raises NotFound."""
    return store.require(uow.connection, organization_id=organization_id, service_id=service_id)


def refuse_while_deleting(service: Service) -> None:
    """Raise Conflict for a service that is to end: nothing of it can be changed any more."""
    if service.wanted is Wanted.DELETED:
        raise Conflict(f"The service is being deleted. Current state: '{service.state}'.", code="service_terminating")


def save(uow: UnitOfWork, service: Service) -> Service:
    """Store a changed service and give the region its wish."""
    published = publish(uow, service)
    store.update_service(uow.connection, published)
    return published


def publish(uow: UnitOfWork, service: Service) -> Service:
    """Give the region its wish; the version that it gets is the one whose reports count."""
    limits = service.limits
    document: dict[str, Json] = {
        "id": service.id,
        "organization_id": service.organization_id,
        "name": service.name,
        "state": service.wanted.value,
        "slot": service.slot,
        "hosts": ["localhost"],
        "ip_access": [str(parse_source(entry.source)) for entry in service.ip_access],
        "username": service.username,
        "password_sha256": service.password_sha256,
        "idle_scaling": limits.idle_scaling,
        "idle_timeout_minutes": limits.idle_timeout_minutes,
        "memory_gb": limits.memory_gb,
    }
    if service.settings:  # an agent of the version before refuses what it does not know, and there it has to
        document["settings"] = {**service.settings}
    version = regions.publish(
        uow, region_id=service.region, kind=DESIRED_KIND, resource_id=service.id, document=document
    )
    return dataclasses.replace(service, version=version)
