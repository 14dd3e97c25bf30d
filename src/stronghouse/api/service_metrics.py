"""`/v1/organizations/{organization}/…/prometheus`: metrics of services, and where Prometheus finds them."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.services import store
from stronghouse.services.metrics import CONTENT_TYPE, find_counters, render
from stronghouse.services.model import Service

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}")
Filtered = Annotated[bool, Query(alias="filtered_metrics")]


@router.get("/prometheus")
@access(Permission.SERVICE_VIEW)
def get_organization_metrics(request: Request, organization_id: str, *, filtered: Filtered = False) -> Response:
    """Metrics of every service that the caller may see; nothing where there is none."""
    return _metrics(request, _seen(request, organization_id), filtered=filtered)


@router.get("/prometheus/discovery")
@access(Permission.SERVICE_VIEW)
def discover(request: Request, organization_id: str, *, filtered: Filtered = False) -> Response:
    """The services' metrics as targets, in the form of Prometheus' HTTP discovery: an array without an envelope."""
    plane: ControlPlane = request.app.state.plane
    address = urlsplit(plane.api_url)
    targets = [
        {
            "targets": [address.netloc],
            "labels": {
                "__scheme__": address.scheme,
                "__metrics_path__": f"/v1/organizations/{organization_id}/services/{service.id}/prometheus",
                **({"__param_filtered_metrics": "true"} if filtered else {}),
                "clickhouse_org": organization_id,
                "clickhouse_service": service.id,
                "clickhouse_service_name": service.name,
            },
        }
        for service in _seen(request, organization_id)
    ]
    return JSONResponse(targets, headers=_headers(request))


@router.get("/services/{service_id}/prometheus")
@access(Permission.SERVICE_VIEW)
def get_service_metrics(
    request: Request, organization_id: str, service_id: str, *, filtered: Filtered = False
) -> Response:
    """Metrics of one service."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        service = store.require(connection, organization_id=organization_id, service_id=parse_uuid(service_id))
    return _metrics(request, [service], filtered=filtered)


def _seen(request: Request, organization_id: str) -> list[Service]:
    plane: ControlPlane = request.app.state.plane
    principal = request.state.caller.principal
    with plane.database.read() as connection:
        found = store.find_all(connection, organization_id=organization_id)
    return [one for one in found if principal.may(Permission.SERVICE_VIEW, organization_id, one.id)]


def _metrics(request: Request, services: list[Service], *, filtered: bool) -> Response:
    plane: ControlPlane = request.app.state.plane
    text = render(services, find_counters(plane.jobs, services), filtered=filtered)
    return Response(text, headers={**_headers(request), "content-type": CONTENT_TYPE})


def _headers(request: Request) -> dict[str, str]:
    return {"x-request-id": request.state.request_id, "cache-control": "no-store"}
