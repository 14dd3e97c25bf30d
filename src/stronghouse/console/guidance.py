"""Guidance: the profiles, and how the organization's settings differ from one."""

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.console.state import Field, Text, Visit, visit
from stronghouse.kernel.errors import StronghouseError
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.guidance import actions, documents, store
from stronghouse.responsibility.guidance.comparison import Controls, advise
from stronghouse.responsibility.guidance.model import Caller

router = APIRouter(prefix="/guidance")


@router.get("")
def profiles_page(request: Request) -> Response:
    """The profiles, and which one was chosen."""
    visitor = visit(request)
    plane = visitor.plane
    with plane.database.read() as connection:
        chosen = store.find_choice(connection, visitor.organization_id)
    return visitor.page(
        "profiles.html",
        chosen=documents.choice_view(chosen, plane.profiles),
        profiles=[documents.profile_view(profile) for profile in plane.profiles.values()],
    )


@router.get("/{profile_id}")
def comparison_page(request: Request, profile_id: str) -> Response:
    """What differs from a profile, what each advice costs, and what following it would take away from whom."""
    return _comparison_page(visit(request), profile_id)


@router.post("/{profile_id}/apply")
def apply_one(request: Request, profile_id: str, act: Text, before: Field) -> Response:
    """Carry out one piece of advice, on exactly the state that its plan was shown for."""
    visitor = visit(request, Permission.FINDINGS_MANAGE)
    plane = visitor.plane
    order = actions.Order(
        visitor.organization_id,
        actions.find_profile(plane.profiles, profile_id),
        [actions.Act(act, before)],
        Caller(visitor.caller.principal, visitor.context.address),
    )
    try:
        with plane.database.read() as connection:
            controls = _controls(visitor, connection)
        actions.apply_acts(
            plane.audit, visitor.context, order, controls=controls, now=plane.clock.now, changed=plane.jobs.notify
        )
    except StronghouseError as error:
        return _comparison_page(visitor, profile_id, problem=error.public, status=400)
    return RedirectResponse(f"/guidance/{profile_id}", status_code=303)


@router.post("/{profile_id}/choose")
def choose(request: Request, profile_id: str) -> Response:
    """Adopt a profile."""
    visitor = visit(request, Permission.RESPONSIBILITIES_MANAGE)
    profile = actions.find_profile(visitor.plane.profiles, profile_id)
    with visitor.plane.audit.unit_of_work(visitor.context) as uow:
        actions.choose_profile(uow, profile, organization_id=visitor.organization_id, now=visitor.plane.clock.now())
    return RedirectResponse(f"/guidance/{profile.id}", status_code=303)


def _comparison_page(visitor: Visit, profile_id: str, *, problem: str | None = None, status: int = 200) -> Response:
    plane = visitor.plane
    profile, now = actions.find_profile(plane.profiles, profile_id), plane.clock.now()
    with plane.database.read() as connection:
        choice = store.find_choice(connection, visitor.organization_id)
        advice = advise(
            connection,
            organization_id=visitor.organization_id,
            profile=profile,
            controls=_controls(visitor, connection),
            now=now,
        )
    document = documents.comparison_view(
        profile,
        advice,
        organization_id=visitor.organization_id,
        caller=Caller(visitor.caller.principal, visitor.context.address),
        chosen=choice is not None and choice.profile == profile.id,
        now=now,
    )
    return visitor.page(
        "comparison.html",
        status=status,
        comparison=document,
        problem=problem,
        may_choose=visitor.may(Permission.RESPONSIBILITIES_MANAGE),
        may_apply=visitor.may(Permission.FINDINGS_MANAGE),
    )


def _controls(visitor: Visit, connection: Connection) -> Controls:
    return Controls(visitor.plane.catalogue, [region.id for region in find_regions(connection)])
