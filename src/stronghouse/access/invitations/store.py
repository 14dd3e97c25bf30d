"""The table of invitations. What was accepted, revoked or expired is not in it: the audit log tells of those."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    delete,
    insert,
    select,
    update,
)

from stronghouse.access.invitations.model import Channel, Invitation
from stronghouse.storage.columns import Timestamp, identifier, metadata

invitation = Table(
    "invitation",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("organization_id", identifier(), nullable=False),
    Column("email", String(320), nullable=False),
    Column("role_ids", JSON, nullable=False),
    Column("inviter", String(64), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("channel", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("attempted_at", Timestamp, nullable=True),
    Column("next_attempt_at", Timestamp, nullable=True),
    Column("delivered_at", Timestamp, nullable=True),
    Column("error", String(300), nullable=True),
    Column("token_hash", String(64), nullable=True, unique=True),
    UniqueConstraint("organization_id", "email", name="uq_invitation_email"),
)
_OWN = [column for column in invitation.c if column.name != "token_hash"]


def insert_invitation(connection: Connection, new: Invitation) -> None:
    """Keep a new invitation, without a link so far."""
    values = {**new.__dict__, "role_ids": list(new.role_ids), "channel": new.channel.value}
    connection.execute(insert(invitation).values(**values))


def pending(connection: Connection, organization_id: str, *, now: datetime) -> list[Invitation]:
    """An organization's invitations that can be accepted, by address."""
    query = select(*_OWN).where(invitation.c.organization_id == organization_id, invitation.c.expires_at > now)
    return [_invitation(row) for row in connection.execute(query.order_by(invitation.c.email))]


def find(connection: Connection, *, organization_id: str, invitation_id: str, now: datetime) -> Invitation | None:
    """One of them by its id."""
    own = (invitation.c.organization_id == organization_id) & (invitation.c.id == invitation_id)
    row = connection.execute(select(*_OWN).where(own, invitation.c.expires_at > now)).one_or_none()
    return None if row is None else _invitation(row)


def by_email(connection: Connection, *, organization_id: str, email: str) -> Invitation | None:
    """The invitation of an address, be it past its end."""
    own = (invitation.c.organization_id == organization_id) & (invitation.c.email == email)
    row = connection.execute(select(*_OWN).where(own)).one_or_none()
    return None if row is None else _invitation(row)


def by_token_hash(connection: Connection, token_hash: str, *, now: datetime) -> Invitation | None:
    """The invitation whose link this is, in whichever organization."""
    query = select(*_OWN).where(invitation.c.token_hash == token_hash, invitation.c.expires_at > now)
    row = connection.execute(query).one_or_none()
    return None if row is None else _invitation(row)


def due(connection: Connection, *, now: datetime) -> list[Invitation]:
    """Invitations of all organizations whose link is to be mailed now, those that wait longest first."""
    query = select(*_OWN).where(
        invitation.c.channel == Channel.MAIL.value, invitation.c.next_attempt_at <= now, invitation.c.expires_at > now
    )
    rows = connection.execute(query.order_by(invitation.c.next_attempt_at, invitation.c.id))
    return [_invitation(row) for row in rows]


def expired(connection: Connection, *, now: datetime) -> list[Invitation]:
    """Invitations of all organizations that nobody accepted in time."""
    rows = connection.execute(select(*_OWN).where(invitation.c.expires_at <= now).order_by(invitation.c.id))
    return [_invitation(row) for row in rows]


def update_invitation(connection: Connection, invitation_id: str, **changed: Any) -> bool:  # noqa: ANN401 - columns
    """Change what is known of the delivery, or the link; whether it was there still."""
    statement = update(invitation).where(invitation.c.id == invitation_id).values(**changed)
    return connection.execute(statement).rowcount > 0


def delete_invitation(connection: Connection, invitation_id: str) -> None:
    """Forget an invitation with its link."""
    connection.execute(delete(invitation).where(invitation.c.id == invitation_id))


def _invitation(row: Row[Any]) -> Invitation:
    fields = row._asdict()
    return Invitation(**{**fields, "role_ids": tuple(fields["role_ids"]), "channel": Channel(fields["channel"])})
