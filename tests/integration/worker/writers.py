"""Writers who keep a record of what they were told, for tests that take something away from under them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.integration.worker.service import Service

ROWS = 50
PAUSE_SECONDS = 0.01


@dataclass
class Written:
    """What the writers were told.

    Attributes:
        acknowledged: numbers of the batches that were.
        query_ids: of all statements that were answered with success.
        codes: of those that were answered with an error.
    """

    acknowledged: set[int] = field(default_factory=set)
    query_ids: list[str] = field(default_factory=list)
    codes: set[int] = field(default_factory=set)
    attempts: int = 0


@contextmanager
def writers(service: Service, *, count: int = 3, padding: int = 0) -> Iterator[Written]:
    """Writers of batches of `ROWS` rows into `rows` until the block ends; a batch is sent once, come of it what may."""
    service.run("CREATE TABLE IF NOT EXISTS rows (batch UInt64, n UInt16, s String) ENGINE = MergeTree ORDER BY batch")
    written = Written()
    stop = threading.Event()
    threads = [
        threading.Thread(target=_write, args=(service, number, padding, stop, written)) for number in range(count)
    ]
    for thread in threads:
        thread.start()
    try:
        yield written
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def _write(service: Service, writer: int, padding: int, stop: threading.Event, written: Written) -> None:
    number = 0
    while not stop.wait(PAUSE_SECONDS):
        number += 1
        batch = writer * 1_000_000 + number
        written.attempts += 1
        text = f", randomString({padding})" if padding else ", ''"
        sql = f"INSERT INTO rows SELECT {batch}, number{text} FROM numbers({ROWS})"
        try:
            answer = service.ask(sql, query_id=f"batch-{batch}")
        except OSError:
            continue  # not acknowledged: it may be there or not
        if answer.status == 200:
            written.acknowledged.add(batch)
            written.query_ids.append(f"batch-{batch}")
        else:
            written.codes.add(answer.code)


def check_rows(service: Service, written: Written) -> None:
    """All that was acknowledged is there, and everything that is there is there once and whole."""
    stored: dict[int, int] = {}
    for line in service.run("SELECT batch, count(), uniqExact(n) FROM rows GROUP BY batch").splitlines():
        batch, rows, different = map(int, line.split("\t"))
        assert rows == different == ROWS, f"batch {batch} has {rows} rows, {different} different ones"
        stored[batch] = rows
    assert written.acknowledged - set(stored) == set(), "acknowledged batches are gone"


def check_logged(service: Service, query_ids: list[str]) -> None:
    """Each of these queries has one row in the query log."""
    service.run("SYSTEM FLUSH LOGS")
    counted = service.run("SELECT query_id, count() FROM system.query_log WHERE type = 'QueryFinish' GROUP BY query_id")
    found = dict(line.split("\t") for line in counted.splitlines())
    wrong = {query_id: found.get(query_id, "0") for query_id in query_ids if found.get(query_id) != "1"}
    assert wrong == {}, wrong
