"""How long to wait before trying again: longer each time, and never the same for two that failed together."""

import random


class Backoff:
    """Delays that double from `first` to `most` seconds, each shortened by up to half by chance."""

    def __init__(self, *, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._next = first

    def next_delay(self) -> float:
        """Seconds to wait now."""
        delay = self._next
        self._next = min(self._next * 2, self._most)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret

    def reset(self) -> None:
        """What was tried has worked."""
        self._next = self._first
