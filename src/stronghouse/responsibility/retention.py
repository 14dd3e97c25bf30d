"""How long evidence is kept: its body goes after a time, its hash and its leaf in the audit log stay.

What a current result stands on is kept however old it is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from stronghouse.audit.event import SYSTEM, AuditEvent, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import rfc3339
from stronghouse.responsibility import store

KEPT_FOR = timedelta(days=400)
"""A year that an auditor looks at, and the weeks until he does."""


@dataclass(frozen=True, kw_only=True)
class EvidenceExpired(AuditEvent):
    """The bodies of old evidence were removed. Their hashes stay, in the table and in the leaves of this log."""

    code: ClassVar[str] = "evidence.expire"
    count: int
    oldest: str
    newest: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"{self.count} pieces of evidence from {self.oldest} to {self.newest} expired."


def run_retention(audit: AuditLog, now: datetime, *, kept_for: timedelta = KEPT_FOR) -> int:
    """Remove what is older than `kept_for`, counted in whole UTC days; how many pieces that were.

    All of it is one transaction with one event; with nothing to remove it changes and records nothing.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    before = midnight - kept_for
    with audit.database.read() as connection:
        if store.expirable(connection, before=before).count == 0:
            return 0  # nobody need wait for the write lock
    with audit.unit_of_work(Context(SYSTEM)) as uow:
        found = store.expirable(uow.connection, before=before)
        if found.count and found.oldest is not None and found.newest is not None:
            store.expire_evidence(uow.connection, before=before, now=now)
            uow.record(
                EvidenceExpired(
                    organization_id=None,
                    count=found.count,
                    oldest=rfc3339(found.oldest),
                    newest=rfc3339(found.newest),
                )
            )
    return found.count
