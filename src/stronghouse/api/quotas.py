"""`/v1/organizations/{organization}/quotas`: the limits that are enforced, and what they are used up to."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.plane.parts import ControlPlane
from stronghouse.services.quotas import Quota, find_quota, find_quotas

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/quotas")


@router.get("")
@access(Permission.ORGANIZATION_VIEW)
def list_quotas(request: Request, organization_id: str) -> Response:
    """Every quota there is."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = find_quotas(connection, organization_id)
    return success(request, [_view(quota) for quota in found])


@router.get("/{quota_code}")
@access(Permission.ORGANIZATION_VIEW)
def get_quota(request: Request, organization_id: str, quota_code: str) -> Response:
    """One quota by its code."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = find_quota(connection, organization_id, quota_code)
    return success(request, _view(found))


def _view(quota: Quota) -> dict[str, object]:
    shown: dict[str, object] = {
        "quotaCode": quota.code,
        "name": quota.name,
        "description": quota.description,
        "scope": quota.scope,
        "value": quota.value,
        "adjustable": False,
    }
    return shown if quota.usage is None else {**shown, "usage": quota.usage}
