"""The tables of guidance: which profile was chosen, which advice was declined, which tasks were opened."""

from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, String, Table, Text, and_, delete, insert, or_, select

from stronghouse.responsibility.guidance.model import Choice, Declined, Task
from stronghouse.storage.columns import Timestamp, identifier, metadata

choice = Table(
    "guidance_choice",
    metadata,
    Column("organization_id", identifier(), primary_key=True),
    Column("profile", String(64), nullable=False),
    Column("chosen_at", Timestamp, nullable=False),
    Column("actor_type", String(16), nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("actor_details", String(320), nullable=False),
)
declined = Table(
    "guidance_declined",
    metadata,
    Column("id", identifier(), primary_key=True),
    Column("organization_id", identifier(), nullable=False, index=True),
    Column("profile", String(64), nullable=False),
    Column("advice", String(400), nullable=False),
    Column("reason", Text, nullable=False),
    Column("declined_at", Timestamp, nullable=False),
    Column("until", Timestamp, nullable=False),
    Column("actor_type", String(16), nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("actor_details", String(320), nullable=False),
)
task = Table(
    "guidance_task",
    metadata,
    Column("organization_id", identifier(), primary_key=True),
    Column("difference", String(400), primary_key=True),
    Column("profile", String(64), nullable=False),
    Column("finding_id", String(64), nullable=False),
    Column("opened_at", Timestamp, nullable=False),
)


def put_choice(connection: Connection, chosen: Choice) -> None:
    """Replace the organization's choice."""
    connection.execute(delete(choice).where(choice.c.organization_id == chosen.organization_id))
    connection.execute(insert(choice).values(**chosen.__dict__))


def find_choice(connection: Connection, organization_id: str) -> Choice | None:
    """What the organization chose; None if nothing."""
    row = connection.execute(select(choice).where(choice.c.organization_id == organization_id)).one_or_none()
    return None if row is None else Choice(**row._asdict())


def insert_declined(connection: Connection, new: Declined) -> None:
    """Keep that advice was declined; it is never changed."""
    connection.execute(insert(declined).values(**new.__dict__))


def declined_in_force(connection: Connection, *, organization_id: str, profile: str, now: datetime) -> list[Declined]:
    """What the organization declined of a profile until later than `now`, newest first."""
    query = select(declined).where(_of(organization_id, profile), declined.c.until > now)
    rows = connection.execute(query.order_by(declined.c.declined_at.desc(), declined.c.id))
    return [Declined(**row._asdict()) for row in rows]


def find_declined(
    connection: Connection, *, organization_id: str, profile: str, after: str | None, limit: int
) -> list[Declined]:
    """What the organization declined of a profile, in force or over, newest first, from behind the id `after`."""
    query = select(declined).where(_of(organization_id, profile))
    if after is not None:
        last = connection.execute(select(declined).where(_of(organization_id, profile), declined.c.id == after)).first()
        if last is None:
            return []
        older = declined.c.declined_at < last.declined_at
        query = query.where(or_(older, and_(declined.c.declined_at == last.declined_at, declined.c.id > after)))
    rows = connection.execute(query.order_by(declined.c.declined_at.desc(), declined.c.id).limit(limit))
    return [Declined(**row._asdict()) for row in rows]


def _of(organization_id: str, profile: str) -> ColumnElement[bool]:
    return and_(declined.c.organization_id == organization_id, declined.c.profile == profile)


def put_task(connection: Connection, new: Task) -> None:
    """Keep that a task was opened for a difference."""
    connection.execute(insert(task).values(**new.__dict__))


def find_tasks(connection: Connection, organization_id: str) -> list[Task]:
    """The organization's open tasks."""
    query = select(task).where(task.c.organization_id == organization_id).order_by(task.c.difference)
    return [Task(**row._asdict()) for row in connection.execute(query)]


def every_task(connection: Connection) -> list[Task]:
    """The open tasks of all organizations."""
    query = select(task).order_by(task.c.organization_id, task.c.difference)
    return [Task(**row._asdict()) for row in connection.execute(query)]


def delete_task(connection: Connection, gone: Task) -> None:
    """Forget a task whose finding was closed."""
    connection.execute(
        delete(task).where(task.c.organization_id == gone.organization_id, task.c.difference == gone.difference)
    )
