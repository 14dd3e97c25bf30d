"""`/v1/organizations` and `/v1/whoami`."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body
from stronghouse.api.routing import Authenticated, Caller, GuardedRoute, access
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.organizations import actions, store
from stronghouse.organizations.model import Organization
from stronghouse.plane.parts import ControlPlane

router = APIRouter(route_class=GuardedRoute)


class OrganizationChange(Body):
    """PATCH of an organization."""

    name: str | None = None
    enableCoreDumps: bool | None = None  # noqa: N815 - the wire's name
    privateEndpoints: dict[str, Any] | None = None  # noqa: N815


@router.get("/whoami")
@access(Authenticated("tells callers who they are and nothing else"))
def whoami(request: Request) -> Response:
    """Who the presented key is."""
    caller: Caller = request.state.caller
    (organization_id,) = caller.principal.rights
    actor = caller.principal.actor
    result = {"actorType": "apiKey", "keyId": actor.id, "name": actor.details, "organizationId": organization_id}
    return success(request, result)


@router.get("/organizations")
@access(Authenticated("lists only organizations that the caller belongs to"))
def list_organizations(request: Request) -> Response:
    """The caller's organizations."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.database.read() as connection:
        found = store.find_all(connection, caller.principal.rights)
    return success(request, [_view(organization) for organization in found])


@router.get("/organizations/{organization_id}")
@access(Permission.ORGANIZATION_VIEW)
def get_organization(request: Request, organization_id: str) -> Response:
    """One organization."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = store.find(connection, organization_id)
    if found is None:
        raise NotFound("There is no such organization.")
    return success(request, _view(found))


@router.patch("/organizations/{organization_id}")
@access(Permission.ORGANIZATION_MANAGE)
def update_organization(request: Request, organization_id: str, change: OrganizationChange) -> Response:
    """Rename an organization."""
    plane: ControlPlane = request.app.state.plane
    if change.enableCoreDumps:
        raise Invalid("Core dumps are always off here: they would hold data and keys.", code="core_dumps_off")
    if change.privateEndpoints and (change.privateEndpoints.get("add") or change.privateEndpoints.get("remove")):
        raise Invalid("Private endpoints are not supported by this version.", code="unsupported")
    with plane.audit.unit_of_work(request.state.caller.context) as uow:
        if change.name is None:
            found = store.find(uow.connection, organization_id)
        else:
            found = actions.rename_organization(uow, organization_id=organization_id, name=change.name)
    if found is None:
        raise NotFound("There is no such organization.")
    return success(request, _view(found))


def _view(organization: Organization) -> dict[str, object]:
    return {
        "id": organization.id,
        "createdAt": rfc3339(organization.created_at),
        "name": organization.name,
        "privateEndpoints": [],
        "byocConfig": [],
        "enableCoreDumps": False,
    }
