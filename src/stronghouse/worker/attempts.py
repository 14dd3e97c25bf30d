"""How often somebody may fail to sign in: one account from one address, and one address with any accounts.

An account is never shut for all: whoever knows a name could lock its owner out. What counts of an IPv6 address is its
network of 64 bits, which is what one client has (RFC 4291 section 2.5.4).
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock

from stronghouse.engine.errors import DatabaseError
from stronghouse.kernel.clock import Clock

FREE_FAILURES = 5
"""Failures of one account from one address before it has to wait."""
WINDOW = timedelta(minutes=10).total_seconds()
"""So long after the last failure, or after the wait that it brought, failures are forgotten."""
LONGEST_WAIT = timedelta(minutes=15).total_seconds()
OF_ADDRESS, ADDRESS_WINDOW = 30, timedelta(minutes=1).total_seconds()
"""Failures from one address, with any accounts, and within how long."""
LONGEST_ATTEMPT = 5.0
"""Seconds that an attempt let through after a wait may take before the next is."""
MOST_KEPT = 10_000
"""Pairs and addresses kept at most, each; the ones that failed longest ago are forgotten first."""


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0
    again: float = 0.0

    def over(self, now: float) -> bool:
        return now - max(self.last, self.again) > WINDOW


class Attempts:
    """Counts failures in the memory of one process, from any thread. Who never failed costs two look-ups."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = Lock()
        self._pairs: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._addresses: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, account: str, address: str) -> None:
        """Look before a password is tried.

        After a wait one attempt is let through, and the next waits until it has failed or succeeded: who asks in
        parallel does not get more guesses.

        Raises:
            DatabaseError: 516, with a sentence that says when to try again.
        """
        if not self._addresses:
            return
        whence = neighbourhood(address)
        with self._turn:
            now = self._clock.now().timestamp()
            made = self._addresses.get(whence)
            if made is not None and len(made) == OF_ADDRESS and now - made[0] < ADDRESS_WINDOW:
                raise _refused(account, made[0] + ADDRESS_WINDOW - now)
            failures = self._pairs.get((account, whence))
            if failures is None or failures.count < FREE_FAILURES:
                return
            if now < failures.again:
                raise _refused(account, failures.again - now)
            if failures.over(now):
                del self._pairs[account, whence]
            else:
                failures.again = now + min(_wait(failures.count), LONGEST_ATTEMPT)

    def failed(self, account: str, address: str) -> None:
        """Count a failure; whether there is such an account makes no difference."""
        whence = neighbourhood(address)
        with self._turn:
            now = self._clock.now().timestamp()
            made = self._addresses.setdefault(whence, [])
            made.append(now)
            del made[:-OF_ADDRESS]
            self._addresses.move_to_end(whence)
            failures = self._pairs.setdefault((account, whence), _Failures())
            if failures.over(now):
                failures.count = 0
            failures.count += 1
            failures.last = now
            failures.again = now + _wait(failures.count) if failures.count >= FREE_FAILURES else 0.0
            self._pairs.move_to_end((account, whence))
            self._forget(now)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the failures of this account from this address."""
        if self._pairs:
            with self._turn:
                self._pairs.pop((account, neighbourhood(address)), None)

    def _forget(self, now: float) -> None:
        """Drop what is over or too much; both mappings are in the order of the last failure."""
        while self._addresses:
            whence, made = next(iter(self._addresses.items()))
            if len(self._addresses) <= MOST_KEPT and now - made[-1] < max(ADDRESS_WINDOW, WINDOW + LONGEST_WAIT):
                break
            del self._addresses[whence]
        while self._pairs:
            pair, failures = next(iter(self._pairs.items()))
            if len(self._pairs) <= MOST_KEPT and now - failures.last < WINDOW + LONGEST_WAIT:
                break
            del self._pairs[pair]


def neighbourhood(address: str) -> str:
    """What of an address a client cannot change at will: all of an IPv4 address, the first 64 bits of an IPv6 one."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped) if found.ipv4_mapped else str(ip_network((found, 64), strict=False))
    return str(found)


def _wait(failures: int) -> float:
    return min(2.0 ** min(failures - FREE_FAILURES, 60), LONGEST_WAIT)


def _refused(account: str, seconds: float) -> DatabaseError:
    return DatabaseError(
        516,
        "AUTHENTICATION_FAILED",
        f"{account}: Authentication failed too often from this address: try again in {math.ceil(seconds)} s.",
    )
