"""`/v1/organizations/{organization}/services/{service}/…`: memory, sleep, and the schedule by which they change."""

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body, WholeNumber
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.api.service_view import TOTAL, schedule_view, view
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.kernel.ids import new_id, parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.services import store
from stronghouse.services.scaling import (
    LimitsChange,
    change_limits,
    check_replicas,
    delete_schedule,
    one_limit,
    replace_schedule,
)
from stronghouse.services.schedule import MAX_ENTRIES, ScheduleEntry

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/services/{service_id}")


class Scaling(Body):
    """What every request about limits may ask for."""

    autoscalingMode: str | None = None  # noqa: N815 - the wire's names
    numReplicas: WholeNumber | None = None  # noqa: N815
    minReplicas: WholeNumber | None = None  # noqa: N815
    maxReplicas: WholeNumber | None = None  # noqa: N815
    idleScaling: bool | None = None  # noqa: N815
    idleTimeoutMinutes: WholeNumber | None = None  # noqa: N815
    minReplicaMemoryGb: WholeNumber | None = None  # noqa: N815
    maxReplicaMemoryGb: WholeNumber | None = None  # noqa: N815

    def change(self) -> LimitsChange:
        """The change that is asked for; raises Invalid for what one process cannot do."""
        check_replicas(self.numReplicas, self.minReplicas, self.maxReplicas, mode=self.autoscalingMode)
        memory = one_limit(self.minReplicaMemoryGb, self.maxReplicaMemoryGb)
        return LimitsChange(memory, self.idleScaling, self.idleTimeoutMinutes)


class TotalScaling(Scaling):
    """The deprecated form, in which memory is that of three replicas."""

    minTotalMemoryGb: WholeNumber | None = None  # noqa: N815
    maxTotalMemoryGb: WholeNumber | None = None  # noqa: N815

    def change(self) -> LimitsChange:
        """As above."""
        total = one_limit(self.minTotalMemoryGb, self.maxTotalMemoryGb)
        if total is None:
            return super().change()
        if total % TOTAL:
            raise Invalid("Total memory is a multiple of 12 GB: three times that of a replica.", code="memory_invalid")
        self.minReplicaMemoryGb = self.maxReplicaMemoryGb = total // TOTAL
        return super().change()


class EntryPost(Scaling):
    """One entry of a schedule."""

    name: str
    weekdays: list[int] = Field(max_length=7)
    startHourUtc: WholeNumber  # noqa: N815
    endHourUtc: WholeNumber  # noqa: N815

    def entry(self) -> ScheduleEntry:
        """The entry under an id of its own."""
        limits = self.change()
        return ScheduleEntry(
            id=new_id(),
            name=self.name.strip(),
            weekdays=tuple(sorted(set(self.weekdays))),
            start_hour=self.startHourUtc,
            end_hour=self.endHourUtc,
            memory_gb=limits.memory_gb,
            idle_scaling=limits.idle_scaling,
            idle_timeout_minutes=limits.idle_timeout_minutes,
        )


class SchedulePost(Body):
    """A whole schedule; without entries there is none any more."""

    entries: list[EntryPost] = Field(max_length=MAX_ENTRIES)


@router.patch("/replicaScaling")
@access(Permission.SCALING_MANAGE)
def change_replica_scaling(request: Request, organization_id: str, service_id: str, body: Scaling) -> Response:
    """Change a service's memory limit and its sleep."""
    return _changed(request, organization_id, service_id, body.change())


@router.patch("/scaling")
@access(Permission.SCALING_MANAGE)
def change_scaling(request: Request, organization_id: str, service_id: str, body: TotalScaling) -> Response:
    """The deprecated form of the same."""
    return _changed(request, organization_id, service_id, body.change())


@router.get("/scalingSchedule")
@access(Permission.SERVICE_VIEW)
def get_schedule(request: Request, organization_id: str, service_id: str) -> Response:
    """The schedule, with the entry that is in force; 404 when there is none."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        service = store.require(connection, organization_id=organization_id, service_id=parse_uuid(service_id))
    if not service.schedule:
        raise NotFound("This service has no scaling schedule.")
    return success(request, schedule_view(service))


@router.post("/scalingSchedule")
@access(Permission.SCALING_MANAGE)
def put_schedule(request: Request, organization_id: str, service_id: str, body: SchedulePost) -> Response:
    """Replace the schedule."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    entries = [entry.entry() for entry in body.entries]
    with plane.audit.unit_of_work(caller.context) as uow:
        changed = replace_schedule(
            uow,
            entries,
            organization_id=organization_id,
            service_id=parse_uuid(service_id),
            now=plane.clock.now(),
        )
    plane.jobs.notify(changed.region)
    return success(request, schedule_view(changed))


@router.delete("/scalingSchedule")
@access(Permission.SCALING_MANAGE)
def remove_schedule(request: Request, organization_id: str, service_id: str) -> Response:
    """Remove the schedule; the service's own limits hold at once."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        changed = delete_schedule(
            uow, organization_id=organization_id, service_id=parse_uuid(service_id), now=plane.clock.now()
        )
    plane.jobs.notify(changed.region)
    return success(request)


def _changed(request: Request, organization_id: str, service_id: str, change: LimitsChange) -> Response:
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        changed = change_limits(uow, change, organization_id=organization_id, service_id=parse_uuid(service_id))
    plane.jobs.notify(changed.region)
    return success(request, view(plane, changed))
