"""The API as an ASGI application."""

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from stronghouse import __version__
from stronghouse.api import (
    activities,
    advisories,
    audit_log,
    backups,
    check_runs,
    clickhouse_settings,
    documents,
    errors,
    findings,
    guidance,
    invitations,
    key_policy,
    key_rotation,
    keys,
    members,
    metrics,
    notifications,
    organizations,
    packages,
    private_endpoints,
    query_endpoints,
    quotas,
    responsibilities,
    roles,
    scaling,
    service_connections,
    service_metrics,
    services,
    sign_in_policy,
    upgrade_window,
    usage,
)
from stronghouse.api.envelope import success
from stronghouse.api.limits import RequestLimits
from stronghouse.api.routing import GuardedRoute, Public, access
from stronghouse.kernel.errors import StronghouseError
from stronghouse.plane.parts import ControlPlane

MODULES = (
    check_runs,
    metrics,
    notifications,
    organizations,
    services,
    scaling,
    clickhouse_settings,
    private_endpoints,
    backups,
    upgrade_window,
    service_connections,
    service_metrics,
    quotas,
    usage,
    query_endpoints,
    keys,
    key_rotation,
    key_policy,
    members,
    invitations,
    roles,
    sign_in_policy,
    activities,
    audit_log,
    responsibilities,
    findings,
    guidance,
    packages,
    documents,
    advisories,
)
"""Every module with a router, in the order in which paths are matched."""
health = APIRouter(route_class=GuardedRoute)


@health.get("/health")
@access(Public("a supervisor asks before anyone has a key; it says only that the process answers"))
def get_health(request: Request) -> Response:
    """Whether the control plane answers and its database can be read."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    return success(request, {"version": __version__})


def create_api(plane: ControlPlane) -> FastAPI:
    """The API over these parts. No page of documentation is served: the document is in the docs."""
    app = FastAPI(title="Stronghouse", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.plane = plane
    for router in (health, *(module.router for module in MODULES)):
        app.include_router(router, prefix="/v1")
    app.add_exception_handler(StronghouseError, errors.own_error)
    app.add_exception_handler(HTTPException, errors.http_error)
    app.add_exception_handler(RequestValidationError, errors.validation_error)
    app.add_exception_handler(Exception, errors.unexpected_error)
    app.add_middleware(RequestLimits)
    return app
