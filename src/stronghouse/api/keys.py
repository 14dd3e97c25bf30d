"""`/v1/organizations/{organization}/keys`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stronghouse.access import api_keys, store
from stronghouse.access.model import ApiKey
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.store import roles_of
from stronghouse.access.roles.system import Roles, held
from stronghouse.api.envelope import success
from stronghouse.api.fields import Body, Moment, SourceBody, in_utc, source_list, sources
from stronghouse.api.routing import Caller, GuardedRoute, access
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.kernel.ids import parse_uuid
from stronghouse.plane.parts import ControlPlane

router = APIRouter(route_class=GuardedRoute, prefix="/organizations/{organization_id}/keys")

LEGACY_ROLES = "This organization uses role ids. Use 'assignedRoleIds' instead of 'roles'."


class HashData(Body):
    """Hashes of a key that the caller made."""

    keyIdHash: str  # noqa: N815 - the wire's names
    keyIdSuffix: str  # noqa: N815
    keySecretHash: str  # noqa: N815


class KeyPost(Body):
    """A new key."""

    name: str
    assignedRoleIds: list[str] = Field(default_factory=list, max_length=100)  # noqa: N815
    roles: list[str] | None = None
    ipAccessList: list[SourceBody] = Field(default_factory=list, max_length=1000)  # noqa: N815
    state: Literal["enabled", "disabled"] = "enabled"
    expireAt: Moment = None  # noqa: N815
    hashData: HashData | None = None  # noqa: N815


class KeyPatch(Body):
    """A change of a key; lists replace, `expireAt: null` clears."""

    name: str | None = None
    assignedRoleIds: list[str] | None = Field(default=None, max_length=100)  # noqa: N815
    roles: list[str] | None = None
    ipAccessList: list[SourceBody] | None = Field(default=None, max_length=1000)  # noqa: N815
    state: Literal["enabled", "disabled"] | None = None
    expireAt: Moment = None  # noqa: N815


@router.get("")
@access(Permission.API_KEYS_VIEW)
def list_keys(
    request: Request,
    organization_id: str,
    limit: Annotated[int | None, Query(ge=1, le=1000)] = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """The organization's keys; all of them unless `limit` is given, then `nextCursor` says where to go on."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        wanted = None if limit is None else limit + 1
        found = store.keys(connection, organization_id=organization_id, after=cursor, limit=wanted)
        roles = roles_of(connection, organization_id)
    more = limit is not None and len(found) > limit
    shown = found[:limit]
    return success(request, [view(key, roles) for key in shown], extra={"nextCursor": shown[-1].id} if more else None)


@router.post("")
@access(Permission.API_KEYS_CREATE)
def create_key(request: Request, organization_id: str, body: KeyPost) -> Response:
    """Create a key; its id and secret are in this answer and nowhere else."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    if body.roles and not body.assignedRoleIds:
        raise Invalid(LEGACY_ROLES, code="legacy_roles")
    wanted = api_keys.KeyRequest(
        name=body.name,
        role_ids=tuple(role.lower() for role in body.assignedRoleIds),
        ip_access=sources(body.ipAccessList),
        state=body.state,
        expires_at=in_utc(body.expireAt),
        hashes=hashes_of(body.hashData),
    )
    with plane.audit.unit_of_work(caller.context) as uow:
        new = api_keys.create_key(
            uow, wanted, organization_id=organization_id, creator=caller.principal, now=plane.clock.now()
        )
        roles = roles_of(uow.connection, organization_id)
    return success(request, new_view(new, roles))


@router.get("/{key_id}")
@access(Permission.API_KEYS_VIEW)
def get_key(request: Request, organization_id: str, key_id: str) -> Response:
    """One key."""
    plane: ControlPlane = request.app.state.plane
    with plane.database.read() as connection:
        key = store.key(connection, organization_id=organization_id, key_id=parse_uuid(key_id))
        roles = roles_of(connection, organization_id)
    if key is None:
        raise NotFound("There is no such API key.")
    return success(request, view(key, roles))


@router.patch("/{key_id}")
@access(Permission.API_KEYS_UPDATE)
def update_key(request: Request, organization_id: str, key_id: str, body: KeyPatch) -> Response:
    """Change a key."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    if body.roles and body.assignedRoleIds is None:
        raise Invalid(LEGACY_ROLES, code="legacy_roles")
    change = api_keys.KeyChange(
        name=body.name,
        role_ids=None if body.assignedRoleIds is None else tuple(role.lower() for role in body.assignedRoleIds),
        ip_access=None if body.ipAccessList is None else sources(body.ipAccessList),
        state=body.state,
        expires_at=in_utc(body.expireAt),
        clear_expiry="expireAt" in body.model_fields_set and body.expireAt is None,
    )
    with plane.audit.unit_of_work(caller.context) as uow:
        key = api_keys.update_key(
            uow,
            change,
            organization_id=organization_id,
            key_id=parse_uuid(key_id),
            editor=caller.principal,
            now=plane.clock.now(),
        )
        roles = roles_of(uow.connection, organization_id)
    return success(request, view(key, roles))


@router.delete("/{key_id}")
@access(Permission.API_KEYS_DELETE)
def delete_key(request: Request, organization_id: str, key_id: str) -> Response:
    """Delete a key."""
    plane: ControlPlane = request.app.state.plane
    caller: Caller = request.state.caller
    with plane.audit.unit_of_work(caller.context) as uow:
        api_keys.delete_key(uow, organization_id=organization_id, key_id=parse_uuid(key_id), editor=caller.principal)
    return success(request)


def hashes_of(data: HashData | None) -> api_keys.KeyHashes | None:
    """The hashes of a key that the caller made, if they made it."""
    return None if data is None else api_keys.KeyHashes(data.keyIdHash, data.keyIdSuffix, data.keySecretHash)


def new_view(new: api_keys.NewKey, roles: Roles) -> dict[str, object]:
    """A key just made, with its id and secret unless the caller made those."""
    result: dict[str, object] = {"key": view(new.key, roles)}
    if new.key_id and new.key_secret:
        result |= {"keyId": new.key_id.reveal(), "keySecret": new.key_secret.reveal()}
    return result


def view(key: ApiKey, roles: Roles) -> dict[str, object]:
    """A key as the API shows it."""
    shown: dict[str, object] = {
        "id": key.id,
        "name": key.name,
        "state": key.state,
        "roles": [],
        "assignedRoles": [
            {"roleId": role.id, "roleName": role.name, "roleType": role.type} for role in held(roles, key.role_ids)
        ],
        "keySuffix": key.key_suffix,
        "createdAt": rfc3339(key.created_at),
        "expireAt": None if key.expires_at is None else rfc3339(key.expires_at),
        "ipAccessList": source_list(key.ip_access),
    }
    if key.used_at is not None:
        shown["usedAt"] = rfc3339(key.used_at.replace(second=0, microsecond=0))
    return shown
