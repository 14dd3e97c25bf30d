"""Taking in what a region says about its services."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stronghouse.audit.event import AuditEvent
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.regions import actions as regions
from stronghouse.services import events, store
from stronghouse.services.model import Service, ServiceState, Wanted
from stronghouse.services.publishing import DESIRED_KIND

GONE = "deleted"


@dataclass(frozen=True)
class Report:
    """One service as its region sees it: a state, the desired version that it reflects, why it failed."""

    service_id: str
    state: str
    version: int
    reason: str | None = None
    engine_version: str | None = None
    key_id: str | None = None


def take_reports(uow: UnitOfWork, *, region_id: str, reports: Sequence[Report]) -> None:
    """Bring the rows of a region's services up to date; a report of an older version than the wanted one is dropped."""
    for report in reports:
        service = store.find_in_region(uow.connection, region=region_id, service_id=report.service_id)
        if service is None or report.version < service.version:
            continue
        if report.state == GONE:
            _forget(uow, service)
        else:
            _update(uow, service, report)


def would_change(service: Service | None, report: Report) -> bool:
    """Whether a report says anything new; most do not, and those need no write transaction."""
    return (
        service is not None
        and report.version >= service.version
        and (report.state == GONE or _applied(service, report) != service)
    )


def _applied(service: Service, report: Report) -> Service:
    return dataclasses.replace(
        service,
        state=ServiceState(report.state),
        reason=report.reason,
        engine_version=report.engine_version or service.engine_version,
        key_id=report.key_id or service.key_id,
    )


def _forget(uow: UnitOfWork, service: Service) -> None:
    if service.wanted is not Wanted.DELETED:
        return  # nobody asked for that: the region is asked again for what is wanted
    regions.publish(uow, region_id=service.region, kind=DESIRED_KIND, resource_id=service.id, document=None)
    store.delete_service(uow.connection, service.id)
    uow.record(
        events.ServiceDestroyed(organization_id=service.organization_id, service_id=service.id, name=service.name)
    )


def _update(uow: UnitOfWork, service: Service, report: Report) -> None:
    changed = _applied(service, report)
    if changed == service:
        return
    store.update_service(uow.connection, changed)
    for event in _events(service, changed):
        uow.record(event)


def _events(before: Service, after: Service) -> Iterator[AuditEvent]:
    organization_id, service_id = after.organization_id, after.id
    if before.key_id != after.key_id:
        yield events.ServiceKeyAssigned(
            organization_id=organization_id, service_id=service_id, before=before.key_id, after=after.key_id
        )
    if before.state != after.state or before.reason != after.reason or before.key_id == after.key_id:
        yield _state_event(before, after)


def _state_event(before: Service, after: Service) -> AuditEvent:
    organization_id, service_id = after.organization_id, after.id
    if before.state != after.state:
        match after.state:
            case ServiceState.RUNNING:
                return events.ServiceRunning(
                    organization_id=organization_id, service_id=service_id, engine_version=after.engine_version
                )
            case ServiceState.IDLE:
                return events.ServiceIdled(organization_id=organization_id, service_id=service_id)
            case ServiceState.AWAKING:
                return events.ServiceAwakened(organization_id=organization_id, service_id=service_id)
    return events.ServiceStateReported(
        organization_id=organization_id,
        service_id=service_id,
        before=before.state.value,
        after=after.state.value,
        reason=after.reason,
    )
