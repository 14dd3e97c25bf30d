"""What the organization asks of its members' sign-ins: a second factor, and when sessions end."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.members import members_of
from stronghouse.access.permissions import Permission
from stronghouse.access.sign_in_policy.actions import change_policy
from stronghouse.access.sign_in_policy.model import ABSOLUTE_BOUNDS, IDLE_BOUNDS
from stronghouse.access.sign_in_policy.store import policy_of
from stronghouse.console.form_errors import REFUSALS, problems_of, status_of
from stronghouse.console.state import Field, Password, Visit, visit
from stronghouse.kernel.errors import Conflict, Invalid

router = APIRouter(prefix="/people/sign-in-policy")
Minutes = Annotated[str, Form(max_length=8)]


@router.get("")
def policy_page(request: Request, done: Annotated[str, Query(max_length=16)] = "") -> Response:
    """The policy, and a form for who may change it."""
    visitor = visit(request, Permission.ORGANIZATION_VIEW)
    return _page(visitor, {}, done="It holds from everybody's next request on." if done == "changed" else None)


@router.post("")
def change(
    request: Request,
    second_factor: Field = "",
    idle_minutes: Minutes = "",
    absolute_minutes: Minutes = "",
    current_password: Password = "",
) -> Response:
    """Change the policy."""
    visitor = visit(request, Permission.ORGANIZATION_MANAGE)
    plane, required = visitor.plane, second_factor == "required"
    try:
        if required and not visitor.factors.enrolled:
            raise Conflict("Set up a second factor of your own first, or you could do nothing else.", code="factor_own")
        idle, absolute = _minutes(idle_minutes), _minutes(absolute_minutes)
        visitor.prove(current_password)
        with plane.audit.unit_of_work(visitor.context) as uow:
            change_policy(
                uow,
                organization_id=visitor.organization_id,
                second_factor_required=required,
                idle_minutes=idle,
                absolute_minutes=absolute,
            )
    except REFUSALS as error:
        return _page(visitor, problems_of(error), status=status_of(error))
    return RedirectResponse("/people/sign-in-policy?done=changed", status_code=303)


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Invalid("Give the timeouts in whole minutes.", code="timeout_invalid")
    return int(text)


def _page(visitor: Visit, problems: dict[str, str], *, done: str | None = None, status: int = 200) -> Response:
    with visitor.plane.database.read() as connection:
        policy = policy_of(connection, visitor.organization_id)
        members = members_of(connection, visitor.organization_id, visitor.plane.clock.now())
    manages = visitor.may(Permission.ORGANIZATION_MANAGE)
    return visitor.page(
        "sign_in_policy.html",
        status=status,
        policy=policy,
        idle_bounds=IDLE_BOUNDS,
        absolute_bounds=ABSOLUTE_BOUNDS,
        without=[one for one in members if not one.second_factor] if manages else None,
        members=len(members),
        may_change=manages,
        permission=Permission.ORGANIZATION_MANAGE,
        problems=problems,
        done=done,
        audit="/audit?code=organization." if visitor.may(Permission.AUDIT_LOG_VIEW) else None,
    )
