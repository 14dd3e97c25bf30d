"""How often somebody may ask: token buckets in the memory of this process."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from stronghouse.kernel.errors import TooMany

MOST_KEPT = 10_000


class TooOften(TooMany):
    """Ask again in `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = math.ceil(seconds * 10) / 10
        super().__init__(f"Too many requests: try again in {self.seconds:.1f} s.", code="rate_limited")


class Buckets:
    """One bucket for each name: `burst` at once, `per_second` in the long run.

    At most 10,000 names are kept; those that asked longest ago are forgotten first, and begin with a full bucket.
    """

    def __init__(self, *, per_second: float, burst: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_second
        self._burst = float(burst)
        self._now = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> None:
        """Take one out; raises TooOften when there is none."""
        left, now = self._left(name), self._now()
        if left < 1:
            raise TooOften((1 - left) / self._rate)
        self._buckets[name] = (left - 1, now)
        self._buckets.move_to_end(name)
        while len(self._buckets) > MOST_KEPT:
            self._buckets.popitem(last=False)

    def _left(self, name: str) -> float:
        left, since = self._buckets.get(name, (self._burst, self._now()))
        return min(self._burst, left + (self._now() - since) * self._rate)
