"""What may be done with query endpoints. Each act stores the wish and publishes it to the region in one transaction.

The region is given the hashes of those keys only that an endpoint names, with what makes a key hold: its state, its
expiry and its IP access list. So it decides by itself, and a key that it was not given is one that does not exist.
"""

import dataclasses
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.access import store as access
from stronghouse.access.model import Principal
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import SERVICE, DatabaseRole, Grant
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Conflict, Denied, Invalid, NotFound
from stronghouse.kernel.ids import new_id, parse_uuid
from stronghouse.kernel.networks import parse_source
from stronghouse.regions import actions as regions
from stronghouse.services.model import Service, Wanted
from stronghouse.services.publishing import find_service
from stronghouse.services.query_endpoints import events, store
from stronghouse.services.query_endpoints.model import EndpointRequest, QueryEndpoint, QueryRole, origins_of

DESIRED_KIND = "query_endpoint"
MAX_SOURCES = 1000
"""Entries of the IP access lists of all keys of one endpoint: a region's desired state is one message."""


def find_endpoint(connection: Connection, *, organization_id: str, service_id: str) -> QueryEndpoint:
    """A service's endpoint; raises NotFound where it has none."""
    found = store.find(connection, organization_id=organization_id, service_id=service_id)
    if found is None:
        raise NotFound("This service has no query endpoint.", code="query_endpoint_absent")
    return found


def set_endpoint(
    uow: UnitOfWork,
    request: EndpointRequest,
    *,
    organization_id: str,
    service_id: str,
    editor: Principal,
    now: datetime,
) -> tuple[QueryEndpoint, Service]:
    """Make a service's endpoint or replace all of it but its id; the same again changes and records nothing.

    Raises:
        Denied: the editor can neither manage the service nor do in its databases what the keys could.
        NotFound: there is no such service.
        Invalid: no role is named, a key is not the organization's, or an origin is malformed.
        Conflict: the service is being deleted.
    """
    service = find_service(uow, organization_id=organization_id, service_id=service_id)
    if service.wanted is Wanted.DELETED:
        raise Conflict(f"The service is being deleted. Current state: '{service.state}'.", code="service_terminating")
    roles, key_ids = tuple(dict.fromkeys(request.roles)), tuple(dict.fromkeys(request.key_ids))
    if not roles:
        raise Invalid("roles names sql_console_read_only or sql_console_admin.", code="roles_missing")
    _check_given(roles, editor, organization_id=organization_id, service_id=service_id)
    _check_keys(uow.connection, organization_id, key_ids)
    origins_of(request.allowed_origins)
    before = store.find(uow.connection, organization_id=organization_id, service_id=service_id)
    endpoint = QueryEndpoint(
        id=before.id if before else new_id(),
        service_id=service_id,
        organization_id=organization_id,
        roles=roles,
        key_ids=key_ids,
        allowed_origins=request.allowed_origins.strip(),
        created_at=before.created_at if before else now,
    )
    if endpoint == before:
        return endpoint, service
    _keep(uow, endpoint, before)
    publish(uow, endpoint, region_id=service.region)
    return endpoint, service


def _keep(uow: UnitOfWork, endpoint: QueryEndpoint, before: QueryEndpoint | None) -> None:
    """Store an endpoint in the place of the one before, with its event."""
    if before is None:
        store.insert_endpoint(uow.connection, endpoint)
    else:
        store.update_endpoint(uow.connection, endpoint)
    uow.record(
        events.QueryEndpointSet(
            organization_id=endpoint.organization_id,
            service_id=endpoint.service_id,
            endpoint_id=endpoint.id,
            before_roles=[role.value for role in before.roles] if before else [],
            before_keys=list(before.key_ids) if before else [],
            before_origins=before.allowed_origins if before else "",
            roles=[role.value for role in endpoint.roles],
            keys=list(endpoint.key_ids),
            origins=endpoint.allowed_origins,
        )
    )


def _check_given(roles: tuple[QueryRole, ...], editor: Principal, *, organization_id: str, service_id: str) -> None:
    """Nobody gives what they do not hold: who manages the service could give its owner another password anyway."""
    rights = editor.rights_in(organization_id)
    if rights.may(Permission.SERVICE_MANAGE, service_id):
        return
    wanted = DatabaseRole.ADMIN if QueryRole.ADMIN in roles else DatabaseRole.READ_ONLY
    held = rights.may(Permission.DATABASE_ACCESS, service_id)
    if not held or not Grant(f"{SERVICE}{service_id}", wanted).is_within(rights.databases):
        raise Denied(
            f"You cannot give what you do not hold: {Permission.SERVICE_MANAGE}, or access to all databases as "
            f"{wanted}.",
            code="grant_exceeds_own",
        )


def delete_endpoint(uow: UnitOfWork, *, organization_id: str, service_id: str) -> Service:
    """Take a service's endpoint away; the service. Raises NotFound where there is no service or it has none."""
    service = find_service(uow, organization_id=organization_id, service_id=service_id)
    endpoint = find_endpoint(uow.connection, organization_id=organization_id, service_id=service_id)
    store.delete_endpoint(uow.connection, endpoint.id)
    uow.record(
        events.QueryEndpointDeleted(organization_id=organization_id, service_id=service_id, endpoint_id=endpoint.id)
    )
    regions.publish(uow, region_id=service.region, kind=DESIRED_KIND, resource_id=service_id, document=None)
    return service


def remove_key(uow: UnitOfWork, endpoint: QueryEndpoint, key_id: str) -> QueryEndpoint:
    """Take a key that was deleted out of an endpoint that names it."""
    changed = dataclasses.replace(endpoint, key_ids=tuple(one for one in endpoint.key_ids if one != key_id))
    store.update_endpoint(uow.connection, changed)
    uow.record(
        events.QueryEndpointKeyRemoved(
            organization_id=endpoint.organization_id,
            service_id=endpoint.service_id,
            endpoint_id=endpoint.id,
            key_id=key_id,
        )
    )
    return changed


def publish(uow: UnitOfWork, endpoint: QueryEndpoint, *, region_id: str) -> None:
    """Give the region the endpoint as it is now, with its keys as they are now.

    Raises:
        Invalid: the IP access lists of its keys are too long together.
    """
    hashes = access.key_hashes(uow.connection, endpoint.key_ids)
    keys: list[Json] = []
    sources = 0
    for key_id in endpoint.key_ids:
        key = access.key(uow.connection, organization_id=endpoint.organization_id, key_id=key_id)
        if key is None or key_id not in hashes:
            continue
        key_id_hash, key_secret_hash = hashes[key_id]
        sources += len(key.ip_access)
        keys.append(
            {
                "id": key.id,
                "key_id_hash": key_id_hash,
                "key_secret_hash": key_secret_hash,
                "enabled": key.state == "enabled",
                "expires_at": None if key.expires_at is None else rfc3339(key.expires_at),
                "ip_access": [str(parse_source(entry.source)) for entry in key.ip_access],
            }
        )
    if sources > MAX_SOURCES:
        raise Invalid(
            f"The IP access lists of the API keys of one query endpoint have at most {MAX_SOURCES} entries together.",
            code="ip_access_too_long",
        )
    document: dict[str, Json] = {
        "id": endpoint.id,
        "service_id": endpoint.service_id,
        "roles": [role.value for role in endpoint.roles],
        "allowed_origins": [*origins_of(endpoint.allowed_origins)],
        "keys": keys,
    }
    regions.publish(uow, region_id=region_id, kind=DESIRED_KIND, resource_id=endpoint.service_id, document=document)


def _check_keys(connection: Connection, organization_id: str, key_ids: tuple[str, ...]) -> None:
    for key_id in key_ids:
        try:
            known = access.key(connection, organization_id=organization_id, key_id=parse_uuid(key_id))
        except NotFound:
            known = None
        if known is None:
            raise Invalid(
                f"openApiKeys names {key_id[:64]!r}, which is not the id of an API key of this organization.",
                code="key_unknown",
            )
