"""A process of its own for a test: an engine with logs, which reports of them as the test asks.

It reads a JSON object from its input: `directory`, `retention_days`, `steps`. Each step is a canary to report for, or
null, or an object: {"session": name} records a refused sign-in, {"drop": log} loses its rows, {"kept": log} asks its
table for how many days it keeps them. It prints what came of
each, one a line.
"""

import json
import os
import sys
import time
import uuid
from pathlib import Path

from stronghouse.engine.access.rendering import users_tree
from stronghouse.engine.access.store import initial
from stronghouse.engine.engine import Engine
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.logs.journal import Journal
from stronghouse.engine.logs.keeper import LogKeeper
from stronghouse.engine.logs.records import SessionRecord
from stronghouse.kernel.canonical import Json
from stronghouse.worker.gate import Gate
from stronghouse.worker.log_prover import LogProver

KEY = bytes(range(32))
_KEPT = (
    "SELECT extract(engine_full, 'toIntervalDay\\((\\d+)\\)') FROM system.tables "
    "WHERE database = '_stronghouse' AND name = {table:String}"
)
NO_PASSWORD = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def main() -> None:
    """Do the steps."""
    task = json.load(sys.stdin)
    directory = Path(task["directory"])
    directory.mkdir(mode=0o700, exist_ok=True)
    catalogue = initial(NO_PASSWORD)
    engine = Engine.open(directory, data_key=KEY, memory_limit_bytes=1 << 30, users=users_tree(catalogue))
    journal = Journal(directory / "journal", KEY, "a1")
    keeper = LogKeeper(journal, retention_days=task["retention_days"], interval=3600.0)
    keeper.resume(engine.internal)
    prover = LogProver(engine, Gate(), keeper, journal)
    for step in task["steps"]:
        sys.stdout.write(json.dumps(_do(step, prover)) + "\n")
    keeper.close()
    journal.close()
    engine.close()


def _do(step: Json, prover: LogProver) -> Json:
    match step:
        case {"session": str(name)}:
            now = int(time.time() * 1e6)
            record = SessionRecord(
                type="LoginFailure", event_time_microseconds=now, auth_id=str(uuid.uuid4()), user=name
            )
            prover.journal.append(record)
        case {"drop": str(log)}:
            with prover.engine.internal() as connection:
                connection.query(f"DROP TABLE _stronghouse.{log}_move")
        case {"kept": str(log)}:
            with prover.engine.internal() as connection:
                return connection.value(_KEPT, parameters={"table": log})
        case None | str():
            try:
                return prover.report(step).to_json()
            except (ValueError, DatabaseError) as error:
                return {"error": type(error).__name__}
    return None


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
