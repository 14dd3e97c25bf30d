"""What findings, dispositions and dated documents have to tell, derived from what is stored about them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, or_, select

from stronghouse.notifications.model import ORDER, Kind, Level, Notice
from stronghouse.organizations.operator import is_operator
from stronghouse.responsibility.documents.model import DocumentRequest
from stronghouse.responsibility.documents.reminders import AHEAD, Reminder, due_reminders
from stronghouse.responsibility.findings import store
from stronghouse.responsibility.findings.model import UNRESOLVED, DispositionState

MOST = 1000
"""Findings or dispositions in one answer; a message lists far fewer and says how many more there are."""
BEFORE_END = timedelta(days=7)
"""How long before a disposition ends that is told."""
TOLD_SINGLY = 3
"""More overdue documents than these become one notice."""
AGAIN = timedelta(days=7)
"""A document that is overdue is told of again after each such time."""


@dataclass(frozen=True)
class FindingNotices:
    """Findings that were opened or became overdue, and dispositions that end within a week."""

    def notices(self, connection: Connection, organization_id: str, since: datetime, now: datetime) -> Sequence[Notice]:
        """As `notifications.ports.NoticeSource`. No resource is named: its name may be a customer's."""
        found = [*self._findings(connection, organization_id, since, now)]
        return [*found, *self._dispositions(connection, organization_id, since, now)]

    def _findings(
        self, connection: Connection, organization_id: str, since: datetime, now: datetime
    ) -> Iterator[Notice]:
        own = store.finding.c
        opened = and_(own.opened_at > since, own.opened_at <= now)
        overdue = and_(own.due_at > since, own.due_at <= now)
        query = select(own.id, own.severity, own.title, own.remediation, own.opened_at, own.due_at).where(
            store.visible(organization_id), own.status.in_([one.value for one in UNRESOLVED]), or_(opened, overdue)
        )
        # The worst first: what is cut off is never graver than what is told.
        ordered = query.order_by(store.severity_rank, own.opened_at, own.id)
        for row in connection.execute(ordered.limit(MOST)):
            late = since < row.due_at <= now
            yield Notice(
                key=f"finding/{row.id}",
                kind=Kind.FINDING,
                level=Level(row.severity),
                at=row.due_at if late else row.opened_at,
                title=f"Finding {row.id[:12]} is {'overdue' if late else 'new'}",
                reason=f"This does not hold: {row.title}. It is to be mended by {row.due_at.date()}.",
                fix=row.remediation,
                path=f"stronghouse finding show {row.id[:12]}",
            )

    def _dispositions(
        self, connection: Connection, organization_id: str, since: datetime, now: datetime
    ) -> Iterator[Notice]:
        own, finding = store.disposition.c, store.finding.c
        query = (
            select(own.id, own.finding_id, own.kind, own.severity, own.expires_at)
            .join(store.finding, finding.id == own.finding_id)
            .where(
                store.visible(organization_id),
                own.state == DispositionState.IN_FORCE.value,
                own.expires_at > since + BEFORE_END,
                own.expires_at <= now + BEFORE_END,
            )
        )
        for row in connection.execute(query.order_by(own.expires_at, own.id).limit(MOST)):
            yield Notice(
                key=f"disposition/{row.id}",
                kind=Kind.DISPOSITION,
                level=Level(row.severity),
                at=row.expires_at - BEFORE_END,
                title=f"The disposition of finding {row.finding_id[:12]} ends on {row.expires_at.date()}",
                reason="From then on the finding counts again.",
                fix="Mend what was found, or ask for a new disposition before that day.",
                path=f"stronghouse finding show {row.finding_id[:12]}",
            )


@dataclass(frozen=True)
class DocumentNotices:
    """Dated documents that are due within 30 days, due now, and every week after that until they are on file."""

    requests: Mapping[str, DocumentRequest]

    def notices(self, connection: Connection, organization_id: str, since: datetime, now: datetime) -> Sequence[Notice]:
        """As `notifications.ports.NoticeSource`, by the full hour: more often would only cost."""
        since, now = _full_hour(since), _full_hour(now)
        if since == now:
            return []
        operator = is_operator(connection, organization_id)
        due = [
            (reminder, moment)
            for reminder in due_reminders(connection, requests=self.requests, now=now)
            if reminder.organization_id == organization_id or (reminder.organization_id is None and operator)
            if (moment := _last_moment(reminder.due_at, now)) is not None and since < moment
        ]
        overdue = [(reminder, moment) for reminder, moment in due if reminder.overdue]
        if len(overdue) <= TOLD_SINGLY:
            return [self._document(reminder, moment) for reminder, moment in due]
        single = [self._document(reminder, moment) for reminder, moment in due if not reminder.overdue]
        return [*single, self._summary(overdue)]

    def _document(self, reminder: Reminder, moment: datetime) -> Notice:
        return Notice(
            key=f"document/{reminder.request_id}",
            kind=Kind.DOCUMENT,
            level=Level(self.requests[reminder.request_id].severity.value),
            at=moment,
            title=f"A document is {'overdue' if reminder.overdue else 'due soon'}: {reminder.title}",
            reason=reminder.sentence,
            fix="File the document, or have it reviewed.",
            path="stronghouse document requests",
        )

    def _summary(self, overdue: Sequence[tuple[Reminder, datetime]]) -> Notice:
        """Many at once, as in a new organization, are one thing to tell."""
        levels = {Level(self.requests[reminder.request_id].severity.value) for reminder, _ in overdue}
        named = "; ".join(reminder.title for reminder, _ in overdue[:TOLD_SINGLY])
        return Notice(
            key="documents/overdue",
            kind=Kind.DOCUMENT,
            level=next(level for level in ORDER if level in levels),
            at=max(moment for _, moment in overdue),
            title=f"{len(overdue)} documents or reviews are missing or overdue",
            reason=f"Among them: {named}.",
            fix="File them, or have them reviewed.",
            path="stronghouse document requests --due",
        )


def _last_moment(due_at: datetime, now: datetime) -> datetime | None:
    """When a reminder was to be told last: 30 days before it is due, then when it is, then weekly."""
    if now >= due_at:
        return due_at + (now - due_at) // AGAIN * AGAIN
    return due_at - AHEAD if now >= due_at - AHEAD else None


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
