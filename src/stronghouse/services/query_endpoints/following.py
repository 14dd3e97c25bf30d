"""Query endpoints follow their keys and their services, whoever changes those.

A key that is disabled, narrowed, given another end or deleted is so at the queries host too, by the same transaction.
"""

from collections.abc import Sequence

from stronghouse.access.events import KeyDeleted, KeyUpdated
from stronghouse.audit.event import AuditEvent
from stronghouse.audit.unit_of_work import AuditLog, UnitOfWork
from stronghouse.services import store as services
from stronghouse.services.events import ServiceDeleteRequested
from stronghouse.services.ports import Jobs
from stronghouse.services.query_endpoints import actions, events, store

OF_NO_MATTER = frozenset({"name-changed", "role-changed"})
"""Changes of a key that its use at the queries host does not depend on."""


def follow(audit: AuditLog, jobs: Jobs) -> None:
    """From now on, what happens to keys and services reaches the query endpoints, and `jobs` tells the regions."""

    def tell(recorded: Sequence[AuditEvent]) -> None:
        named = {
            (event.organization_id, event.service_id)
            for event in recorded
            if isinstance(event, events.QueryEndpointDeleted | events.QueryEndpointKeyRemoved) or _matters(event)
        }
        if not named:
            return
        with audit.database.read() as connection:
            regions = {service.region for service in services.every_service(connection)}
        for region in sorted(regions):
            jobs.notify(region)

    audit.followers.append(_follow)
    audit.listeners.append(tell)


def _matters(event: AuditEvent) -> bool:
    return isinstance(event, KeyUpdated) and event.change not in OF_NO_MATTER


def _follow(uow: UnitOfWork, event: AuditEvent) -> None:
    if isinstance(event, ServiceDeleteRequested) and event.organization_id and event.service_id:
        endpoint = store.find(uow.connection, organization_id=event.organization_id, service_id=event.service_id)
        if endpoint is not None:
            actions.delete_endpoint(uow, organization_id=event.organization_id, service_id=event.service_id)
    if not (isinstance(event, KeyDeleted) or (isinstance(event, KeyUpdated) and _matters(event))):
        return
    if event.organization_id is None:
        return
    for named in store.naming_key(uow.connection, organization_id=event.organization_id, key_id=event.key_id):
        gone = isinstance(event, KeyDeleted)
        endpoint = actions.remove_key(uow, named, event.key_id) if gone else named
        service = services.find(
            uow.connection, organization_id=endpoint.organization_id, service_id=endpoint.service_id
        )
        if service is not None:
            actions.publish(uow, endpoint, region_id=service.region)
