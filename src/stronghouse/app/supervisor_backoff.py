"""How long to wait before a process that died is started again."""

from dataclasses import dataclass

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
HEALTHY_SECONDS = 30.0


@dataclass
class Backoff:
    """Exponential: at once, then 0.5 s, 1 s, 2 s … 30 s; from the start again after 30 s of health."""

    failures: int = 0

    def next_delay(self, lifetime: float) -> float:
        """Seconds to wait after a process died that lived for `lifetime` seconds."""
        if lifetime >= HEALTHY_SECONDS:
            self.failures = 0
        self.failures += 1
        if self.failures == 1:
            return 0.0
        return min(FIRST_DELAY * 2.0 ** min(self.failures - 2, 10), LONGEST_DELAY)
