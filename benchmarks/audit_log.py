"""How long a page of the audit log takes with a million events in it, filter by filter, and what recording one costs.

Run it as `python -m benchmarks.audit_log`. It needs about two minutes and 2 GB in the temporary directory. The events
are made up, the log and its indexes are real. The baseline of each time is the newest page without a filter, taken in
the same run; every page is asked for at many places of the log. The limit is for the processor time of a page, which
is its time on a machine that does nothing else.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.many_events import STEP, Cast, fill

from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import Actor, ActorType, Context, Outcome
from stronghouse.audit.export import Format, parts
from stronghouse.audit.query import AuditQuery, choices, page
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import FixedClock
from stronghouse.organizations.events import OrganizationRenamed
from stronghouse.storage.database import Database
from stronghouse.storage.migrate import migrate

ORGANIZATION = "0b7e7b7e-0000-4000-8000-000000000001"
EVENTS = 1_000_000
END = datetime(2026, 11, 23, tzinfo=UTC)
PAGES = 40
APPENDS = 500
EXPORTED_DAYS = 30
LIMIT_MS = 50.0


def main() -> int:
    """Measure and print; 1 if a page takes longer than the product promises."""
    with tempfile.TemporaryDirectory() as directory:
        database = Database(Path(directory) / "control.db")
        migrate(database)
        print(f"recording an event in an empty log        {recording(database):8.2f} ms at p50")
        cast = fill(database, ORGANIZATION, EVENTS, until=END)
        print(f"recording an event in {EVENTS:9,}           {recording(database):8.2f} ms at p50")
        slowest = report_pages(database, cast)
        report_others(database)
        database.close()
    print(f"slowest page, processor time              {slowest:8.1f} ms at p95 (limit {LIMIT_MS:.0f} ms)")
    return int(slowest > LIMIT_MS)


def recording(database: Database) -> float:
    """Milliseconds for a transaction with one event, on disk."""
    log = AuditLog(database, Ed25519Signer("bench.log", bytes(range(32))), FixedClock(END))
    context = Context(Actor(ActorType.USER, "somebody", "ann@example.com"), "192.0.2.1", "benchmark")

    def record() -> None:
        with log.unit_of_work(context) as uow:
            uow.record(OrganizationRenamed(organization_id=ORGANIZATION, before="a", after="b"))

    return measured(record, APPENDS)[0]


def report_pages(database: Database, cast: Cast) -> float:
    """The 95th percentile of the slowest filter."""
    before = [None, *(EVENTS * number // PAGES for number in range(1, PAGES))]
    slowest, baseline = 0.0, None
    for name, filters in queries(cast):
        query = AuditQuery(organization_id=ORGANIZATION, **filters)
        places = iter(before)

        def ask(query: AuditQuery = query, places: Iterator[int | None] = places) -> None:
            with database.read() as connection:
                page(connection, query, before=next(places), limit=100)

        middle, worst, busy = measured(ask, PAGES)
        baseline = baseline or middle
        slowest = max(slowest, busy)
        print(
            f"page: {name:<36}{middle:8.1f} ms at p50 {worst:8.1f} ms at p95 {middle / baseline:6.1f} times, "
            f"processor {busy:6.1f} ms at p95"
        )
    return slowest


def queries(cast: Cast) -> Iterator[tuple[str, dict[str, Any]]]:
    """What people ask, and what costs most: pairs that never occur together, text that is nowhere."""
    _, robot, _ = cast.actors[0]
    _, busy, _ = cast.actors[1]
    service, address = cast.services[0], cast.addresses[0]
    window = {"since": END - timedelta(days=200), "until": END - timedelta(days=199)}
    yield "no filter", {}
    yield "code, common", {"code": "evidence.record"}
    yield "code, rare", {"code": "organization.rename"}
    yield "all codes of services", {"code": "service."}
    yield "service", {"service_id": service}
    yield "actor", {"actor": busy}
    yield "outcome, common", {"outcome": Outcome.SUCCESS}
    yield "outcome, rare", {"outcome": Outcome.FAILURE}
    yield "address", {"address": address}
    yield "one day, long ago", window
    yield "text, found", {"text": "analytics-5"}
    yield "text, nowhere", {"text": "no such text"}
    yield "text, in every body but where it counts", {"text": ORGANIZATION}
    yield "code and actor", {"code": "service.awake", "actor": busy}
    yield "code and outcome", {"code": "service.", "outcome": Outcome.FAILURE}
    yield "code and outcome, never together", {"code": "evidence.record", "outcome": Outcome.DENIED}
    yield "service and code", {"service_id": service, "code": "service.delete"}
    yield "actor and outcome", {"actor": busy, "outcome": Outcome.DENIED}
    yield "actor and address", {"actor": robot, "address": address}
    yield "outcome and one day", {"outcome": Outcome.DENIED, **window}
    yield "service and text, nowhere", {"service_id": service, "text": "no such text"}


def report_others(database: Database) -> None:
    """What the filters offer, and how fast a file comes."""

    def offer() -> None:
        with database.read() as connection:
            choices(connection, ORGANIZATION)

    print(f"choices of the filters                    {measured(offer, PAGES)[0]:8.1f} ms at p50")
    query = AuditQuery(organization_id=ORGANIZATION, until=END - STEP * EVENTS + timedelta(days=EXPORTED_DAYS))
    for kind in Format:
        began = time.perf_counter()
        size = sum(map(len, parts(database, query, kind=kind)))
        took = time.perf_counter() - began
        print(f"export as {kind.value:<6} {size / 1e6:8.1f} MB             {size / 1e6 / took:8.1f} MB/s")


def measured(act: Callable[[], None], times: int) -> tuple[float, float, float]:
    """Milliseconds at the median and at the 95th percentile; and of processor time at the 95th."""
    took, busy = [], []
    for _ in range(times):
        began, worked = time.perf_counter(), time.thread_time()
        act()
        busy.append((time.thread_time() - worked) * 1000)
        took.append((time.perf_counter() - began) * 1000)
    last = int(times * 0.95)
    return statistics.median(took), sorted(took)[last], sorted(busy)[last]


if __name__ == "__main__":
    sys.exit(main())
