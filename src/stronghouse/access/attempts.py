"""How often somebody may try a password: so often from an address, and less often for one account from it.

An account is never shut because of what others try elsewhere: whoever knows an address could lock its owner out.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import TooMany

WINDOW = timedelta(minutes=1)
OF_ADDRESS, OF_ACCOUNT = 30, 10
"""Attempts within the window from one address, and from one address for one account."""


@dataclass
class Attempts:
    """Counts attempts in the memory of one process. Bounded: the oldest addresses are forgotten first."""

    clock: Clock
    limit: int = 10_000
    _made: dict[object, deque[datetime]] = field(default_factory=dict)
    _turn: Lock = field(default_factory=Lock)

    def note(self, *, address: str | None, account: str) -> None:
        """Count an attempt before it is made; raises TooMany beyond what is allowed. From any thread."""
        now = self.clock.now()
        with self._turn:
            for key, most in ((address, OF_ADDRESS), ((address, account.strip().lower()), OF_ACCOUNT)):
                made = self._made.pop(key, None) or deque(maxlen=most)
                self._made[key] = made  # the newest is the last
                if len(made) == most and now - made[0] < WINDOW:
                    raise TooMany("Too many attempts; try again in a minute.", code="sign_in_throttled")
                made.append(now)
            while len(self._made) > self.limit:
                del self._made[next(iter(self._made))]
