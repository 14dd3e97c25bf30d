"""The organizations' table."""

from collections.abc import Iterable

from sqlalchemy import Column, Connection, String, Table, insert, select, update

from stronghouse.organizations.model import Organization
from stronghouse.storage.columns import Timestamp, identifier, metadata

organization = Table(
    "organization",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("name", String(256), nullable=False),
    Column("created_at", Timestamp, nullable=False),
)


def insert_organization(connection: Connection, new: Organization) -> None:
    """Keep a new organization."""
    connection.execute(insert(organization).values(**new.__dict__))


def rename(connection: Connection, *, organization_id: str, name: str) -> None:
    """Change an organization's name."""
    connection.execute(update(organization).where(organization.c.id == organization_id).values(name=name))


def find(connection: Connection, organization_id: str) -> Organization | None:
    """An organization by id."""
    row = connection.execute(select(organization).where(organization.c.id == organization_id)).one_or_none()
    return None if row is None else Organization(**row._asdict())


def find_all(connection: Connection, ids: Iterable[str]) -> list[Organization]:
    """These organizations, oldest first."""
    query = (
        select(organization)
        .where(organization.c.id.in_(list(ids)))
        .order_by(organization.c.created_at, organization.c.id)
    )
    return [Organization(**row._asdict()) for row in connection.execute(query)]


def every_organization(connection: Connection) -> list[Organization]:
    """All organizations, oldest first."""
    rows = connection.execute(select(organization).order_by(organization.c.created_at, organization.c.id))
    return [Organization(**row._asdict()) for row in rows]


def first_id(connection: Connection) -> str | None:
    """The oldest organization's id; None before the installation is set up."""
    query = select(organization.c.id).order_by(organization.c.created_at, organization.c.id).limit(1)
    return connection.execute(query).scalar_one_or_none()
