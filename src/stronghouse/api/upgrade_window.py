"""When a service's engine is upgraded: never by itself, so there is no window.

The engine comes with Stronghouse and changes when Stronghouse is upgraded, which somebody does on the machine.
"""

from typing import NoReturn

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.fields import Body, WholeNumber
from stronghouse.api.routing import GuardedRoute, access
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.services import store

router = APIRouter(
    route_class=GuardedRoute, prefix="/organizations/{organization_id}/services/{service_id}/upgradeWindow"
)


class WindowPut(Body):
    """A window of six hours."""

    weekday: WholeNumber
    startHourUtc: WholeNumber  # noqa: N815 - the wire's name


@router.get("")
@access(Permission.SERVICE_VIEW)
def get_window(request: Request, organization_id: str, service_id: str) -> Response:
    """There is none."""
    _no_window(request, organization_id, service_id)


@router.put("")
@access(Permission.SERVICE_MANAGE)
def put_window(request: Request, organization_id: str, service_id: str, body: WindowPut) -> Response:  # noqa: ARG001 - whatever it says
    """Refuse it."""
    _check_service(request, organization_id, service_id)
    raise Invalid(
        "There is no upgrade window to set: a service's engine changes only when somebody upgrades Stronghouse.",
        code="unsupported",
    )


@router.delete("")
@access(Permission.SERVICE_MANAGE)
def delete_window(request: Request, organization_id: str, service_id: str) -> Response:
    """There is none."""
    _no_window(request, organization_id, service_id)


def _check_service(request: Request, organization_id: str, service_id: str) -> None:
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        store.require(connection, organization_id=organization_id, service_id=parse_uuid(service_id))


def _no_window(request: Request, organization_id: str, service_id: str) -> NoReturn:
    _check_service(request, organization_id, service_id)
    raise NotFound("This service has no upgrade window: its engine changes only when Stronghouse is upgraded.")
