"""What may be done with services. Each act stores the wish and publishes it to the region in one transaction."""

import base64
import dataclasses
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from stronghouse.access.model import Source
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Conflict, Invalid
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from stronghouse.regions import actions as regions
from stronghouse.services import events, store
from stronghouse.services.access_preview import list_version, preview
from stronghouse.services.model import DELETABLE, SLOTS, Command, Service, ServiceState, Wanted
from stronghouse.services.publishing import find_service, publish, refuse_while_deleting, save
from stronghouse.services.requests import ServiceChange, ServiceRequest, changed_sources, check_name, check_sources

OWNER = "default"


@dataclass(frozen=True)
class NewService:
    """A service just asked for, and its owner's password, shown once."""

    service: Service
    password: Secret


def create_service(uow: UnitOfWork, request: ServiceRequest, *, organization_id: str, now: datetime) -> NewService:
    """Ask for a service in a region.

    Raises:
        Invalid: a field is wrong, or no such region; the sentence lists the regions there are.
        Conflict: the region has no port left.
    """
    request.check()
    region = regions.resolve_region(uow.connection, provider=request.provider, region=request.region)
    password = generate_password()
    service = Service(
        id=new_id(),
        organization_id=organization_id,
        region=region.id,
        slot=_free_slot(uow, region.id),
        name=request.name.strip(),
        state=ServiceState.PROVISIONING,
        wanted=Wanted.RUNNING,
        version=0,
        reason=None,
        engine_version=None,
        key_id=None,
        ip_access=changed_sources((), add=request.ip_access, remove=()),
        username=OWNER,
        password_sha256=sha256_text(password),
        idle_scaling=request.idle_scaling,
        idle_timeout_minutes=request.idle_timeout_minutes,
        memory_gb=request.memory_gb,
        created_at=now,
    )
    service = publish(uow, service)
    store.insert_service(uow.connection, service)
    uow.record(
        events.ServiceCreated(
            organization_id=organization_id,
            service_id=service.id,
            name=service.name,
            region=service.region,
            ip_access=_lines(service),
        )
    )
    return NewService(service, password)


def update_service(uow: UnitOfWork, change: ServiceChange, *, organization_id: str, service_id: str) -> Service:
    """Rename a service, change who may reach it, or both; the same again changes and records nothing.

    Raises:
        Conflict: the IP access list is no longer the one that the change was made for.
    """
    service = find_service(uow, organization_id=organization_id, service_id=service_id)
    refuse_while_deleting(service)
    if change.expected_version is not None:
        _refuse_stale(service, change.expected_version)
    changed = service
    if change.name is not None and change.name.strip() != service.name:
        check_name(change.name)
        changed = dataclasses.replace(changed, name=change.name.strip())
        uow.record(
            events.ServiceRenamed(
                organization_id=organization_id, service_id=service_id, before=service.name, after=changed.name
            )
        )
    access = changed_sources(service.ip_access, add=change.add_ip_access, remove=change.remove_ip_access)
    if access != service.ip_access:
        changed = _with_access(uow, changed, access)
    return service if changed is service else save(uow, changed)


def replace_ip_access(
    uow: UnitOfWork,
    *,
    organization_id: str,
    service_id: str,
    wanted: tuple[Source, ...],
    expected_version: str,
    own_address: str | None,
    lock_out_accepted: bool,
) -> Service:
    """Put a whole new IP access list in place of the one that was previewed; the same again changes nothing.

    `expected_version` is the preview's; `own_address` is where the caller comes from, and `lock_out_accepted` whether
    they know that it loses its access.

    Raises:
        Invalid: an entry is no address or block, or there are too many.
        Conflict: the list is no longer the one that was previewed, or the caller would be locked out unawares.
    """
    service = find_service(uow, organization_id=organization_id, service_id=service_id)
    refuse_while_deleting(service)
    effect = preview(service.ip_access, wanted, own_address=own_address, connected=None)
    if not effect.changes_anything:
        return service
    _refuse_stale(service, expected_version)
    if effect.locks_out_self and not lock_out_accepted:
        raise Conflict(
            f"This would lock out {own_address}, the address that you come from: it may connect now, and no entry of "
            "the new list holds it. Add it, or confirm that you want this.",
            code="ip_access_locks_out",
        )
    return save(uow, _with_access(uow, service, changed_sources((), add=wanted, remove=())))


def change_state(uow: UnitOfWork, command: Command, *, organization_id: str, service_id: str) -> Service:
    """Start, stop or awake; what is so already is answered as it is. Awaking also needs the job that the caller sends.

    Raises:
        Conflict: the service is being deleted, or `awake` on a stopped one.
    """
    service = find_service(uow, organization_id=organization_id, service_id=service_id)
    refuse_while_deleting(service)
    match command:
        case Command.STOP:
            if service.wanted is Wanted.STOPPED:
                return service
            uow.record(events.ServiceStopRequested(organization_id=organization_id, service_id=service_id))
            return save(uow, dataclasses.replace(service, wanted=Wanted.STOPPED, state=ServiceState.STOPPING))
        case Command.START if service.wanted is Wanted.STOPPED:
            uow.record(events.ServiceStartRequested(organization_id=organization_id, service_id=service_id))
            return save(uow, dataclasses.replace(service, wanted=Wanted.RUNNING, state=ServiceState.STARTING))
        case Command.AWAKE if service.wanted is Wanted.STOPPED:
            raise Conflict(
                f"A stopped service cannot be awakened; start it. Current state: '{service.state}'.",
                code="service_stopped",
            )
    if service.state is not ServiceState.IDLE:
        return service
    uow.record(events.ServiceAwakened(organization_id=organization_id, service_id=service_id))
    awaking = dataclasses.replace(service, state=ServiceState.AWAKING)
    store.update_service(uow.connection, awaking)
    return awaking


def reset_password(
    uow: UnitOfWork, *, organization_id: str, service_id: str, password_sha256: str | None
) -> Secret | None:
    """Replace the owner's password by a hash that the caller made, or by a new one, which is returned once.

    Raises:
        Invalid: the hash is not base64(SHA-256(password)).
    """
    service = find_service(uow, organization_id=organization_id, service_id=service_id)
    refuse_while_deleting(service)
    password = None if password_sha256 else generate_password()
    verifier = password_sha256 or sha256_text(password or Secret(""))
    _check_sha256(verifier)
    uow.record(
        events.ServicePasswordReset(
            organization_id=organization_id, service_id=service_id, generated=password is not None
        )
    )
    save(uow, dataclasses.replace(service, password_sha256=verifier))
    return password


def delete_service(uow: UnitOfWork, *, organization_id: str, service_id: str) -> Service:
    """Ask for a service's end: its key is destroyed, then its data; afterwards it is not found any more.

    Raises:
        Conflict: it is not stopped, idle or failed.
    """
    service = find_service(uow, organization_id=organization_id, service_id=service_id)
    if service.wanted is Wanted.DELETED:
        return service
    if service.state not in DELETABLE:
        raise Conflict(
            f"The service must be stopped before it is deleted. Current state: '{service.state}'.",
            code="service_not_stopped",
        )
    uow.record(events.ServiceDeleteRequested(organization_id=organization_id, service_id=service_id, name=service.name))
    return save(uow, dataclasses.replace(service, wanted=Wanted.DELETED, state=ServiceState.TERMINATING))


def generate_password() -> Secret:
    """A password of 192 random bits with every class of character that password rules ask for."""
    return Secret(f"{secrets.token_urlsafe(24)}_aA1")


def sha256_text(password: Secret) -> str:
    """base64(SHA-256(password)), the form of the Cloud API's `newPasswordHash`."""
    return base64.b64encode(hashlib.sha256(password.reveal().encode()).digest()).decode()


def _check_sha256(value: str) -> None:
    try:
        size = len(base64.b64decode(value, validate=True))
    except ValueError:  # binascii.Error is one, and text beyond ASCII is another
        size = 0
    if size != hashlib.sha256().digest_size:
        raise Invalid("newPasswordHash is base64(SHA-256(password)).", code="hash_malformed")


def _refuse_stale(service: Service, expected_version: str) -> None:
    if list_version(service.ip_access) != expected_version:
        raise Conflict(
            "The IP access list has been changed meanwhile; look at what it says now, then decide again.",
            code="ip_access_stale",
        )


def _with_access(uow: UnitOfWork, service: Service, access: tuple[Source, ...]) -> Service:
    check_sources(access)
    changed = dataclasses.replace(service, ip_access=access)
    uow.record(
        events.ServiceIpAccessChanged(
            organization_id=service.organization_id,
            service_id=service.id,
            before=_lines(service),
            after=_lines(changed),
        )
    )
    return changed


def _free_slot(uow: UnitOfWork, region_id: str) -> int:
    taken = store.taken_slots(uow.connection, region=region_id)
    for slot in range(SLOTS):
        if slot not in taken:
            return slot
    raise Conflict(
        f"Region {region_id} has a port for {SLOTS} services and all are taken; delete one first.",
        code="slots_exhausted",
    )


def _lines(service: Service) -> list[str]:
    return [f"{entry.source} {entry.description}".strip() for entry in service.ip_access]
