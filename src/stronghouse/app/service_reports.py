"""Hands what agents report about services to the services area."""

from collections.abc import Callable, Sequence

from stronghouse.audit.event import Actor, ActorType, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.regions.protocol import ServiceStatus
from stronghouse.services import store
from stronghouse.services.reports import Report, take_reports, would_change


class ServiceReports:
    """Binds `regions.ports.ServiceStatusSink`."""

    def __init__(self, audit: AuditLog, *, changed: Callable[[str], None]) -> None:
        self._audit = audit
        self._changed = changed

    def report(self, region_id: str, statuses: Sequence[ServiceStatus]) -> None:
        """Store what is news; a heartbeat that says nothing new costs no write."""
        reports = [_report(status) for status in statuses]
        with self._audit.database.read() as connection:
            news = [
                report
                for report in reports
                if would_change(
                    store.find_in_region(connection, region=region_id, service_id=report.service_id), report
                )
            ]
        if news:
            context = Context(Actor(ActorType.SYSTEM, f"region/{region_id}", f"Agent of region {region_id}"))
            with self._audit.unit_of_work(context) as uow:
                take_reports(uow, region_id=region_id, reports=news)
            self._changed(region_id)


def _report(status: ServiceStatus) -> Report:
    return Report(
        service_id=status.id,
        state=status.state,
        version=status.version,
        reason=status.reason,
        engine_version=status.engine_version,
        key_id=status.key.key_id if status.key else None,
    )
