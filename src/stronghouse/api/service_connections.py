"""`/v1/organizations/{organization}/services/{service}/connections`: who is connected now.

Not a part of the Cloud API: ours.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import NotFound
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.services import store
from stronghouse.services.connections import find_connections

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/services/{service_id}")


@router.get("/connections")
@access(Permission.SERVICE_VIEW)
def list_connections(request: Request, organization_id: str, service_id: str) -> Response:
    """The addresses that are connected to a service, as its region tells just now; 503 when it does not."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        service = store.find(connection, organization_id=organization_id, service_id=parse_uuid(service_id))
    if service is None:
        raise NotFound("There is no such service.")
    found = find_connections(plane.jobs, service)
    listed = [{"address": entry.address, "connections": entry.connections} for entry in found.entries]
    return success(request, {"takenAt": rfc3339(found.taken_at), "complete": found.complete, "connections": listed})
