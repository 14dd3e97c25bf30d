"""What was acknowledged stays: under SIGKILL, SIGTERM, a full disk and a disk that takes no more writes."""

import os
import random
import signal
import threading
import time

import pytest

from tests.integration.worker import rights
from tests.integration.worker.service import Service
from tests.integration.worker.small_disk import runs_as_root, service_on_small_disk
from tests.integration.worker.writers import Written, check_logged, check_rows, writers

SLOW = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"
CANCELLED, NO_SPACE = 394, 243
CANNOT_WRITE = {75, 76, NO_SPACE}
ENGINES_WORD = 1001
"""Of a read-only file system, where an insert had begun before."""
ROUNDS = 10


def test_kill_9_loses_nothing_that_was_acknowledged(fresh: Service) -> None:
    fresh.start()
    rights.prepare(fresh)
    chance = random.Random(5)
    with writers(fresh) as written, rights.changing(fresh) as known:
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(0.3, 1.3))
            os.kill(fresh.running.pid, signal.SIGKILL)
            assert fresh.do(fresh.running.wait()) == -signal.SIGKILL
            fresh.start()
            with known.turn:
                rights.check_rights(fresh, known)
    assert known.wrong == []
    assert written.codes == set()
    assert len(written.acknowledged) > 20 * ROUNDS
    assert known.unknown, "no change was ever under way"
    check_rows(fresh, written)
    rights.check_rights(fresh, known)
    check_logged(fresh, [*written.query_ids, *known.query_ids])


def test_sigterm_lets_queries_end_for_five_seconds_and_keeps_their_log(fresh: Service) -> None:
    worker = fresh.start()
    codes: dict[str, int] = {}

    def ask(name: str, sql: str) -> None:
        codes[name] = fresh.ask(sql, query_id=name).code

    asked = {"short": "SELECT sleep(2)", "long": SLOW, "written": "SELECT count() FROM numbers(1000000000)"}
    threads = [threading.Thread(target=ask, args=item) for item in asked.items()]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    began = time.monotonic()
    os.kill(worker.pid, signal.SIGTERM)
    for thread in threads:
        thread.join(20)
    assert codes == {"short": 0, "long": CANCELLED, "written": 0}
    assert fresh.do(worker.wait()) == 0
    assert 4.5 < time.monotonic() - began < 9.0
    fresh.start()
    fresh.run("SYSTEM FLUSH LOGS")
    logged = "SELECT query_id, exception_code, count() FROM system.query_log WHERE query_id IN ('short', 'long') "
    assert fresh.run(logged + "GROUP BY ALL ORDER BY query_id") == "long\t394\t1\nshort\t0\t1\n"


CHANGES = (
    "GRANT SELECT ON granted0 TO reader",
    "CREATE USER late IDENTIFIED BY 'late password'",
    "ALTER USER reader IDENTIFIED BY 'another password'",
    "CREATE ROW POLICY late ON guarded USING n = 0 TO reader",
)
DEFINITIONS = (
    "CREATE TABLE late (n UInt64) ENGINE = MergeTree ORDER BY n",
    "ALTER TABLE rows ADD COLUMN late UInt64",
    "ALTER TABLE rows UPDATE s = '' WHERE 1",
    "CREATE VIEW late AS SELECT 1",
    "RENAME TABLE granted0 TO late",
)


def test_a_full_disk_refuses_what_it_cannot_keep(request: pytest.FixtureRequest) -> None:
    if not runs_as_root(request):
        return
    with service_on_small_disk() as (service, disk):
        rights.prepare(service)
        with writers(service, padding=400) as written:
            time.sleep(1.0)
            disk.fill()
            refused = {sql: code_of(service, sql) for sql in (*CHANGES, *DEFINITIONS)}
            read = service.ask("SELECT count() FROM guarded")
            time.sleep(1.0)
            acknowledged = len(written.acknowledged)
            disk.free()
            time.sleep(1.5)
        assert set(refused.values()) == {NO_SPACE}, refused
        assert read.code in {0, NO_SPACE}, read.text
        assert written.codes == {NO_SPACE}
        assert len(written.acknowledged) > acknowledged, "there is space, and nobody may write"
        check_all_is_there(service, written)


def test_a_read_only_disk_refuses_what_it_cannot_keep(request: pytest.FixtureRequest) -> None:
    if not runs_as_root(request):
        return
    with service_on_small_disk() as (service, disk):
        rights.prepare(service)
        with writers(service, padding=400) as written:
            time.sleep(1.0)
            with disk.read_only():
                refused = {sql: code_of(service, sql) for sql in (*CHANGES, *DEFINITIONS)}
                time.sleep(1.0)
                acknowledged = len(written.acknowledged)
            time.sleep(1.5)
        assert set(refused.values()) <= CANNOT_WRITE, refused
        assert written.codes
        assert written.codes <= {*CANNOT_WRITE, ENGINES_WORD}
        assert len(written.acknowledged) > acknowledged, "the disk takes writes again, and nobody may write"
        check_all_is_there(service, written)


def code_of(service: Service, sql: str) -> int:
    return service.ask(sql).code


def check_all_is_there(service: Service, written: Written) -> None:
    """What was acknowledged, and nothing that was refused; now and after the worker was started again."""
    pid = service.running.pid
    for _ in range(2):
        check_rows(service, written)
        rights.check_rights(service, rights.Known())
        assert service.run("EXISTS TABLE late") == "0\n"
        assert "late" not in service.run("DESCRIBE TABLE rows")
        assert "late" not in service.run("SHOW USERS")
        check_logged(service, written.query_ids)
        assert service.running.pid == pid
        service.run("REVOKE SELECT ON granted0 FROM reader")
        service.run("CREATE TABLE IF NOT EXISTS room_again (n UInt64) ENGINE = MergeTree ORDER BY n")
        service.stop()
        pid = service.start().pid
