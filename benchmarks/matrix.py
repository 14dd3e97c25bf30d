"""How long the matrix document takes when there are ten thousand results in it, and how long it takes to record them.

Run it as `python -m benchmarks.matrix`. The facts are made up, everything else is real: evaluators, findings, the
audit log, SQLite. The baseline is the same document of an installation with ten results in each check.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.unit.responsibility.cases import CASES
from tests.unit.responsibility.conftest import ACME, NOW, Owners, ScriptedFacts

from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import FixedClock
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.matrix import responsibility_matrix
from stronghouse.responsibility.runner import CheckRunner
from stronghouse.storage.database import Database
from stronghouse.storage.migrate import migrate

CHECKS = ("rest_files_encrypted", "network_access_narrow", "service_password_required", "tde_files_use_key")
MANY, FEW = 2_500, 10
FAILING = 10
"""One in so many results is a failure, which has a finding."""
LIMIT_MS = 150.0


def main() -> int:
    """Measure and print; 1 if the limit of the product's promises is passed."""
    few = document_time(FEW)
    many = document_time(MANY)
    count = MANY * len(CHECKS)
    print(
        f"matrix document at {count:,} results    {many:8.0f} ms  {many / few:6.2f} times that at {FEW * len(CHECKS)}"
    )
    return int(many > LIMIT_MS)


def document_time(resources: int) -> float:
    """Milliseconds for one document, with so many resources in each of the checks above."""
    with tempfile.TemporaryDirectory() as directory:
        database = Database(Path(directory) / "control.db")
        migrate(database)
        clock, catalogue = FixedClock(NOW), load_catalogue()
        log = AuditLog(database, Ed25519Signer("bench.log", bytes(range(32))), clock)
        sources = ScriptedFacts(clock)
        for check_id in CHECKS:
            sources.found[catalogue.checks[check_id].meta.collector] = list(made_up(check_id, resources))
        runner = CheckRunner(log, sources=sources, ownership=Owners(), catalogue=catalogue, clock=clock)
        began = time.perf_counter()
        runner.run_due()
        print(f"a scan that records {resources * len(CHECKS):6,} results    {time.perf_counter() - began:8.1f} s")
        took = []
        for _ in range(20):
            began = time.perf_counter()
            with database.read() as connection:
                responsibility_matrix(
                    connection, catalogue=catalogue, organization_id=ACME, regions=["local"], now=clock.now()
                )
            took.append((time.perf_counter() - began) * 1000)
        database.close()
        return statistics.median(took)


def made_up(check_id: str, resources: int) -> list[dict[str, Json]]:
    """Resources that a check passes, but for one in ten."""
    case = CASES[check_id]
    return [
        {**(case.failing[0][0] if number % FAILING == 0 else case.passing), "id": f"service/{number:06}"}
        for number in range(resources)
    ]


if __name__ == "__main__":
    sys.exit(main())
