"""What handlers work with: the parts of the control plane, put together by `app`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import Clock
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.services.ports import Jobs
from stronghouse.storage.database import Database


@dataclass
class Throttle:
    """Says whether something is news: not seen within the last `interval`. Bounded, for one process."""

    clock: Clock
    interval: timedelta = timedelta(seconds=10)
    limit: int = 10_000
    _seen: dict[object, datetime] = field(default_factory=dict)

    def is_news(self, what: object) -> bool:
        """Whether `what` was not seen lately; seeing it now counts."""
        now = self.clock.now()
        before = self._seen.get(what)
        if before is not None and now - before < self.interval:
            return False
        if len(self._seen) >= self.limit:
            self._seen.clear()
        self._seen[what] = now
        return True


@dataclass
class ControlPlane:
    """The parts of the control plane that the API and the console call."""

    database: Database
    audit: AuditLog
    clock: Clock
    jobs: Jobs
    service_port: Callable[[int], int]  # a service's HTTPS port from its slot
    host: str
    refusals: Throttle
    catalogue: Catalogue
