"""`/v1/organizations/{organization}/services`."""

import re
from typing import Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access import authorization
from stronghouse.access.permissions import Permission
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body, SourceBody, WholeNumber, sources
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.api.service_view import view
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane
from stronghouse.services import actions, store
from stronghouse.services.access_preview import list_version
from stronghouse.services.model import Command, Service, ServiceState
from stronghouse.services.requests import MIN_MEMORY_GB, ServiceChange, ServiceRequest
from stronghouse.services.scaling import one_limit

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/services")

TAG = re.compile(r'"([0-9a-f]{64})"')
# What a create or update request may name but this version cannot bring about, with the values that ask for nothing.
UNSUPPORTED: dict[str, tuple[object, ...]] = {
    "autoscalingMode": ("vertical",),
    "numReplicas": (1,),
    "minReplicas": (1,),
    "maxReplicas": (1,),
    "minTotalMemoryGb": (),
    "maxTotalMemoryGb": (),
    "isReadonly": (False,),
    "dataWarehouseId": ("",),
    "backupId": ("",),
    "encryptionKey": ("",),
    "encryptionAssumedRoleIdentifier": ("",),
    "privateEndpointIds": ([], {}, {"add": [], "remove": []}),
    "releaseChannel": ("default",),
    "byocId": ("",),
    "profile": ("", "v1-default"),
    "complianceType": ("",),
    "tags": ([], {}, {"add": [], "remove": []}),
    "enableCoreDumps": (False,),
    "transparentDataEncryptionKeyId": ("",),
}


class WithUnsupported(Body):
    """A body whose unsupported fields are refused unless they ask for what is so anyway."""

    model_config = ConfigDict(extra="allow")

    def refuse_unsupported(self) -> None:
        """Raise Invalid with the first field that asks for something this version cannot do."""
        for name, value in (self.model_extra or {}).items():
            if name in UNSUPPORTED and value is not None and value not in UNSUPPORTED[name]:
                raise Invalid(
                    f"{name} is not supported by this version for embedded services; leave it out.", code="unsupported"
                )
        endpoints: Any = (self.model_extra or {}).get("endpoints") or []
        if any(isinstance(endpoint, dict) and endpoint.get("enabled") for endpoint in endpoints):
            raise Invalid("Embedded services have an https endpoint only; leave endpoints out.", code="unsupported")


class ServicePost(WithUnsupported):
    """A new service."""

    name: str
    provider: str | None = None
    region: str | None = None
    ipAccessList: list[SourceBody] = Field(default_factory=list, max_length=1000)  # noqa: N815 - the wire's names
    idleScaling: bool = True  # noqa: N815
    idleTimeoutMinutes: WholeNumber = 15  # noqa: N815
    minReplicaMemoryGb: WholeNumber | None = None  # noqa: N815
    maxReplicaMemoryGb: WholeNumber | None = None  # noqa: N815


class AccessListPatch(Body):
    """Removals come first, then additions."""

    add: list[SourceBody] = Field(default_factory=list, max_length=1000)
    remove: list[SourceBody] = Field(default_factory=list, max_length=1000)


class ServicePatch(WithUnsupported):
    """A change of a service."""

    name: str | None = None
    ipAccessList: AccessListPatch | None = None  # noqa: N815


class StatePatch(Body):
    """A command."""

    command: Command


class PasswordPatch(Body):
    """A password's hash; without one a password is made."""

    newPasswordHash: str | None = Field(default=None, max_length=64)  # noqa: N815
    newDoubleSha1Hash: str | None = Field(default=None, max_length=64)  # noqa: N815 - for MySQL, which is not offered


@router.get("")
@access(Permission.SERVICE_VIEW)
def list_services(request: Request, organization_id: str) -> Response:
    """The organization's services."""
    plane: ControlPlane = request.app.state.plane
    if request.query_params.getlist("filter"):
        raise Invalid("Filters by tag are not supported by this version; leave filter out.", code="unsupported")
    principal = request.state.caller.principal
    with plane.database.read() as connection:
        found = store.find_all(connection, organization_id=organization_id)
    seen = [one for one in found if principal.may(Permission.SERVICE_VIEW, organization_id, one.id)]
    return success(request, [view(plane, service) for service in seen])


@router.post("")
@access(Permission.SERVICE_CREATE)
def create_service(request: Request, organization_id: str, body: ServicePost) -> Response:
    """Create a service; its password is in this answer and nowhere else."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    body.refuse_unsupported()
    wanted = ServiceRequest(
        name=body.name,
        provider=body.provider,
        region=body.region,
        ip_access=sources(body.ipAccessList),
        idle_scaling=body.idleScaling,
        idle_timeout_minutes=body.idleTimeoutMinutes,
        memory_gb=one_limit(body.minReplicaMemoryGb, body.maxReplicaMemoryGb) or MIN_MEMORY_GB,
    )
    with plane.audit.unit_of_work(caller.context) as uow:
        new = actions.create_service(uow, wanted, organization_id=organization_id, now=plane.clock.now())
    plane.jobs.notify(new.service.region)
    return success(request, {"service": view(plane, new.service), "password": new.password.reveal()})


@router.get("/{service_id}")
@access(Permission.SERVICE_VIEW)
def get_service(request: Request, organization_id: str, service_id: str) -> Response:
    """One service."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        found = store.require(connection, organization_id=organization_id, service_id=parse_uuid(service_id))
    return _tagged(success(request, view(plane, found)), found)


@router.patch("/{service_id}")
@access(Permission.IP_ACCESS_MANAGE)
def update_service(request: Request, organization_id: str, service_id: str, body: ServicePatch) -> Response:
    """Rename a service or change who may reach it, in one transaction.

    `If-Match` with the `ETag` of an earlier answer refuses the change if the IP access list has changed since.
    """
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    body.refuse_unsupported()
    if body.model_fields_set - {"ipAccessList"}:
        authorization.require(
            caller.principal,
            Permission.SERVICE_MANAGE,
            organization_id=organization_id,
            service_id=parse_uuid(service_id),
        )
    lists = body.ipAccessList or AccessListPatch()
    change = ServiceChange(
        name=body.name,
        add_ip_access=sources(lists.add),
        remove_ip_access=tuple(entry.source for entry in lists.remove),
        expected_version=_expected_version(request),
    )
    with plane.audit.unit_of_work(caller.context) as uow:
        changed = actions.update_service(
            uow, change, organization_id=organization_id, service_id=parse_uuid(service_id)
        )
    plane.jobs.notify(changed.region)
    return _tagged(success(request, view(plane, changed)), changed)


@router.delete("/{service_id}")
@access(Permission.SERVICE_DELETE)
def delete_service(request: Request, organization_id: str, service_id: str) -> Response:
    """Delete a stopped or idle service."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        deleted = actions.delete_service(uow, organization_id=organization_id, service_id=parse_uuid(service_id))
    plane.jobs.notify(deleted.region)
    return success(request)


@router.patch("/{service_id}/state")
@access(Permission.SERVICE_MANAGE)
def change_state(request: Request, organization_id: str, service_id: str, body: StatePatch) -> Response:
    """Start, stop or awake a service; the answer shows the state on the way there."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        changed = actions.change_state(
            uow, body.command, organization_id=organization_id, service_id=parse_uuid(service_id)
        )
    plane.jobs.notify(changed.region)
    if changed.state is ServiceState.AWAKING:
        plane.jobs.wake(changed.region, changed.id)
    return success(request, view(plane, changed))


@router.patch("/{service_id}/password")
@access(Permission.SERVICE_MANAGE)
def reset_password(request: Request, organization_id: str, service_id: str, body: PasswordPatch) -> Response:
    """Replace the owner's password; a generated one is in this answer and nowhere else."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        password = actions.reset_password(
            uow,
            organization_id=organization_id,
            service_id=parse_uuid(service_id),
            password_sha256=body.newPasswordHash or None,
        )
        region = store.require(
            uow.connection, organization_id=organization_id, service_id=parse_uuid(service_id)
        ).region
    plane.jobs.notify(region)
    return success(request, {} if password is None else {"password": password.reveal()})


def _tagged(answer: Response, service: Service) -> Response:
    """An answer with the version of the service's IP access list, the part that is edited as a whole."""
    answer.headers["etag"] = f'"{list_version(service.ip_access)}"'
    return answer


def _expected_version(request: Request) -> str | None:
    tag = request.headers.get("if-match", "*").strip()
    if tag == "*":
        return None
    found = TAG.fullmatch(tag)
    if found is None:
        raise Invalid("If-Match takes one ETag, as an earlier answer gave it.", code="if_match_malformed")
    return found[1]
