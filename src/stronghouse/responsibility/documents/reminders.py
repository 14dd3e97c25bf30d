"""What is due: everything that is missing or out of date, or will be within 30 days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from stronghouse.organizations import store as organizations
from stronghouse.organizations.model import Organization
from stronghouse.responsibility.documents.listing import Listed, listed
from stronghouse.responsibility.documents.model import DocumentRequest, DocumentState, Scope

AHEAD = timedelta(days=30)


@dataclass(frozen=True)
class Reminder:
    """Something to file or review. `organization_id` is None for the installation's: the operator has to do it."""

    organization_id: str | None
    request_id: str
    title: str
    sentence: str
    due_at: datetime
    overdue: bool


def due_reminders(connection: Connection, *, requests: Mapping[str, DocumentRequest], now: datetime) -> list[Reminder]:
    """What is due within 30 days or was due before, of all organizations, the longest due first.

    What was never filed is due since the organization was created.
    """
    every = organizations.every_organization(connection)
    found = [
        reminder
        for place, one in enumerate(every)
        for reminder in _of(connection, requests, one, now, first=place == 0)
    ]
    return sorted(found, key=lambda reminder: (reminder.due_at, reminder.request_id, reminder.organization_id or ""))


def _of(
    connection: Connection,
    requests: Mapping[str, DocumentRequest],
    organization: Organization,
    now: datetime,
    *,
    first: bool,
) -> Iterator[Reminder]:
    """An organization's own reminders, and with the first one those of the installation."""
    wanted = {name: request for name, request in requests.items() if first or request.scope is Scope.ORGANIZATION}
    for entry in listed(connection, requests=wanted, organization_id=organization.id, now=now):
        due = organization.created_at if entry.due_at is None else entry.due_at
        if entry.standing.state is DocumentState.NOT_APPLICABLE or due > now + AHEAD:
            continue
        shared = entry.request.scope is Scope.INSTALLATION
        yield Reminder(
            organization_id=None if shared else organization.id,
            request_id=entry.request.id,
            title=entry.request.title,
            sentence=_sentence(entry, due),
            due_at=due,
            overdue=due <= now,
        )


def _sentence(entry: Listed, due: datetime) -> str:
    if entry.standing.state is DocumentState.IN_ORDER:
        return f"{entry.request.title}: due on {due.date()}. {entry.standing.reason}"
    return f"{entry.request.title}: {entry.standing.reason}"
