"""Jobs of maintenance: each is told the time, and one that fails takes no other with it."""

import threading
from datetime import UTC, datetime

from stronghouse.app.maintenance import Maintenance
from stronghouse.kernel.clock import FixedClock

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_job_that_fails_takes_no_other_with_it() -> None:
    told: list[datetime] = []

    def broken(_now: datetime) -> None:
        raise RuntimeError

    jobs = Maintenance({"broken": broken, "fine": told.append}, clock=FixedClock(NOW))
    assert jobs.run() == ["broken"]
    assert told == [NOW]


def test_jobs_come_again_until_they_are_told_to_stop() -> None:
    stop, times = threading.Event(), [0]

    def count(_now: datetime) -> None:
        times[0] += 1
        if times[0] == 3:
            stop.set()

    Maintenance({"count": count}, clock=FixedClock(NOW)).run_forever(stop, interval=0.001)
    assert times == [3]
