"""The table of channels."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    insert,
    select,
    update,
)

from stronghouse.notifications.model import Channel, Kind, Level, Mode
from stronghouse.storage.columns import Timestamp, identifier, metadata

notification_channel = Table(
    "notification_channel",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("organization_id", identifier(), nullable=False),
    Column("name", String(64), nullable=False),
    Column("address", String(300), nullable=False),
    Column("sealed_url", LargeBinary, nullable=False),
    Column("minimum_severity", String(10), nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("mode", String(16), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("told_until", Timestamp, nullable=False),
    Column("attempted_at", Timestamp, nullable=True),
    Column("delivered_at", Timestamp, nullable=True),
    Column("error", Text, nullable=True),
    Column("failures", Integer, nullable=False),
    Column("hour_began", Timestamp, nullable=True),
    Column("sent_in_hour", Integer, nullable=False),
    UniqueConstraint("organization_id", "name"),
)
_own = notification_channel.c


def insert_channel(connection: Connection, new: Channel) -> None:
    """Keep a new channel."""
    connection.execute(insert(notification_channel).values(**_values(new)))


def update_channel(connection: Connection, channel_id: str, **changed: datetime | str | int | None) -> None:
    """Change what is known of a channel's deliveries; one that is gone stays gone."""
    connection.execute(update(notification_channel).where(_own.id == channel_id).values(**changed))


def delete_channel(connection: Connection, channel_id: str) -> None:
    """Remove a channel with its URL."""
    connection.execute(delete(notification_channel).where(_own.id == channel_id))


def find(connection: Connection, *, organization_id: str, channel_id: str) -> Channel | None:
    """An organization's channel by its id."""
    query = select(notification_channel).where(_own.organization_id == organization_id, _own.id == channel_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _channel(row)


def of_organization(connection: Connection, organization_id: str) -> list[Channel]:
    """An organization's channels by name."""
    query = select(notification_channel).where(_own.organization_id == organization_id).order_by(_own.name)
    return [_channel(row) for row in connection.execute(query)]


def every_channel(connection: Connection) -> list[Channel]:
    """All channels of all organizations."""
    return [_channel(row) for row in connection.execute(select(notification_channel).order_by(_own.id))]


def _values(channel: Channel) -> dict[str, Any]:
    return {
        **channel.__dict__,
        "minimum_severity": channel.minimum_severity.value,
        "kinds": [kind.value for kind in channel.kinds],
        "mode": channel.mode.value,
    }


def _channel(row: Row[Any]) -> Channel:
    fields = row._asdict()
    return Channel(
        **{
            **fields,
            "minimum_severity": Level(fields["minimum_severity"]),
            "kinds": tuple(Kind(kind) for kind in fields["kinds"]),
            "mode": Mode(fields["mode"]),
        }
    )
