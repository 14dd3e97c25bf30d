"""`/v1/organizations/{organization}/signInPolicy`: ours; the Cloud has nothing like it."""

from fastapi import APIRouter
from pydantic import StrictBool, StrictInt
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.access.sign_in_policy.actions import change_policy
from stronghouse.access.sign_in_policy.model import SignInPolicy
from stronghouse.access.sign_in_policy.store import policy_of
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.plane.parts import ControlPlane

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/signInPolicy")


class SignInPolicyPatch(Body):
    """A change; what is left out stays."""

    secondFactorRequired: StrictBool | None = None  # noqa: N815 - the wire's name
    idleTimeoutMinutes: StrictInt | None = None  # noqa: N815
    absoluteTimeoutMinutes: StrictInt | None = None  # noqa: N815


@router.get("")
@access(Permission.ORGANIZATION_VIEW)
def get_sign_in_policy(request: Request, organization_id: str) -> Response:
    """What is asked of members' sign-ins."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = policy_of(connection, organization_id)
    return success(request, _view(found))


@router.patch("")
@access(Permission.ORGANIZATION_MANAGE)
def update_sign_in_policy(request: Request, organization_id: str, body: SignInPolicyPatch) -> Response:
    """Ask something else; it holds for each session's next request."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        changed = change_policy(
            uow,
            organization_id=organization_id,
            second_factor_required=body.secondFactorRequired,
            idle_minutes=body.idleTimeoutMinutes,
            absolute_minutes=body.absoluteTimeoutMinutes,
        )
    return success(request, _view(changed))


def _view(policy: SignInPolicy) -> dict[str, object]:
    return {
        "secondFactorRequired": policy.second_factor_required,
        "idleTimeoutMinutes": policy.idle_minutes,
        "absoluteTimeoutMinutes": policy.absolute_minutes,
    }
