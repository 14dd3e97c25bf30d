"""`/v1/organizations/{organization}/services/{service}/serviceQueryEndpoint`: who may use the queries host."""

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.services.query_endpoints import actions
from stronghouse.services.query_endpoints.model import EndpointRequest, QueryEndpoint, QueryRole

router = APIRouter(
    route_class=GuardedRoute, prefix="/organizations/{organization_id}/services/{service_id}/serviceQueryEndpoint"
)


class EndpointPost(Body):
    """The whole endpoint as it is to be; what is left out is empty."""

    roles: list[QueryRole] = Field(default_factory=list, max_length=16)
    openApiKeys: list[str] = Field(default_factory=list, max_length=100)  # noqa: N815 - the wire's names
    allowedOrigins: str | None = Field(default="", max_length=8192)  # noqa: N815


@router.get("")
@access(Permission.QUERY_ENDPOINTS_VIEW)
def get_endpoint(request: Request, organization_id: str, service_id: str) -> Response:
    """A service's query endpoint; 404 where there is none."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = actions.find_endpoint(connection, organization_id=organization_id, service_id=parse_uuid(service_id))
    return success(request, view(plane, found))


@router.post("")
@access(Permission.QUERY_ENDPOINTS_MANAGE)
def set_endpoint(request: Request, organization_id: str, service_id: str, body: EndpointPost) -> Response:
    """Make the query endpoint, or replace all of it but its id."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    wanted = EndpointRequest(
        roles=tuple(body.roles),
        key_ids=tuple(key_id.strip().lower() for key_id in body.openApiKeys),
        allowed_origins=body.allowedOrigins or "",
    )
    with plane.audit.unit_of_work(caller.context) as uow:
        endpoint, service = actions.set_endpoint(
            uow,
            wanted,
            organization_id=organization_id,
            service_id=parse_uuid(service_id),
            editor=caller.principal,
            now=plane.clock.now(),
        )
    plane.jobs.notify(service.region)
    return success(request, view(plane, endpoint))


@router.delete("")
@access(Permission.QUERY_ENDPOINTS_MANAGE)
def delete_endpoint(request: Request, organization_id: str, service_id: str) -> Response:
    """Delete the query endpoint: the queries host refuses every key for this service."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        service = actions.delete_endpoint(uow, organization_id=organization_id, service_id=parse_uuid(service_id))
    plane.jobs.notify(service.region)
    return success(request)


def view(plane: ControlPlane, endpoint: QueryEndpoint) -> dict[str, object]:
    """An endpoint as the Cloud API shows it, and `url`, which is ours: where its keys send statements."""
    return {
        "id": endpoint.id,
        "openApiKeys": list(endpoint.key_ids),
        "roles": [role.value for role in endpoint.roles],
        "allowedOrigins": endpoint.allowed_origins,
        "url": f"{plane.queries_url}/service/{endpoint.service_id}/run",
    }
