"""What recording an event costs on SQLite and on PostgreSQL, in the same run, with every commit on disk.

Run it as `python -m benchmarks.storage`. PostgreSQL is Debian's, on a Unix socket of the same machine with its default
settings, so what is compared is the way of committing and not a network.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.support.postgres import running_server

from stronghouse.audit import store
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import FixedClock
from stronghouse.organizations.events import OrganizationRenamed
from stronghouse.storage.database import Database
from stronghouse.storage.migrate import migrate

ORGANIZATION = "0b7e7b7e-0000-4000-8000-000000000001"
SECONDS = 5.0
ROUNDS = 3
WRITERS = 8
READS = 2_000
DURABLE = ("fsync=on", "full_page_writes=on", "autovacuum=on", "shared_buffers=128MB")


def main() -> int:
    """Measure and print; the two take turns, so that both meet the same machine."""
    with sqlite() as file, postgres() as server:
        rates: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for name, database in (("SQLite", file), ("PostgreSQL", server)):
                for writers in (1, WRITERS):
                    rates.setdefault(f"{name}, {writers} at once", []).append(appends(database, writers))
                rates.setdefault(f"{name}, reads of the newest entry", []).append(reads(database))
    for name, found in rates.items():
        print(f"{name:<40}{sorted(found)[ROUNDS // 2]:10.0f} a second (of {', '.join(f'{one:.0f}' for one in found)})")
    return 0


@contextmanager
def sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as directory:
        database = Database(Path(directory) / "control.db")
        migrate(database)
        yield database
        database.close()


@contextmanager
def postgres() -> Iterator[Database]:
    with running_server(*DURABLE) as server:
        database = Database(server.create("bench"))
        migrate(database)
        database.claim()
        yield database
        database.close()


def appends(database: Database, writers: int) -> float:
    """Transactions with one event a second, by so many threads."""
    log = AuditLog(
        database, Ed25519Signer("bench.log", bytes(range(32))), FixedClock(datetime(2026, 11, 23, tzinfo=UTC))
    )
    until = time.monotonic() + SECONDS
    counts = [0] * writers

    def run(number: int) -> None:
        while time.monotonic() < until:
            with log.unit_of_work(Context(SYSTEM)) as uow:
                uow.record(OrganizationRenamed(organization_id=ORGANIZATION, before="a", after="b"))
            counts[number] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(writers)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began)


def reads(database: Database) -> float:
    """Snapshots with one query a second, by one thread."""
    began = time.monotonic()
    for _ in range(READS):
        with database.read() as connection:
            store.latest_checkpoint(connection)
    return READS / (time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
