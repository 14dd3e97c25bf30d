"""What is done with a service: start, stop, wake, rename, a new password, the end.

What cuts people off or destroys something takes the typed name and a fresh proof of who is at the browser; both are
looked at here, whatever the page did.
"""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stronghouse.access.permissions import Permission
from stronghouse.console.form_errors import REFUSALS
from stronghouse.console.services import (
    connecting,
    find_service,
    refusal,
    service_page,
)
from stronghouse.console.state import Field, Password, visit
from stronghouse.kernel.errors import Conflict
from stronghouse.services import actions
from stronghouse.services.model import Command, Service, ServiceState
from stronghouse.services.requests import ServiceChange

router = APIRouter(prefix="/services/{service_id}")


@router.post("/state")
def change_state(
    request: Request,
    service_id: str,
    command: Annotated[Command, Form()],
    typed: Field = "",
    current_password: Password = "",
) -> Response:
    """Start, stop or wake a service."""
    visitor = visit(request, Permission.SERVICE_MANAGE)
    service = find_service(visitor, service_id)
    try:
        if command is Command.STOP:
            check_typed(service, typed)
            visitor.prove(current_password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            changed = actions.change_state(uow, command, organization_id=visitor.organization_id, service_id=service.id)
    except REFUSALS as error:
        return service_page(visitor, service, refused=refusal(command, error, typed=typed))
    visitor.plane.jobs.notify(changed.region)
    if changed.state is ServiceState.AWAKING:
        visitor.plane.jobs.wake(changed.region, changed.id)
    return RedirectResponse(f"/services/{service.id}?done={command}", status_code=303)


@router.post("/rename")
def rename(request: Request, service_id: str, name: Field = "") -> Response:
    """Give a service another name."""
    visitor = visit(request, Permission.SERVICE_MANAGE)
    service = find_service(visitor, service_id)
    try:
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            changed = actions.update_service(
                uow, ServiceChange(name=name), organization_id=visitor.organization_id, service_id=service.id
            )
    except REFUSALS as error:
        return service_page(visitor, service, refused=refusal("rename", error, name=name))
    visitor.plane.jobs.notify(changed.region)
    return RedirectResponse(f"/services/{service.id}?done=rename", status_code=303)


@router.post("/password")
def reset_password(request: Request, service_id: str, form_id: Field = "", current_password: Password = "") -> Response:
    """Give the owner of a service a new password, shown in this answer and nowhere else."""
    visitor = visit(request, Permission.SERVICE_MANAGE)
    service = find_service(visitor, service_id)
    try:
        visitor.refuse_twice(form_id)
        visitor.prove(current_password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            password = actions.reset_password(
                uow, organization_id=visitor.organization_id, service_id=service.id, password_sha256=None
            )
    except REFUSALS as error:
        return service_page(visitor, service, refused=refusal("password", error))
    visitor.plane.jobs.notify(service.region)
    return visitor.page(
        "service_password.html",
        service=service,
        password="" if password is None else password.reveal(),
        created=False,
        connect=connecting(visitor, service),
        audit_permission=Permission.AUDIT_LOG_VIEW,
    )


@router.post("/delete")
def delete_service(request: Request, service_id: str, typed: Field = "", current_password: Password = "") -> Response:
    """Destroy a service's key and its data."""
    visitor = visit(request, Permission.SERVICE_DELETE)
    service = find_service(visitor, service_id)
    try:
        check_typed(service, typed)
        visitor.prove(current_password)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            deleted = actions.delete_service(uow, organization_id=visitor.organization_id, service_id=service.id)
    except REFUSALS as error:
        return service_page(visitor, service, refused=refusal("delete", error, typed=typed))
    visitor.plane.jobs.notify(deleted.region)
    return RedirectResponse("/services?done=delete", status_code=303)


def check_typed(service: Service, typed: str) -> None:
    """Raise Conflict unless the service's name was typed as it is."""
    if typed != service.name:
        raise Conflict("What was typed is not the service's name; nothing was done.", code="name_mismatch")
