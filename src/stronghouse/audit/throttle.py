"""Keeps what strangers can cause for nothing from filling the audit log."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from stronghouse.kernel.clock import Clock


@dataclass
class Throttle:
    """Says whether something is news: not seen within the last `interval`. Bounded, for one process."""

    clock: Clock
    interval: timedelta = timedelta(seconds=10)
    limit: int = 10_000
    _seen: dict[object, datetime] = field(default_factory=dict)
    _turn: Lock = field(default_factory=Lock)

    def is_news(self, what: object) -> bool:
        """Whether `what` was not seen lately; seeing it now counts. From any thread."""
        now = self.clock.now()
        with self._turn:
            before = self._seen.get(what)
            if before is not None and now - before < self.interval:
                return False
            if len(self._seen) >= self.limit:
                self._seen.clear()
            self._seen[what] = now
            return True
