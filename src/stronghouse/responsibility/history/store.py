"""The table of state changes: one row for each time that a row, a control or a check was seen in another state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Index, Integer, String, Table, delete, func, insert, or_, select

from stronghouse.storage.columns import Timestamp, identifier, metadata

MAX_REASON = 500
state_history = Table(
    "state_history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("organization_id", identifier(), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("previous", String(20), nullable=True),
    Column("reason", String(MAX_REASON), nullable=False),
    Column("since", Timestamp, nullable=False),
    Index("ix_state_history_subject", "organization_id", "kind", "subject", "id"),
    Index("ix_state_history_since", "organization_id", "since"),
)
ROW, CONTROL, CHECK = "row", "control", "check"


@dataclass(frozen=True)
class Transition:
    """That something was first seen in a state. `subject` of a check is `<check>@<place>`; `id` counts up."""

    id: int
    organization_id: str
    kind: str
    subject: str
    state: str
    previous: str | None
    reason: str
    since: datetime


def latest(connection: Connection, organization_id: str) -> dict[tuple[str, str], str]:
    """The state that each subject was last seen in, by kind and subject."""
    newest = (
        select(func.max(state_history.c.id))
        .where(state_history.c.organization_id == organization_id)
        .group_by(state_history.c.kind, state_history.c.subject)
    )
    query = select(state_history.c.kind, state_history.c.subject, state_history.c.state)
    return {
        (kind, subject): state
        for kind, subject, state in connection.execute(query.where(state_history.c.id.in_(newest)))
    }


def add(connection: Connection, transitions: Sequence[dict[str, object]]) -> None:
    """Keep what changed."""
    if transitions:
        connection.execute(insert(state_history), list(transitions))


def between(
    connection: Connection, *, organization_id: str, kind: str | None = None, after: datetime, until: datetime
) -> list[Transition]:
    """What changed after one moment, up to and including another, oldest first."""
    query = select(state_history).where(
        state_history.c.organization_id == organization_id,
        state_history.c.since > after,
        state_history.c.since <= until,
    )
    if kind is not None:
        query = query.where(state_history.c.kind == kind)
    return [Transition(**row._asdict()) for row in connection.execute(query.order_by(state_history.c.id))]


def page(
    connection: Connection,
    *,
    organization_id: str,
    row: str | None,
    since: datetime | None,
    until: datetime | None,
    before: int | None,
    checks: Sequence[str] = (),
    limit: int,
) -> list[Transition]:
    """Changes, newest first; of one row with its controls and `checks` where `row` is given."""
    table = state_history.c
    query = select(state_history).where(table.organization_id == organization_id)
    if row is not None:
        own = or_(table.subject == row, table.subject.startswith(f"{row}.", autoescape=True))
        places = [table.subject.startswith(f"{check}@", autoescape=True) for check in checks]
        query = query.where(or_((table.kind != CHECK) & own, *((table.kind == CHECK) & place for place in places)))
    if since is not None:
        query = query.where(table.since >= since)
    if until is not None:
        query = query.where(table.since < until)
    if before is not None:
        query = query.where(table.id < before)
    return [Transition(**found._asdict()) for found in connection.execute(query.order_by(table.id.desc()).limit(limit))]


def forget(connection: Connection, *, before: datetime) -> int:
    """Remove changes older than `before`, except the last one of each subject; how many."""
    newest = select(func.max(state_history.c.id)).group_by(
        state_history.c.organization_id, state_history.c.kind, state_history.c.subject
    )
    done = connection.execute(
        delete(state_history).where(state_history.c.since < before, state_history.c.id.not_in(newest))
    )
    return done.rowcount
