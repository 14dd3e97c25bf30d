"""The services' table."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from stronghouse.access.model import Source
from stronghouse.access.roles.policies import ServiceSet
from stronghouse.kernel.errors import NotFound
from stronghouse.services.model import Service, ServiceState, Wanted
from stronghouse.services.schedule import ScheduleEntry
from stronghouse.storage.columns import Timestamp, identifier, metadata

service = Table(
    "service",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("organization_id", identifier(), nullable=False, index=True),
    Column("region", String(64), nullable=False),
    Column("slot", Integer, nullable=False),
    Column("name", String(64), nullable=False),
    Column("state", String(32), nullable=False),
    Column("wanted", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("reason", Text, nullable=True),
    Column("engine_version", String(64), nullable=True),
    Column("key_id", String(128), nullable=True),
    Column("ip_access", JSON, nullable=False),
    Column("username", String(64), nullable=False),
    Column("password_sha256", String(64), nullable=False),
    Column("idle_scaling", Boolean, nullable=False),
    Column("idle_timeout_minutes", Integer, nullable=False),
    Column("memory_gb", Integer, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("schedule", JSON(none_as_null=True), nullable=True),
    Column("active_entry_id", identifier(), nullable=True),
    Column("settings", JSON, nullable=False, server_default="{}"),
    UniqueConstraint("region", "slot"),
)


def insert_service(connection: Connection, new: Service) -> None:
    """Keep a new service."""
    connection.execute(insert(service).values(**_values(new)))


def update_service(connection: Connection, changed: Service) -> None:
    """Replace a service's fields."""
    connection.execute(update(service).where(service.c.id == changed.id).values(**_values(changed)))


def delete_service(connection: Connection, service_id: str) -> None:
    """Forget a service, which frees its slot."""
    connection.execute(delete(service).where(service.c.id == service_id))


def find(connection: Connection, *, organization_id: str, service_id: str) -> Service | None:
    """An organization's service."""
    query = select(service).where(service.c.organization_id == organization_id, service.c.id == service_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _service(row)


def require(connection: Connection, *, organization_id: str, service_id: str) -> Service:
    """An organization's service; raises NotFound."""
    found = find(connection, organization_id=organization_id, service_id=service_id)
    if found is None:
        raise NotFound("There is no such service.")
    return found


def find_in_region(connection: Connection, *, region: str, service_id: str) -> Service | None:
    """A region's service, of whichever organization."""
    row = connection.execute(
        select(service).where(service.c.region == region, service.c.id == service_id)
    ).one_or_none()
    return None if row is None else _service(row)


def organization_of(connection: Connection, service_id: str, *, region: str | None = None) -> str | None:
    """Whose a service is; None for one that does not exist, or lies in another region than the one named."""
    query = select(service.c.organization_id).where(service.c.id == service_id)
    if region is not None:
        query = query.where(service.c.region == region)
    return connection.execute(query).scalar_one_or_none()


def known_to_region(connection: Connection, region: str) -> set[str]:
    """Ids of the services of which the region's agent has told, by the key that it made, and that are to exist on."""
    query = select(service.c.id).where(
        service.c.region == region, service.c.key_id.is_not(None), service.c.wanted != Wanted.DELETED.value
    )
    return set(connection.execute(query).scalars())


def find_all(connection: Connection, *, organization_id: str) -> list[Service]:
    """An organization's services, oldest first."""
    query = (
        select(service).where(service.c.organization_id == organization_id).order_by(service.c.created_at, service.c.id)
    )
    return [_service(row) for row in connection.execute(query)]


def names(connection: Connection, *, organization_id: str) -> dict[str, str]:
    """Names of an organization's services by their ids."""
    query = select(service.c.id, service.c.name).where(service.c.organization_id == organization_id)
    return {row.id: row.name for row in connection.execute(query)}


def page(
    connection: Connection,
    *,
    organization_id: str,
    among: ServiceSet,
    text: str | None = None,
    state: ServiceState | None = None,
    region: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int,
) -> list[Service]:
    """Some of an organization's services, in the order of their names.

    `among` are those that may be seen; `text` is part of a name, or a whole id; `after` is the name and id of the last
    one of the page before.
    """
    name = func.lower(service.c.name)
    query = select(service).where(service.c.organization_id == organization_id, _is_in(among))
    if text is not None:
        query = query.where(service.c.name.icontains(text, autoescape=True) | (service.c.id == text.lower()))
    if state is not None:
        query = query.where(service.c.state == state.value)
    if region is not None:
        query = query.where(service.c.region == region)
    if after is not None:
        query = query.where(tuple_(name, service.c.id) > tuple_(func.lower(after[0]), literal(after[1])))
    return [_service(row) for row in connection.execute(query.order_by(name, service.c.id).limit(limit))]


def _is_in(services: ServiceSet) -> ColumnElement[bool]:
    """Whether a row is one of these services."""
    return service.c.id.not_in(services.named) if services.others else service.c.id.in_(services.named)


def counts_by_state(connection: Connection, organization_id: str, *, among: ServiceSet) -> dict[ServiceState, int]:
    """How many of these services of an organization are in each state that one of them is in."""
    query = (
        select(service.c.state, func.count())
        .where(service.c.organization_id == organization_id, _is_in(among))
        .group_by(service.c.state)
    )
    return {ServiceState(state): count for state, count in connection.execute(query)}


def every_service(connection: Connection) -> list[Service]:
    """Every organization's services, in the order of their ids."""
    return [_service(row) for row in connection.execute(select(service).order_by(service.c.id))]


def with_schedule(connection: Connection) -> list[Service]:
    """The services whose limits change by themselves."""
    query = select(service).where(service.c.schedule.is_not(None)).order_by(service.c.id)
    return [_service(row) for row in connection.execute(query)]


def taken_slots(connection: Connection, *, region: str) -> set[int]:
    """The slots in use in a region."""
    return set(connection.execute(select(service.c.slot).where(service.c.region == region)).scalars())


def _values(value: Service) -> dict[str, Any]:
    row = dict(value.__dict__)
    row["state"], row["wanted"] = value.state.value, value.wanted.value
    row["ip_access"] = [entry.__dict__ for entry in value.ip_access]
    row["schedule"] = [asdict(entry) for entry in value.schedule] or None
    row["settings"] = dict(value.settings)
    return row


def _service(row: Row[Any]) -> Service:
    fields = row._asdict()
    fields["state"], fields["wanted"] = ServiceState(fields["state"]), Wanted(fields["wanted"])
    fields["ip_access"] = tuple(Source(**entry) for entry in fields["ip_access"])
    fields["schedule"] = tuple(
        ScheduleEntry(**{**entry, "weekdays": tuple(entry["weekdays"])}) for entry in fields["schedule"] or ()
    )
    return Service(**fields)
