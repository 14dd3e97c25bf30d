"""A process with an engine of its own that answers each statement with its canonical form: JSON strings, one a line."""

import json
import os
import subprocess
import sys
from pathlib import Path

from stronghouse.engine.binding import load_engine
from stronghouse.engine.connection import Connection
from stronghouse.engine.errors import DatabaseError

ROOT = Path(__file__).parents[3]


class CanonicalForms:
    """The process, seen from a test."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.engine.canonical_forms", str(directory)],
            env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "TZ": "UTC", "LANG": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def of(self, statement: str) -> str:
        """The canonical form; for a statement that is none, an error's text after `!`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(statement)}\n")
        self._process.stdin.flush()
        return str(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate(timeout=30)


def answer(connection: Connection, statement: str) -> str:
    escapes = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"}
    escaped = "".join(escapes.get(one, one) for one in statement)
    try:
        return connection.value("SELECT formatQuerySingleLine({sql:String})", parameters={"sql": escaped})
    except DatabaseError as error:
        return f"!{error.public}"


def main(directory: Path) -> None:
    # The engine writes to standard output when it closes; answers go by a descriptor of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with Connection(load_engine().connect(f"file:{directory}")) as connection:
        for line in sys.stdin:
            print(json.dumps(answer(connection, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
