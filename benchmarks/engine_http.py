"""What a worker costs: time to ready, private memory at idle, requests over HTTP as a ratio to the engine in process.

    python -m benchmarks.engine_http [--json]

Everything runs on this machine over a Unix socket; medians of several rounds. In-process numbers come first, from a
child process of their own, for there is at most one engine in a process.
"""

import argparse
import asyncio
import base64
import hashlib
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stronghouse.engine.engine import Engine
from stronghouse.kernel.ids import ServiceId
from stronghouse.worker.process import WorkerProcess, WorkerSpec

ROUNDS = 5
REQUESTS = 400
ROWS = 5_000_000
MEMORY = 2 << 30
KEY = bytes(range(32))
PASSWORD = "benchmark"  # noqa: S105 - of a database that is thrown away
SELECT_ROWS = f"SELECT number, toString(number) FROM numbers({ROWS}) FORMAT Native"
TABLE = "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n"
INSERTED_ROWS = 1_000_000


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def timed(action: Callable[[], object], *, times: int = 1) -> float:
    """Median over the rounds, in seconds for one."""
    rounds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(times):
            action()
        rounds.append((time.perf_counter() - start) / times)
    return statistics.median(rounds)


def in_process(directory: Path) -> dict[str, float]:
    """The engine without HTTP: one connection that stays open."""
    engine = Engine.open(directory, data_key=KEY, memory_limit_bytes=MEMORY)
    with engine.connect() as connection:
        connection.query("SELECT 1")
        select = timed(lambda: connection.query("SELECT 1"), times=REQUESTS)
        rows = timed(lambda: connection.query(SELECT_ROWS))
        connection.query(TABLE)
        data = connection.query(
            f"SELECT number, toString(number) FROM numbers({INSERTED_ROWS})", output_format="Native"
        ).data

        def insert() -> None:
            insertion = connection.insert("INSERT INTO t", input_format="Native")
            insertion.append(data)
            insertion.finish()

        inserted = timed(insert)
    engine.close()
    return {"select_1_s": select, "select_rows_s": rows, "insert_s": inserted}


def over_http(path: Path) -> dict[str, float]:
    """The same through a worker, on one kept-alive connection."""
    connection = UnixConnection(path)

    def post(body: bytes | str, query: str = "/") -> bytes:
        connection.request(
            "POST", query, body=body, headers={"X-ClickHouse-User": "default", "X-ClickHouse-Key": PASSWORD}
        )
        response = connection.getresponse()
        content = response.read()
        assert response.status == 200, content
        return content

    post("SELECT 1")
    select = timed(lambda: post("SELECT 1"), times=REQUESTS)
    rows = timed(lambda: post(SELECT_ROWS))
    post(TABLE)
    data = post(f"SELECT number, toString(number) FROM numbers({INSERTED_ROWS}) FORMAT Native")
    inserted = timed(lambda: post(data, "/?query=INSERT%20INTO%20t%20FORMAT%20Native"))
    return {"select_1_s": select, "select_rows_s": rows, "insert_s": inserted}


def private_bytes(pid: int) -> int:
    """Memory of the process that no other shares and that is no part of a file."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(match[1]) * 1024 if match else 0


async def measure_worker(root: Path) -> dict[str, float]:
    """Start workers and ask the last one."""
    data = root / "data"
    data.mkdir()
    path = root / "http.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    password = base64.b64encode(hashlib.sha256(PASSWORD.encode()).digest()).decode()
    uid = 70_001 if os.geteuid() == 0 else None
    if uid is not None:
        root.chmod(0o711)
        os.chown(data, uid, uid)
    spec = WorkerSpec(ServiceId("benchmark"), data, "default", password, MEMORY, uid)
    starts = []
    worker = None
    for _ in range(ROUNDS):
        if worker is not None:
            await worker.quiesce_and_stop()
        start = time.perf_counter()
        worker = await WorkerProcess.start(spec, listener=listener, data_key=KEY, log=root / "worker.log")
        starts.append(time.perf_counter() - start)
    assert worker is not None
    result = {"ready_s": statistics.median(starts), "idle_private_mb": private_bytes(worker.pid) / 1e6}
    result.update(await asyncio.to_thread(over_http, path))
    result["private_after_mb"] = private_bytes(worker.pid) / 1e6
    await worker.quiesce_and_stop()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--in-process", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_process:
        print(json.dumps(in_process(arguments.in_process)), flush=True)
        os._exit(0)
    with tempfile.TemporaryDirectory(prefix="sh-bench-") as root:
        alone = Path(root) / "alone"
        alone.mkdir()
        command = [sys.executable, "-m", "benchmarks.engine_http", "--in-process", str(alone)]
        engine = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        worker = asyncio.run(measure_worker(Path(root)))
    ratios = {name.removesuffix("_s"): round(worker[name] / engine[name], 2) for name in engine}
    if arguments.json:
        print(json.dumps({"in_process": engine, "worker": worker, "ratio": ratios}))
        return
    print(f"start to ready             {worker['ready_s']:.2f} s")
    idle, after = worker["idle_private_mb"], worker["private_after_mb"]
    print(f"private memory at idle     {idle:.0f} MB, after the load {after:.0f} MB")
    for name, label in (
        ("select_1", "SELECT 1"),
        ("select_rows", f"{ROWS:,} rows out"),
        ("insert", "1,000,000 rows in"),
    ):
        http_s, engine_s = worker[f"{name}_s"], engine[f"{name}_s"]
        print(f"{label:26} {http_s * 1e3:8.2f} ms over HTTP, {engine_s * 1e3:8.2f} ms in process, ratio {ratios[name]}")


if __name__ == "__main__":
    main()
