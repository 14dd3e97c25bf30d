"""Private endpoints, of which there are none: a self-hosted service is reached in its own network already.

The two questions are answered with what a private connection would have to lead to, since clients read both before they
do anything else; whoever asks for an endpoint is told that there are none.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.regions.actions import find_regions
from stronghouse.services import store

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}")
Name = Annotated[str, Query(max_length=64)]


class EndpointPost(Body):
    """A private endpoint at a cloud provider."""

    id: str | None = Field(default=None, max_length=256)
    description: str | None = Field(default=None, max_length=256)


@router.get("/privateEndpointConfig")
@access(Permission.ORGANIZATION_VIEW)
def get_region_configuration(request: Request, organization_id: str, cloud_provider: Name, region_id: Name) -> Response:
    """What a private connection to a region would lead to; 400 where the organization has no service."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        meant = {
            region.id
            for region in find_regions(connection)
            if region_id == region.id or (cloud_provider, region_id) == (region.cloud_provider, region.cloud_region)
        }
        services = store.find_all(connection, organization_id=organization_id)
    if not any(service.region in meant for service in services):
        raise Invalid(
            f"There are no created instances of this organization in {cloud_provider}/{region_id}.",
            code="region_without_services",
        )
    return success(request, {"endpointServiceId": plane.host})


@router.get("/services/{service_id}/privateEndpointConfig")
@access(Permission.PRIVATE_ENDPOINTS_VIEW)
def get_service_configuration(request: Request, organization_id: str, service_id: str) -> Response:
    """What a private connection to a service would lead to: its own address."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        service = store.require(connection, organization_id=organization_id, service_id=parse_uuid(service_id))
    address = f"{plane.host}:{plane.service_port(service.slot)}"
    return success(request, {"endpointServiceId": address, "privateDnsHostname": plane.host})


@router.post("/services/{service_id}/privateEndpoint")
@access(Permission.PRIVATE_ENDPOINTS_MANAGE)
def create_endpoint(
    request: Request,
    organization_id: str,
    service_id: str,
    body: EndpointPost,  # noqa: ARG001 - whatever it says
) -> Response:
    """Refuse it."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        store.require(connection, organization_id=organization_id, service_id=parse_uuid(service_id))
    raise Invalid(
        "There are no private endpoints: a service of this installation is reached at its own address, in the network "
        "that it is in. Say who may connect in its IP access list.",
        code="unsupported",
    )
