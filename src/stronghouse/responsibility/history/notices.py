"""What history has to tell: a check that came to fail, to error or to stale somewhere, and one that came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.notifications.model import Kind, Level, Notice
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.history import store
from stronghouse.responsibility.history.store import Transition

BAD = frozenset({"fail", "error", "stale"})
GOOD = frozenset({"pass", "not_applicable"})


@dataclass(frozen=True)
class StateNotices:
    """Implements `notifications.ports.NoticeSource`."""

    catalogue: Catalogue

    def notices(self, connection: Connection, organization_id: str, since: datetime, now: datetime) -> Sequence[Notice]:
        """Changes of checks after `since`, up to `now`, oldest first."""
        changes = store.between(connection, organization_id=organization_id, kind=store.CHECK, after=since, until=now)
        return [notice for change in changes if (notice := self._notice(change)) is not None]

    def _notice(self, change: Transition) -> Notice | None:
        back = change.previous in BAD and change.state in GOOD
        check_id, _, place = change.subject.partition("@")
        check = self.catalogue.checks.get(check_id)
        if check is None or not (back or change.state in BAD):
            return None
        row = check.meta.controls[0].rsplit(".", 1)[0]
        return Notice(
            key=f"state/{change.subject}",
            kind=Kind.STATE,
            level=Level(check.meta.severity.value),
            at=change.since,
            title=_title(check.meta.title, check_id, place, change),
            reason=change.reason,
            fix="" if back else check.meta.remediation,
            path=f"stronghouse matrix {row}",
        )


def _title(title: str, check_id: str, place: str, change: Transition) -> str:
    said = {
        "fail": "does not hold",
        "error": "could not be looked at",
        "stale": "was not looked at for too long",
        "pass": "holds again",
        "not_applicable": "does not apply any more",
    }[change.state]
    return f"{check_id} in {place} {said}: {title}"
