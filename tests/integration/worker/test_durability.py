"""What was acknowledged stays: under SIGKILL, SIGTERM, a full disk and a disk that takes no more writes."""

import os
import random
import signal
import threading
import time

import pytest

from tests.integration.worker import rights
from tests.integration.worker.service import Service
from tests.integration.worker.small_disk import KINDS, read_only, service_on_small_disk
from tests.integration.worker.writers import check_logged, check_rows, writers

SLOW = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"
CANCELLED, NO_SPACE, DENIED = 394, 243, 497
CANNOT_WRITE = {75, 76, NO_SPACE}
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_refuses_what_it_cannot_keep(kind: str) -> None:
    with service_on_small_disk(kind) as (service, disk):
        rights.prepare(service)
        with writers(service, padding=400) as written:
            time.sleep(1.0)
            disk.fill()
            time.sleep(2.0)
            pid = service.running.pid
            attempted = written.attempts
            refused = written.codes.copy()
            time.sleep(0.5)
            changes = [
                service.ask("GRANT SELECT ON granted0 TO reader"),
                service.ask("CREATE USER late IDENTIFIED BY 'late password'"),
                service.ask("ALTER USER reader IDENTIFIED BY 'another password'"),
                service.ask("CREATE ROW POLICY late ON guarded USING n = 0 TO reader"),
            ]
            disk.free()
            time.sleep(1.5)
        assert refused, "no batch was refused"
        assert refused <= CANNOT_WRITE
        assert written.codes <= CANNOT_WRITE
        assert attempted < written.attempts
        assert {answer.code for answer in changes} <= CANNOT_WRITE, [answer.text for answer in changes]
        assert service.running.pid == pid
        before = len(written.acknowledged)
        check_rows(service, written)
        assert before > 10
        rights.check_rights(service, rights.Known())
        check_logged(service, written.query_ids)
        service.run("GRANT SELECT ON granted0 TO reader")
        service.stop()
        service.start()
        check_rows(service, written)
        check_logged(service, written.query_ids)
