"""What a service may use: its memory limit, its sleep, and the schedule by which both change.

An embedded service is one process with one memory limit. Whatever asks for several replicas, or for a range within
which memory would follow the load, is refused by name.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog, UnitOfWork
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.services import events, store
from stronghouse.services.model import REPLICAS, Service, Wanted
from stronghouse.services.ports import Jobs
from stronghouse.services.publishing import find_service, refuse_while_deleting, save
from stronghouse.services.requests import check_idle_timeout, check_memory
from stronghouse.services.schedule import ScheduleEntry, active_entry, check_schedule

VERTICAL = "vertical"


@dataclass(frozen=True)
class LimitsChange:
    """A change of a service's own limits; None leaves one as it is. Fields as in Limits."""

    memory_gb: int | None = None
    idle_scaling: bool | None = None
    idle_timeout_minutes: int | None = None


def one_limit(minimum_gb: int | None, maximum_gb: int | None) -> int | None:
    """The one memory limit that two bounds ask for; None where neither is given. Raises Invalid if they differ."""
    if minimum_gb is not None and maximum_gb is not None and minimum_gb != maximum_gb:
        raise Invalid(
            "An embedded service has one memory limit, which does not follow the load: give the least and the most "
            "memory the same value.",
            code="memory_range_unsupported",
        )
    return minimum_gb if maximum_gb is None else maximum_gb


def check_replicas(*counts: int | None, mode: str | None) -> None:
    """Raise Invalid if more than one replica is asked for, or that their number follow the load."""
    if any(count is not None and count != REPLICAS for count in counts):
        raise Invalid(
            "An embedded service is one process, so it has one replica.",
            code="replicas_unsupported",
        )
    if mode is not None and mode != VERTICAL:
        raise Invalid("An embedded service has one replica, so autoscalingMode is vertical.", code="mode_unsupported")


def change_limits(uow: UnitOfWork, change: LimitsChange, *, organization_id: str, service_id: str) -> Service:
    """Change a service's own limits; the same again changes and records nothing.

    The region starts the engine anew with another memory limit; what is asked meanwhile waits. While an entry of the
    schedule is active, the entry's limits hold and these count afterwards.

    Raises:
        Invalid: a limit is out of bounds.
        Conflict: the service is being deleted.
    """
    service = find_service(uow, organization_id=organization_id, service_id=service_id)
    refuse_while_deleting(service)
    given = {name: value for name, value in dataclasses.asdict(change).items() if value is not None}
    changed = dataclasses.replace(service, **given)
    if changed == service:
        return service
    check_memory(changed.memory_gb)
    check_idle_timeout(changed.idle_timeout_minutes)
    _record(uow, service, changed)
    return save(uow, changed)


def replace_schedule(
    uow: UnitOfWork, entries: Sequence[ScheduleEntry], *, organization_id: str, service_id: str, now: datetime
) -> Service:
    """Put a schedule in place of the one that there is, or of none; the entry for this moment is in force at once.

    Raises:
        Invalid: an entry is wrong, or two share an hour.
        Conflict: the service is being deleted.
    """
    service = find_service(uow, organization_id=organization_id, service_id=service_id)
    refuse_while_deleting(service)
    check_schedule(entries)
    before, after = [_line(entry) for entry in service.schedule], [_line(entry) for entry in entries]
    if before == after:
        return service
    uow.record(
        events.ServiceScheduleChanged(
            organization_id=organization_id, service_id=service_id, before=before, after=after
        )
    )
    return _follow(uow, dataclasses.replace(service, schedule=tuple(entries), active_entry_id=None), now=now)


def delete_schedule(uow: UnitOfWork, *, organization_id: str, service_id: str, now: datetime) -> Service:
    """Remove a service's schedule; its own limits hold at once. Raises NotFound when there is none."""
    if not find_service(uow, organization_id=organization_id, service_id=service_id).schedule:
        raise NotFound("This service has no scaling schedule.")
    return replace_schedule(uow, (), organization_id=organization_id, service_id=service_id, now=now)


def follow_schedules(audit: AuditLog, jobs: Jobs, *, now: datetime) -> int:
    """Bring every service to the entry for this moment; how many changed. It may be called at any time, again too."""
    with audit.database.read() as connection:
        due = [service for service in store.with_schedule(connection) if _is_due(service, now)]
    for service in due:
        with audit.unit_of_work(Context(SYSTEM)) as uow:
            current = store.find(uow.connection, organization_id=service.organization_id, service_id=service.id)
            if current is None or not _is_due(current, now):
                continue
            entry = active_entry(current.schedule, now)
            changed = _follow(uow, current, now=now)
            uow.record(
                events.ServiceScheduleFollowed(
                    organization_id=service.organization_id,
                    service_id=service.id,
                    entry=None if entry is None else entry.name,
                    **dataclasses.asdict(changed.limits),
                )
            )
        jobs.notify(service.region)
    return len(due)


def _is_due(service: Service, now: datetime) -> bool:
    return service.wanted is not Wanted.DELETED and service.active_entry_id != _active_id(service, now)


def _active_id(service: Service, now: datetime) -> str | None:
    entry = active_entry(service.schedule, now)
    return None if entry is None else entry.id


def _follow(uow: UnitOfWork, service: Service, *, now: datetime) -> Service:
    return save(uow, dataclasses.replace(service, active_entry_id=_active_id(service, now)))


def _record(uow: UnitOfWork, before: Service, after: Service) -> None:
    if before.memory_gb != after.memory_gb:
        uow.record(
            events.ServiceMemoryChanged(
                organization_id=before.organization_id,
                service_id=before.id,
                before=before.memory_gb,
                after=after.memory_gb,
            )
        )
    if (before.idle_scaling, before.idle_timeout_minutes) != (after.idle_scaling, after.idle_timeout_minutes):
        uow.record(
            events.ServiceIdlingChanged(
                organization_id=before.organization_id,
                service_id=before.id,
                idle_scaling=after.idle_scaling,
                before=before.idle_timeout_minutes,
                after=after.idle_timeout_minutes,
            )
        )


def _line(entry: ScheduleEntry) -> str:
    """An entry as the audit log has it; the id is not part of what somebody wanted."""
    days = "".join(str(day) for day in sorted(entry.weekdays))
    limits = {
        "memory_gb": entry.memory_gb,
        "idle_scaling": entry.idle_scaling,
        "idle_timeout_minutes": entry.idle_timeout_minutes,
    }
    told = ", ".join(f"{name} {value}" for name, value in limits.items() if value is not None) or "no change"
    return f"{entry.name}: weekdays {days} {entry.start_hour}-{entry.end_hour} UTC: {told}"
