"""`/v1/organizations/{organization}/guidance`: profiles of settings, comparisons, and acts. Ours, not the Cloud's."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body, in_utc
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.kernel.errors import Invalid
from stronghouse.plane.parts import ControlPlane
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.guidance import actions, documents, store
from stronghouse.responsibility.guidance.comparison import Controls, advise
from stronghouse.responsibility.guidance.model import Caller as GuidanceCaller

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/guidance")

DEFAULT_LIMIT = 100


class ChoicePut(Body):
    """The profile to adopt."""

    profile: str = Field(max_length=64)


class ActBody(Body):
    """An act of a plan, with the hash that the plan gave for the state before."""

    id: str = Field(max_length=400)
    before: str = Field(max_length=64)


class ApplyPost(Body):
    """Acts to carry out; `tasks` opens a task for what the caller cannot apply."""

    acts: list[ActBody] = Field(default_factory=list, max_length=1000)
    tasks: bool = False


class DeclinedPost(Body):
    """Advice to decline: a setting's id or a difference's."""

    advice: str = Field(max_length=400)
    reason: str = Field(max_length=2000)
    until: datetime


@router.get("")
@access(Permission.RESPONSIBILITIES_VIEW)
def get_guidance(request: Request, organization_id: str) -> Response:
    """The profiles that there are, and the one that the organization chose."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        chosen = store.find_choice(connection, organization_id)
    return success(
        request,
        {
            "chosen": documents.choice_view(chosen, plane.profiles),
            "profiles": [documents.profile_view(profile) for profile in plane.profiles.values()],
        },
    )


@router.put("")
@access(Permission.RESPONSIBILITIES_MANAGE)
def choose_profile(request: Request, organization_id: str, body: ChoicePut) -> Response:
    """Adopt a profile."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    profile = actions.find_profile(plane.profiles, body.profile)
    with plane.audit.unit_of_work(caller.context) as uow:
        chosen = actions.choose_profile(uow, profile, organization_id=organization_id, now=plane.clock.now())
    return success(request, documents.choice_view(chosen, plane.profiles))


@router.get("/{profile}")
@access(Permission.RESPONSIBILITIES_VIEW)
def get_comparison(request: Request, organization_id: str, profile: str) -> Response:
    """The comparison with a profile: differences, plans, and what each plan takes away."""
    return success(request, _comparison(request, organization_id, profile))


@router.post("/{profile}/apply")
@access(Permission.FINDINGS_MANAGE)
def apply_acts(request: Request, organization_id: str, profile: str, body: ApplyPost) -> Response:
    """Carry out acts with the caller's own permissions, open tasks, close tasks that are done; then compare again."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    found = actions.find_profile(plane.profiles, profile)
    acts = [actions.Act(act.id, act.before) for act in body.acts]
    order = actions.Order(organization_id, found, acts, _caller(caller))
    with plane.database.read() as connection:
        controls = _controls(plane, connection)
    done = actions.apply_acts(
        plane.audit, caller.context, order, controls=controls, now=plane.clock.now, changed=plane.jobs.notify
    )
    now = plane.clock.now()
    with plane.audit.unit_of_work(caller.context) as uow:
        closed = actions.close_ended(uow, plane.profiles, organization_id=organization_id, controls=controls, now=now)
        opened = (
            actions.open_tasks(
                uow, found, organization_id=organization_id, controls=controls, caller=order.caller, now=now
            )
            if body.tasks
            else []
        )
    return success(
        request,
        {
            "acts": [{"id": one.id, "changed": one.changed} for one in done],
            "tasksOpened": [task.difference for task in opened],
            "tasksClosed": closed,
            "comparison": _comparison(request, organization_id, profile),
        },
    )


@router.get("/{profile}/declined")
@access(Permission.RESPONSIBILITIES_VIEW)
def list_declined(
    request: Request,
    organization_id: str,
    profile: str,
    limit: Annotated[int, Query(ge=1, le=1000)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """What was declined of a profile, in force or over, newest first; `nextCursor` says where to go on."""
    plane: ControlPlane = request.app.state.plane
    found = actions.find_profile(plane.profiles, profile)
    with plane.database.read() as connection:
        listed = store.find_declined(
            connection, organization_id=organization_id, profile=found.id, after=cursor, limit=limit + 1
        )
    shown, now = listed[:limit], plane.clock.now()
    more = {"nextCursor": shown[-1].id} if len(listed) > limit else None
    return success(request, [documents.declined_view(one, now) for one in shown], extra=more)


@router.post("/{profile}/declined")
@access(Permission.RESPONSIBILITIES_MANAGE)
def decline_advice(request: Request, organization_id: str, profile: str, body: DeclinedPost) -> Response:
    """Decline advice until a date, with a reason."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    found = actions.find_profile(plane.profiles, profile)
    until, now = in_utc(body.until), plane.clock.now()
    if until is None:
        raise Invalid("Say until when.", code="until_invalid")
    with plane.audit.unit_of_work(caller.context) as uow:
        declined = actions.decline_advice(
            uow,
            found,
            organization_id=organization_id,
            advice=body.advice,
            reason=body.reason,
            until=until,
            now=now,
        )
    return success(request, documents.declined_view(declined, now))


def _comparison(request: Request, organization_id: str, profile_id: str) -> dict[str, object]:
    plane: ControlPlane = request.app.state.plane
    profile, now = actions.find_profile(plane.profiles, profile_id), plane.clock.now()
    caller = _caller(request.state.caller)
    with plane.database.read() as connection:
        choice = store.find_choice(connection, organization_id)
        advice = advise(
            connection,
            organization_id=organization_id,
            profile=profile,
            controls=_controls(plane, connection),
            now=now,
        )
    document = documents.comparison_view(
        profile,
        actions.shown_to(advice, caller, organization_id),
        organization_id=organization_id,
        caller=caller,
        chosen=choice is not None and choice.profile == profile.id,
        now=now,
    )
    return dict(document)


def _controls(plane: ControlPlane, connection: Connection) -> Controls:
    return Controls(plane.catalogue, [region.id for region in find_regions(connection)])


def _caller(caller: Caller) -> GuidanceCaller:
    return GuidanceCaller(caller.principal, caller.context.address)
