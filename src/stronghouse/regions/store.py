"""The tables of regions, agents, join tokens and desired state."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    Row,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from stronghouse.kernel.canonical import Json
from stronghouse.regions.model import Agent, DesiredDocument, JoinToken, Region
from stronghouse.storage.columns import Timestamp, identifier, metadata

region = Table(
    "region",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("cloud_provider", String(32), nullable=True),
    Column("cloud_region", String(64), nullable=True),
    Column("version", BigInteger, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)
agent = Table(
    "agent",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("region_id", String(64), ForeignKey("region.id"), nullable=False, index=True),
    Column("joined_at", Timestamp, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("pending_fingerprint", String(64), nullable=True),
    Column("certificate_expires_at", Timestamp, nullable=False),
    Column("last_seen_at", Timestamp, nullable=True),
    Column("connected", Boolean, nullable=False),
    Column("clock_skew_ms", BigInteger, nullable=True),
    Column("software", String(64), nullable=True),
    Column("protocol", Integer, nullable=True),
    Column("applied_version", BigInteger, nullable=True),
    Column("revoked_at", Timestamp, nullable=True),
)
join_token = Table(
    "join_token",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("region_id", String(64), ForeignKey("region.id"), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("request_hash", String(64), nullable=True),
    Column("agent_id", identifier(), nullable=True),
)
desired = Table(
    "desired",
    metadata,
    Column("region_id", String(64), ForeignKey("region.id"), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("document", JSON, nullable=False),
)


def insert_region(connection: Connection, new: Region) -> None:
    """Keep a new region."""
    connection.execute(insert(region).values(**new.__dict__))


def find_region(connection: Connection, region_id: str) -> Region | None:
    """A region by its name."""
    row = connection.execute(select(region).where(region.c.id == region_id)).one_or_none()
    return None if row is None else Region(**row._asdict())


def find_regions(connection: Connection) -> list[Region]:
    """All regions, oldest first."""
    rows = connection.execute(select(region).order_by(region.c.created_at, region.c.id))
    return [Region(**row._asdict()) for row in rows]


def raise_version(connection: Connection, region_id: str) -> int | None:
    """Add one to a region's desired version; the new version, or None where there is no such region."""
    change = update(region).where(region.c.id == region_id).values(version=region.c.version + 1)
    return connection.execute(change.returning(region.c.version)).scalar_one_or_none()


def put_desired(
    connection: Connection,
    *,
    region_id: str,
    kind: str,
    resource_id: str,
    version: int,
    document: dict[str, Json] | None,
) -> None:
    """Replace what is wanted of one resource; None takes it out of the desired state."""
    scope = (desired.c.region_id == region_id, desired.c.kind == kind, desired.c.id == resource_id)
    connection.execute(delete(desired).where(*scope))
    if document is not None:
        row = {"region_id": region_id, "kind": kind, "id": resource_id, "version": version, "document": document}
        connection.execute(insert(desired).values(**row))


def find_desired(connection: Connection, region_id: str) -> tuple[DesiredDocument, ...]:
    """Everything that is wanted of a region, by kind and id."""
    query = select(desired).where(desired.c.region_id == region_id).order_by(desired.c.kind, desired.c.id)
    return tuple(
        DesiredDocument(kind=row.kind, id=row.id, version=row.version, document=row.document)
        for row in connection.execute(query)
    )


def insert_token(connection: Connection, new: JoinToken) -> None:
    """Keep a new join token."""
    connection.execute(insert(join_token).values(**new.__dict__))


def find_token(connection: Connection, token_id: str) -> JoinToken | None:
    """A join token by its public half."""
    row = connection.execute(select(join_token).where(join_token.c.id == token_id)).one_or_none()
    return None if row is None else JoinToken(**row._asdict())


def spend_token(connection: Connection, token_id: str, *, request_hash: str, agent_id: str) -> None:
    """Bind a join token to the request that it was spent on."""
    change = update(join_token).where(join_token.c.id == token_id)
    connection.execute(change.values(request_hash=request_hash, agent_id=agent_id))


def delete_expired_tokens(connection: Connection, *, before: datetime) -> None:
    """Forget join tokens that expired before a time."""
    connection.execute(delete(join_token).where(join_token.c.expires_at < before))


def insert_agent(connection: Connection, new: Agent) -> None:
    """Keep an agent that just joined."""
    connection.execute(insert(agent).values(**new.__dict__))


def find_agent(connection: Connection, agent_id: str) -> Agent | None:
    """An agent by its id."""
    row = connection.execute(select(agent).where(agent.c.id == agent_id)).one_or_none()
    return None if row is None else _agent(row)


def find_agents(connection: Connection, *, region_id: str | None = None) -> list[Agent]:
    """The agents that are not revoked, of one region or of all, oldest first."""
    query = select(agent).where(agent.c.revoked_at.is_(None)).order_by(agent.c.joined_at, agent.c.id)
    if region_id is not None:
        query = query.where(agent.c.region_id == region_id)
    return [_agent(row) for row in connection.execute(query)]


def update_agent(connection: Connection, agent_id: str, **values: object) -> None:
    """Set columns of an agent."""
    connection.execute(update(agent).where(agent.c.id == agent_id).values(**values))


def disconnect_all(connection: Connection) -> None:
    """Note that no agent holds a stream: true whenever the listener starts."""
    connection.execute(update(agent).where(agent.c.connected).values(connected=False))


def _agent(row: Row[Any]) -> Agent:
    return Agent(**row._asdict())
