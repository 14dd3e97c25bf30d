"""Guidance: the profiles, and how the organization's settings differ from one."""

from collections import Counter
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.console.form_errors import PASSWORD, REFUSALS, status_of
from stronghouse.console.state import Field, Password, Text, Visit, visit
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import StronghouseError
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.guidance import actions, documents, store
from stronghouse.responsibility.guidance.comparison import Controls, advise
from stronghouse.responsibility.guidance.model import AdviceState, Caller

router = APIRouter(prefix="/guidance")
Word = Annotated[str, Query(max_length=64)]
DONE = {
    "chosen": "This organization follows the profile from now on.",
    "applied": "The advice was carried out.",
    "same": "It was so already; nothing was changed.",
}
"""What was done, by the word that an act leads back with."""


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
        titles={profile.id: profile.title for profile in plane.profiles.values()},
        profiles=[documents.profile_view(profile) for profile in plane.profiles.values()],
    )


@router.get("/{profile_id}")
def comparison_page(
    request: Request,
    profile_id: str,
    state: Annotated[AdviceState | Literal[""], Query()] = "",
    done: Word = "",
) -> Response:
    """What differs from a profile, what each advice costs, and what following it would take away from whom."""
    return _comparison_page(visit(request), profile_id, state=state or None, done=done)


@router.post("/{profile_id}/apply")
def apply_one(request: Request, profile_id: str, act: Text, before: Field, current_password: Password = "") -> Response:
    """Carry out one piece of advice, on exactly the state that its plan was shown for.

    It may change keys and who reaches a service, so it takes the same fresh proof as doing that by hand.
    """
    visitor = visit(request, Permission.FINDINGS_MANAGE)
    plane = visitor.plane
    order = actions.Order(
        visitor.organization_id,
        actions.find_profile(plane.profiles, profile_id),
        [actions.Act(act, before)],
        Caller(visitor.caller.principal, visitor.context.address),
    )
    try:
        visitor.prove(current_password)
        with plane.database.read() as connection:
            controls = _controls(visitor, connection)
        (one,) = actions.apply_acts(
            plane.audit, visitor.context, order, controls=controls, now=plane.clock.now, changed=plane.jobs.notify
        )
    except REFUSALS as error:
        return _comparison_page(visitor, profile_id, error=error, tried=act)
    return RedirectResponse(f"/guidance/{profile_id}?done={'applied' if one.changed else 'same'}", status_code=303)


@router.post("/{profile_id}/choose")
def choose(request: Request, profile_id: str) -> Response:
    """Adopt a profile."""
    visitor = visit(request, Permission.RESPONSIBILITIES_MANAGE)
    profile = actions.find_profile(visitor.plane.profiles, profile_id)
    with visitor.plane.audit.unit_of_work(visitor.context) as uow:
        actions.choose_profile(uow, profile, organization_id=visitor.organization_id, now=visitor.plane.clock.now())
    return RedirectResponse(f"/guidance/{profile.id}?done=chosen", status_code=303)


def _comparison_page(
    visitor: Visit,
    profile_id: str,
    *,
    state: AdviceState | None = None,
    done: str = "",
    error: StronghouseError | None = None,
    tried: str = "",
) -> Response:
    """The page of a profile; `tried` is the act that was refused, whose form is shown open."""
    document = _comparison(visitor, profile_id)
    listed = cast("list[dict[str, Any]]", document["differences"])
    tally = Counter(one["state"] for one in listed)
    return visitor.page(
        "comparison.html",
        status=200 if error is None else status_of(error),
        comparison=document,
        differences=[one for one in listed if state in {None, one["state"]}],
        tally=[(one, count) for one in AdviceState if (count := tally[one.value])],
        wanted=state,
        tried=tried,
        done=DONE.get(done),
        problems=_problems(error),
        permission=Permission,
        may_choose=visitor.may(Permission.RESPONSIBILITIES_MANAGE),
        may_apply=visitor.may(Permission.FINDINGS_MANAGE),
    )


def _comparison(visitor: Visit, profile_id: str) -> dict[str, Json]:
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
    caller = Caller(visitor.caller.principal, visitor.context.address)
    return documents.comparison_view(
        profile,
        actions.shown_to(advice, caller, visitor.organization_id),
        organization_id=visitor.organization_id,
        caller=caller,
        chosen=choice is not None and choice.profile == profile.id,
        now=now,
    )


def _problems(error: StronghouseError | None) -> dict[str, str]:
    if error is None:
        return {}
    return {PASSWORD if error.code == "step_up_failed" else "": error.public}


def _controls(visitor: Visit, connection: Connection) -> Controls:
    return Controls(visitor.plane.catalogue, [region.id for region in find_regions(connection)])
