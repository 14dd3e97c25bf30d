"""The query endpoints' table."""

from typing import Any

from sqlalchemy import JSON, Column, Connection, Row, Table, Text, delete, insert, select, update

from stronghouse.services.query_endpoints.model import QueryEndpoint, QueryRole
from stronghouse.storage.columns import Timestamp, identifier, metadata

query_endpoint = Table(
    "query_endpoint",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("service_id", identifier(), nullable=False, unique=True),
    Column("organization_id", identifier(), nullable=False, index=True),
    Column("roles", JSON, nullable=False),
    Column("key_ids", JSON, nullable=False),
    Column("allowed_origins", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)


def insert_endpoint(connection: Connection, new: QueryEndpoint) -> None:
    """Keep a new endpoint."""
    connection.execute(insert(query_endpoint).values(**_values(new)))


def update_endpoint(connection: Connection, changed: QueryEndpoint) -> None:
    """Replace an endpoint's fields."""
    connection.execute(update(query_endpoint).where(query_endpoint.c.id == changed.id).values(**_values(changed)))


def delete_endpoint(connection: Connection, endpoint_id: str) -> None:
    """Forget an endpoint."""
    connection.execute(delete(query_endpoint).where(query_endpoint.c.id == endpoint_id))


def find(connection: Connection, *, organization_id: str, service_id: str) -> QueryEndpoint | None:
    """The endpoint of an organization's service."""
    query = select(query_endpoint).where(
        query_endpoint.c.organization_id == organization_id, query_endpoint.c.service_id == service_id
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _endpoint(row)


def naming_key(connection: Connection, *, organization_id: str, key_id: str) -> list[QueryEndpoint]:
    """The organization's endpoints that an API key may use."""
    query = select(query_endpoint).where(query_endpoint.c.organization_id == organization_id)
    found = (_endpoint(row) for row in connection.execute(query.order_by(query_endpoint.c.service_id)))
    return [endpoint for endpoint in found if key_id in endpoint.key_ids]


def _values(value: QueryEndpoint) -> dict[str, Any]:
    row = dict(value.__dict__)
    row["roles"], row["key_ids"] = [role.value for role in value.roles], list(value.key_ids)
    return row


def _endpoint(row: Row[Any]) -> QueryEndpoint:
    fields = row._asdict()
    fields["roles"] = tuple(QueryRole(role) for role in fields["roles"])
    fields["key_ids"] = tuple(fields["key_ids"])
    return QueryEndpoint(**fields)
