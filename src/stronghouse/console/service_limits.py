"""Limits and settings on the page of a service: its memory, its sleep, and what its sessions begin with."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.console.form_errors import REFUSALS
from stronghouse.console.service_creation import whole_number
from stronghouse.console.services import find_service, refusal, service_page
from stronghouse.console.state import Field, visit
from stronghouse.services.engine_settings import change_settings, check_settings, reset_setting
from stronghouse.services.requests import (
    MAX_IDLE_MINUTES,
    MAX_MEMORY_GB,
    MEMORY_STEP_GB,
    MIN_IDLE_MINUTES,
    MIN_MEMORY_GB,
)
from stronghouse.services.scaling import LimitsChange, change_limits

router = APIRouter(prefix="/services/{service_id}")


@router.post("/limits")
def change_limits_page(
    request: Request, service_id: str, memory_gb: Field = "", idle_minutes: Field = "", sleeps: Field = ""
) -> Response:
    """Change a service's own limits."""
    visitor = visit(request, Permission.SCALING_MANAGE)
    service = find_service(visitor, service_id)
    try:
        wanted = LimitsChange(
            memory_gb=whole_number(memory_gb, MIN_MEMORY_GB, MAX_MEMORY_GB, step=MEMORY_STEP_GB),
            idle_scaling=bool(sleeps),
            idle_timeout_minutes=whole_number(idle_minutes, MIN_IDLE_MINUTES, MAX_IDLE_MINUTES),
        )
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            changed = change_limits(uow, wanted, organization_id=visitor.organization_id, service_id=service.id)
    except REFUSALS as error:
        typed = {"memory_gb": memory_gb, "idle_minutes": idle_minutes, "sleeps": sleeps}
        return service_page(visitor, service, refused=refusal("limits", error, **typed))
    visitor.plane.jobs.notify(changed.region)
    return RedirectResponse(f"/services/{service.id}?done=limits", status_code=303)


@router.post("/settings")
def set_setting(request: Request, service_id: str, setting: Field = "", value: Field = "") -> Response:
    """Set one setting, once the boundary and the service's engine have passed it."""
    visitor = visit(request, Permission.SERVICE_MANAGE)
    service = find_service(visitor, service_id)
    wanted = {setting.strip(): value.strip()}
    try:
        check_settings(visitor.plane.jobs, service, wanted)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            changed = change_settings(uow, wanted, organization_id=visitor.organization_id, service_id=service.id)
    except REFUSALS as error:
        return service_page(visitor, service, refused=refusal("settings", error, setting=setting, value=value))
    visitor.plane.jobs.notify(changed.region)
    return RedirectResponse(f"/services/{service.id}?done=settings", status_code=303)


@router.post("/settings/reset")
def reset_setting_page(request: Request, service_id: str, setting: Field = "") -> Response:
    """Give a setting back to the engine's default."""
    visitor = visit(request, Permission.SERVICE_MANAGE)
    service = find_service(visitor, service_id)
    try:
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            changed = reset_setting(uow, setting, organization_id=visitor.organization_id, service_id=service.id)
    except REFUSALS as error:
        return service_page(visitor, service, refused=refusal("settings", error))
    visitor.plane.jobs.notify(changed.region)
    return RedirectResponse(f"/services/{service.id}?done=settings", status_code=303)
