"""What a worker costs over the engine itself, in one run and as ratios, with the limits that the project set itself.

    python -m benchmarks.engine_http [--json] [--rounds N]

Three processes: the engine in process, a worker in its sandbox with its log, and a client of it that only sends and
receives. Each measurement is made on one side and then on the other, several times over; a ratio is the median of those
of the rounds, so that what else the machine does falls on both. Returns 1 when something is beyond its limit.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks._engine_sides import KEY, MANY, MEMORY, ONE, check, digest, request
from stronghouse.kernel.ids import ServiceId
from stronghouse.worker.process import WorkerProcess, WorkerSpec

ROUNDS = 7
WAKES = 3
SETTLE_SECONDS = 8.0
EMPTYING_SECONDS = 0.1
"""How long after a table was emptied its old rows are still being removed, and the record of that flushed."""


@dataclass(frozen=True)
class Limit:
    """What a figure may be: at least or at most."""

    label: str
    unit: str
    least: float | None = None
    most: float | None = None

    def holds(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def line(self, value: float) -> str:
        bound = f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"
        verdict = "" if self.holds(value) else "   BEYOND"
        return f"{self.label:46} {value:9.2f} {self.unit:3} ({bound}){verdict}"


LIMITS = {
    "select_one": Limit("SELECT 1, 1 connection, of the engine's speed", "x", least=0.85),
    "select_many": Limit("SELECT 1, 8 connections, of the engine's speed", "x", least=0.85),
    "insert_rows": Limit("1,000,000 rows in, of the engine's time", "x", most=1.15),
    "select_rows": Limit("10,000,000 rows out, of the engine's time", "x", most=1.3),
    "stream_mb": Limit("memory of a 2 GB result, above idle", "MB", most=100),
    "idle_mb": Limit("private memory at idle", "MB", most=90),
    "connections_mb": Limit("1,000 idle connections", "MB", most=200),
    "wake_s": Limit("from no worker to the first answer", "s", most=1.0),
}
SPEEDS = ("select_one", "select_many")
TIMES = ("insert_rows", "select_rows")


class Side:
    """A process of `_engine_sides`."""

    def __init__(self, kind: str, place: Path) -> None:
        command = [sys.executable, "-m", "benchmarks._engine_sides", kind, str(place)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def measure(self, name: str) -> float:
        """Seconds."""
        assert self._process.stdin is not None
        print(name, file=self._process.stdin, flush=True)
        return float(self._answer())

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a side of the benchmark has ended")
        return line


def private_mb(pid: int) -> float:
    """Memory of the process that no other shares and that is no part of a file."""
    match = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) * 1024 / 1e6 if match else 0.0


@contextlib.contextmanager
def peak_mb(pid: int) -> Iterator[list[float]]:
    """The most private memory while this lasts, as the only element of the list."""
    peak = [private_mb(pid)]
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], private_mb(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def compare(engine: Side, client: Side, rounds: int) -> dict[str, float]:
    """The ratios, and medians of seconds for one request or run on each side."""
    result: dict[str, float] = {}
    for name in (*SPEEDS, *TIMES):
        count = {"select_one": ONE, "select_many": MANY}.get(name, 1)
        inside: list[float] = []
        outside: list[float] = []
        for number in range(rounds + 1):
            for side, seconds in ((engine, inside), (client, outside)):
                if name == "insert_rows":
                    side.measure("empty")
                    time.sleep(EMPTYING_SECONDS)
                measured = side.measure(name) / count
                if number:  # the first time of anything costs more
                    seconds.append(measured)
        ratios = [one / other if name in SPEEDS else other / one for one, other in zip(inside, outside, strict=True)]
        result[name] = statistics.median(ratios)
        result[f"{name}_engine_s"], result[f"{name}_worker_s"] = statistics.median(inside), statistics.median(outside)
    result["ping_s"] = statistics.median(client.measure("ping") / ONE for _ in range(rounds))
    return result


def weigh(client: Side, pid: int, idle_mb: float) -> dict[str, float]:
    """Memory under a long result, and of many connections."""
    with peak_mb(pid) as peak:
        client.measure("select_big")
    before = private_mb(pid)
    client.measure("idle_connections")
    return {"stream_mb": peak[0] - idle_mb, "connections_mb": private_mb(pid) - before}


def first_answer(path: Path) -> None:
    """Ask for something; waits in the socket until there is a worker."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(request(b"SELECT 1"))
        check(connection.recv(65536))


async def provide() -> bytes:
    return KEY


@contextlib.asynccontextmanager
async def running(spec: WorkerSpec, listener: socket.socket, log: Path) -> AsyncIterator[WorkerProcess]:
    worker = await WorkerProcess.start(spec, listener=listener, data_key=KEY, log=log, data_key_provider=provide)
    try:
        yield worker
    finally:
        await worker.quiesce_and_stop()


async def measure(root: Path, rounds: int) -> dict[str, float]:
    data, path, alone = root / "data", root / "http.sock", root / "alone"
    data.mkdir()
    alone.mkdir()
    uid = 70_001 if os.geteuid() == 0 else None
    if uid is not None:
        root.chmod(0o711)
        os.chown(data, uid, uid)
    spec = WorkerSpec(ServiceId("benchmark"), data, "default", digest(), MEMORY, uid)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1024)
        wakes = []
        for _ in range(WAKES + 1):  # the first makes the service, the others wake it
            asking = asyncio.create_task(asyncio.to_thread(first_answer, path))
            start = time.perf_counter()
            async with running(spec, listener, root / "worker.log"):
                await asking
                wakes.append(time.perf_counter() - start)
        async with running(spec, listener, root / "worker.log") as worker:
            await asyncio.sleep(SETTLE_SECONDS)
            result = {"wake_s": statistics.median(wakes[1:]), "idle_mb": private_mb(worker.pid)}
            engine = await asyncio.to_thread(Side, "engine", alone)
            client = await asyncio.to_thread(Side, "client", path)
            result |= await asyncio.to_thread(compare, engine, client, rounds)
            engine.close()
            result |= await asyncio.to_thread(weigh, client, worker.pid, result["idle_mb"])
            client.close()
    return result


def report(result: dict[str, float]) -> None:
    for name, limit in LIMITS.items():
        print(limit.line(result[name]))
    print("\nmedians, in process and over HTTP:")
    for name in (*SPEEDS, *TIMES):
        inside, outside = result[f"{name}_engine_s"] * 1e3, result[f"{name}_worker_s"] * 1e3
        print(f"{name:46} {inside:9.3f} ms {outside:9.3f} ms")
    print(f"{'/ping, the server alone':46} {result['ping_s'] * 1e6:9.1f} us")


def main() -> int:
    """The exit code: 1 if something is beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sh-bench-") as root:
        result = asyncio.run(measure(Path(root), arguments.rounds))
    if arguments.json:
        print(json.dumps(result))
    else:
        report(result)
    return int(not all(limit.holds(result[name]) for name, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main())
