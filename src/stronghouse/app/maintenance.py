"""What has to be done now and then: one thread that runs a list of jobs every hour.

A job does nothing when there is nothing to do, and it can be run again at any time.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from stronghouse.kernel.clock import Clock

INTERVAL_SECONDS = 3600.0
Job = Callable[[datetime], object]
"""Told the time; what it returns is not used."""
_log = structlog.get_logger()


class Maintenance:
    """Runs jobs by name.

    Args:
        jobs: what to run, in this order.
        clock: the time that they are told.
    """

    def __init__(self, jobs: Mapping[str, Job], *, clock: Clock) -> None:
        self._jobs = dict(jobs)
        self._clock = clock

    def run(self) -> list[str]:
        """Run every job once; the names of those that failed, which takes no other with it."""
        failed = []
        for name, job in self._jobs.items():
            try:
                job(self._clock.now())
            except Exception:  # noqa: BLE001 - the edge of a job: the others and the next hour must come
                _log.exception("maintenance_failed", job=name)
                failed.append(name)
        return failed

    def run_forever(self, stop: threading.Event, *, interval: float = INTERVAL_SECONDS) -> None:
        """Run the jobs now and after each interval until `stop` is set. For a thread of its own."""
        while not stop.is_set():
            self.run()
            stop.wait(interval)
