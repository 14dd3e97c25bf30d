"""How often somebody may try a password: so often from an address, and less often for one account from it.

An account is never shut because of what others try elsewhere: whoever knows an address could lock its owner out.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from threading import Lock

from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import TooMany

WINDOW, LONG_WINDOW = timedelta(minutes=1), timedelta(hours=1)
IPV4, IPV6_NETWORK = 4, 64  # RFC 4291 section 2.5.4: the interface's own part is the other 64 bits
OF_ADDRESS, OF_ACCOUNT = 30, 10
"""Attempts within the window from one address, and from one address for one account."""
OF_CODES = 30
"""Codes of an authenticator app within the long window for one person, from everywhere.

Whoever tries them knows the password already. A passkey and recovery codes go on working: nobody guesses those.
"""


@dataclass
class Attempts:
    """Counts attempts in the memory of one process. Bounded: the oldest addresses are forgotten first.

    Codes are counted apart: no flood of strange addresses makes one forgotten. Only real people have codes.
    """

    clock: Clock
    limit: int = 10_000
    _made: dict[object, deque[datetime]] = field(default_factory=dict)
    _codes: dict[object, deque[datetime]] = field(default_factory=dict)
    _turn: Lock = field(default_factory=Lock)

    def note(self, *, address: str | None, account: str) -> None:
        """Count a stranger's attempt before it is made; raises TooMany beyond what is allowed. From any thread."""
        whence = neighbourhood(address)
        self._count(self._made, {whence: OF_ADDRESS, (whence, account.strip().lower()): OF_ACCOUNT}, WINDOW)

    def note_known(self, user_id: str) -> None:
        """The same for who is signed in: what strangers try from the same address is not counted against them."""
        self._count(self._made, {("known", user_id): OF_ACCOUNT}, WINDOW)

    def note_passkey(self, *, address: str | None) -> None:
        """Count a stranger's passkey: nobody guesses one, but each is work. From any thread."""
        self._count(self._made, {neighbourhood(address): OF_ADDRESS}, WINDOW)

    def note_code(self, user_id: str) -> None:
        """Count a code of an authenticator app, which has a million values only; raises TooMany. From any thread."""
        self._count(self._codes, {user_id: OF_CODES}, LONG_WINDOW)

    def _count(self, counted: dict[object, deque[datetime]], most_of: dict[object, int], window: timedelta) -> None:
        now = self.clock.now()
        with self._turn:
            made = {key: counted.get(key, deque(maxlen=most)) for key, most in most_of.items()}
            if any(len(found) == found.maxlen and now - found[0] < window for found in made.values()):
                when = "in a minute" if window == WINDOW else "in an hour, or use a recovery code or a passkey"
                raise TooMany(f"Too many attempts; try again {when}.", code="sign_in_throttled")
            for key, found in made.items():  # what is refused is not kept
                found.append(now)
                counted.pop(key, None)
                counted[key] = found  # the newest are the last
            while len(counted) > self.limit and (counted is self._made or self._is_over(window, now)):
                del counted[next(iter(counted))]

    def _is_over(self, window: timedelta, now: datetime) -> bool:
        """Whether the oldest count of codes says nothing any more."""
        return now - next(iter(self._codes.values()))[-1] >= window


def neighbourhood(address: str | None) -> str | None:
    """What of an address somebody cannot change at will: all of an IPv4 address, the first 64 bits of an IPv6 one."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return address
    found = getattr(found, "ipv4_mapped", None) or found
    return str(found if found.version == IPV4 else ip_network((found, IPV6_NETWORK), strict=False))
