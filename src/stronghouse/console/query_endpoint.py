"""A service's query endpoint: which API keys may run statements through the queries host, and as what.

Invariant: what is stored is what the form showed, on top of what it showed: a change by somebody else in between is
not overwritten.
"""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import BaseModel
from pydantic import Field as Limit
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from stronghouse.access import store as access
from stronghouse.access.model import ApiKey
from stronghouse.access.permissions import Permission
from stronghouse.console.equivalents import Equivalent
from stronghouse.console.form_errors import REFUSALS
from stronghouse.console.services import Refusal, find_service, refusal
from stronghouse.console.state import Visit, visit
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Conflict, Invalid
from stronghouse.services.model import Service, Wanted
from stronghouse.services.query_endpoints import actions, store
from stronghouse.services.query_endpoints.model import EndpointRequest, QueryEndpoint, QueryRole

router = APIRouter(prefix="/services/{service_id}/query-endpoint")
ABOUT_ROLES = {
    QueryRole.READ_ONLY: "reads everything and changes nothing",
    QueryRole.ADMIN: "may do all that the service's owner may, database users included",
}
DONE = {
    "set": "The query endpoint is on its way to the region, which applies it within a second.",
    "delete": "The query endpoint is deleted: no API key reaches this service through the queries host.",
}


class EndpointForm(BaseModel):
    """The endpoint as it is to be, and the version of the one that was shown."""

    act: str = Limit(max_length=16)
    role: str = Limit(default=QueryRole.READ_ONLY.value, max_length=64)
    key: list[str] = Limit(default_factory=list, max_length=100)
    origins: str = Limit(default="", max_length=4000)
    version: str = Limit(default="", max_length=64)
    current_password: str = Limit(default="", max_length=512)


@router.get("")
def endpoint_page(request: Request, service_id: str, done: str = "") -> Response:
    """The endpoint as it is."""
    visitor = visit(request, Permission.QUERY_ENDPOINTS_VIEW)
    return _page(visitor, find_service(visitor, service_id), done=DONE.get(done))


@router.post("")
def change_endpoint(request: Request, service_id: str, form: Annotated[EndpointForm, Form()]) -> Response:
    """Make it, replace it, or delete it."""
    visitor = visit(request, Permission.QUERY_ENDPOINTS_MANAGE)
    service = find_service(visitor, service_id)
    try:
        visitor.prove(form.current_password)
        _apply(visitor, service, form)
    except REFUSALS as error:
        return _page(visitor, service, form=form, refused=refusal(form.act, error))
    visitor.plane.jobs.notify(service.region)
    return RedirectResponse(f"/services/{service.id}/query-endpoint?done={form.act}", status_code=303)


def _apply(visitor: Visit, service: Service, form: EndpointForm) -> None:
    where = {"organization_id": visitor.organization_id, "service_id": service.id}
    with visitor.plane.audit.unit_of_work(visitor.context) as uow:
        if form.version != version_of(store.find(uow.connection, **where)):
            raise Conflict(
                "Somebody changed this query endpoint after you looked at it; look at what it says now.",
                code="query_endpoint_stale",
            )
        if form.act == "delete":
            actions.delete_endpoint(uow, **where)
            return
        if form.act != "set" or form.role not in set(QueryRole):
            raise Invalid("This form has no such choice.", code="form_invalid")
        wanted = EndpointRequest((QueryRole(form.role),), tuple(form.key), _listed(form.origins))
        actions.set_endpoint(uow, wanted, **where, editor=visitor.caller.principal, now=visitor.plane.clock.now())


def version_of(endpoint: QueryEndpoint | None) -> str:
    """What tells one state of an endpoint from another; empty for none."""
    if endpoint is None:
        return ""
    told = repr((endpoint.id, endpoint.roles, endpoint.key_ids, endpoint.allowed_origins))
    return hashlib.sha256(told.encode()).hexdigest()


def _page(
    visitor: Visit,
    service: Service,
    *,
    form: EndpointForm | None = None,
    done: str | None = None,
    refused: Refusal | None = None,
) -> HTMLResponse:
    with visitor.plane.database.read() as connection:
        endpoint = store.find(connection, organization_id=visitor.organization_id, service_id=service.id)
        keys = access.keys(connection, organization_id=visitor.organization_id)
    named = endpoint.key_ids if endpoint else ()
    shown = keys if visitor.may(Permission.API_KEYS_VIEW) else [key for key in keys if key.id in named]
    return visitor.page(
        "query_endpoint.html",
        status=refused.status if refused else 200,
        service=service,
        endpoint=endpoint,
        version=version_of(endpoint),
        keys=sorted(shown, key=lambda key: key.name.lower()),
        chosen=form.key if form else named,
        role=form.role if form else endpoint.roles[-1] if endpoint else QueryRole.READ_ONLY,
        origins=form.origins if form else (endpoint.allowed_origins.replace(",", "\n") if endpoint else ""),
        about_roles=ABOUT_ROLES,
        url=f"{visitor.plane.queries_url}/service/{service.id}/run",
        deleting=service.wanted is Wanted.DELETED,
        done=done,
        refused=refused,
        equivalent=_equivalent(visitor, service, endpoint, keys),
        manage_permission=Permission.QUERY_ENDPOINTS_MANAGE,
        audit_permission=Permission.AUDIT_LOG_VIEW,
    )


def _equivalent(visitor: Visit, service: Service, endpoint: QueryEndpoint | None, keys: list[ApiKey]) -> Equivalent:
    """The endpoint as it is, or as it could be with the first key there is, as a command."""
    path = f"/services/{service.id}/serviceQueryEndpoint"
    roles = [role.value for role in endpoint.roles] if endpoint else [QueryRole.READ_ONLY.value]
    named = list(endpoint.key_ids) if endpoint else [key.id for key in keys[:1]]
    origins = endpoint.allowed_origins if endpoint else ""
    words = [word for role in roles for word in ("--role", role)]
    words += [word for key in named for word in ("--key", key)]
    words += [word for origin in _lines(origins) for word in ("--origin", origin)]
    body: dict[str, Json] = {"roles": [*roles], "openApiKeys": [*named], "allowedOrigins": origins}
    return visitor.equivalents.of(
        "service", "query-endpoint", "set", service.id, *words, method="POST", path=path, body=body
    )


def _lines(text: str) -> list[str]:
    return [one.strip() for line in text.splitlines() for one in line.split(",") if one.strip()]


def _listed(text: str) -> str:
    """Origins one a line, as a list with commas."""
    return ",".join(_lines(text))
