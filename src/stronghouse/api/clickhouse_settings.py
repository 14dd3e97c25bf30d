"""`/v1/organizations/{organization}/services/{service}/clickhouseSettings`: what sessions of a service begin with.

The published description has the settings of a change as a text of JSON, newer clients send and expect an object: the
answer has them in the form in which they came.
"""

import json

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.engine.service_settings import configurable
from stronghouse.kernel.canonical import Json, parse_json
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.services import store
from stronghouse.services.engine_settings import (
    change_settings,
    check_settings,
    reset_setting,
    setting_of,
    value_of,
)
from stronghouse.services.model import Service

router = APIRouter(
    route_class=GuardedRoute, prefix="/organizations/{organization_id}/services/{service_id}/clickhouseSettings"
)


class SettingsPatch(Body):
    """Settings to set; others stay."""

    settings: str | dict[str, str | bool | int | float]

    def values(self) -> dict[str, str]:
        """Names and values as text; raises Invalid."""
        given: Json = {**self.settings} if isinstance(self.settings, dict) else _parsed(self.settings)
        if not isinstance(given, dict):
            raise Invalid("settings is an object of names and values, or such an object as text.", code="body_invalid")
        return {name: value_of(name, value) for name, value in given.items()}


@router.get("")
@access(Permission.SERVICE_VIEW)
def list_settings(request: Request, organization_id: str, service_id: str) -> Response:
    """What the service sets; the engine's defaults hold for all others."""
    service = _service(request, organization_id, service_id)
    listed = [{"name": name, "value": value} for name, value in service.settings.items()]
    return success(request, {"settings": listed})


@router.patch("")
@access(Permission.SERVICE_MANAGE)
def update_settings(request: Request, organization_id: str, service_id: str, body: SettingsPatch) -> Response:
    """Set some, once the boundary and the service's engine have passed them; a service that sleeps wakes for it."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    values = body.values()
    check_settings(plane.jobs, _service(request, organization_id, service_id), values)
    with plane.audit.unit_of_work(caller.context) as uow:
        changed = change_settings(uow, values, organization_id=organization_id, service_id=parse_uuid(service_id))
    plane.jobs.notify(changed.region)
    applied: object = json.dumps(values) if isinstance(body.settings, str) else values
    return success(request, {"settings": applied, "warnings": []})


@router.get("/schema")
@access(Permission.SERVICE_VIEW)
def get_schema(request: Request, organization_id: str, service_id: str) -> Response:
    """Every setting that may be set, with its type."""
    _service(request, organization_id, service_id)
    listed = [
        {"name": setting.name, "type": setting.type, "description": setting.description}
        for setting in configurable().values()
    ]
    return success(request, {"settings": listed})


@router.get("/{setting_name}")
@access(Permission.SERVICE_VIEW)
def get_setting(request: Request, organization_id: str, service_id: str, setting_name: str) -> Response:
    """One that the service sets; 404 for others."""
    service = _service(request, organization_id, service_id)
    return success(request, {"name": setting_name, "value": setting_of(service, setting_name)})


@router.delete("/{setting_name}")
@access(Permission.SERVICE_MANAGE)
def delete_setting(request: Request, organization_id: str, service_id: str, setting_name: str) -> Response:
    """Reset one to the engine's default."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        changed = reset_setting(uow, setting_name, organization_id=organization_id, service_id=parse_uuid(service_id))
    plane.jobs.notify(changed.region)
    return success(request)


def _service(request: Request, organization_id: str, service_id: str) -> Service:
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        return store.require(connection, organization_id=organization_id, service_id=parse_uuid(service_id))


def _parsed(text: str) -> Json:
    try:
        return parse_json(text)
    except (ValueError, RecursionError):
        raise Invalid("settings is not JSON.", code="body_invalid") from None
