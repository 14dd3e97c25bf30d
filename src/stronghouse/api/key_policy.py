"""`/v1/organizations/{organization}/keyPolicy`, which is ours: how long API keys may live."""

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access import key_policy
from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body, WholeNumber
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.plane.parts import ControlPlane

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/keyPolicy")


class KeyPolicy(Body):
    """The whole of it; null is without a maximum."""

    maximumLifetimeDays: WholeNumber | None = Field()  # noqa: N815 - the wire's name


@router.get("")
@access(Permission.API_KEYS_VIEW)
def get_policy(request: Request, organization_id: str) -> Response:
    """How many days after it was made a key ends at the latest."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        days = key_policy.maximum_lifetime_days(connection, organization_id)
    return success(request, {"maximumLifetimeDays": days})


@router.put("")
@access(Permission.ORGANIZATION_MANAGE)
def set_policy(request: Request, organization_id: str, body: KeyPolicy) -> Response:
    """Set or lift the maximum, for keys that are made or get a later end from now on."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        key_policy.set_maximum_lifetime(uow, organization_id=organization_id, days=body.maximumLifetimeDays)
        days = key_policy.maximum_lifetime_days(uow.connection, organization_id)
    return success(request, {"maximumLifetimeDays": days})
