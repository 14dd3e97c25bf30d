"""From nothing to a loaded service: time to ready, private memory of each process at idle, and the cost of `SELECT 1`.

Run it as `python -m benchmarks.ready`. It needs about half a minute. The same query is asked of the engine inside a
process of its own, so that the ratio is what edge, TLS, HTTP, authentication and the worker add.
"""

import http.client
import json
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from tests.support.stack import Stack, running_stack

QUERIES = 1000
SETTLE_SECONDS = 5.0
READY_LIMIT_SECONDS = 60.0
MEMORY_LIMIT_MB = 450.0
IN_PROCESS = """
import json, time
from chdb import session
engine = session.Session()
took = []
for _ in range({count}):
    began = time.perf_counter()
    engine.query("SELECT 1", "TabSeparated").bytes()
    took.append(time.perf_counter() - began)
print(json.dumps(took))
"""


def main() -> int:
    """Measure and print; 1 if a limit of the product's promises is passed."""
    with tempfile.TemporaryDirectory() as directory, running_stack(Path(directory), demo=True) as stack:
        print(
            f"time to ready with the demo loaded      {stack.started_in:8.1f} s   (limit {READY_LIMIT_SECONDS:.0f} s)"
        )
        time.sleep(SETTLE_SECONDS)
        total = report_memory(stack)
        report_queries(stack)
    return int(stack.started_in > READY_LIMIT_SECONDS or total > MEMORY_LIMIT_MB)


def report_memory(stack: Stack) -> float:
    """Private memory of each process, in MB of 10^6 bytes; the sum."""
    total = 0.0
    for pid in stack.process_ids():
        used = private_memory(pid)
        total += used
        print(f"private memory of {described(pid):<22}{used:8.1f} MB")
    print(f"private memory of everything            {total:8.1f} MB  (limit {MEMORY_LIMIT_MB:.0f} MB)")
    return total


def private_memory(pid: int) -> float:
    """What the machine would get back if the process ended."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB", rollup, re.MULTILINE)) * 1024 / 1e6


def described(pid: int) -> str:
    """What a process is, in a word or two."""
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    if "stronghouse" in arguments:
        return arguments[arguments.index("stronghouse") + 1]
    parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    return f"{Path(f'/proc/{pid}/comm').read_text().strip()} of {parent}"


def report_queries(stack: Stack) -> None:
    """Latency of `SELECT 1` on a kept-alive connection, beside the engine alone."""
    service = stack.ready["services"][0]
    context = ssl.create_default_context(cafile=stack.ca_file)
    connection = http.client.HTTPSConnection("localhost", stack.port_of(service["id"]), context=context)
    login = b64encode(f"{service['username']}:{service['password']}".encode()).decode()

    def ask() -> None:
        connection.request("POST", "/", b"SELECT 1", {"authorization": f"Basic {login}"})
        answer = connection.getresponse().read()
        if answer.strip() != b"1":
            raise RuntimeError(answer.decode())

    through_edge = measured(ask)
    done = subprocess.run(
        [sys.executable, "-c", IN_PROCESS.format(count=QUERIES)], capture_output=True, text=True, check=True
    )
    alone = sorted(json.loads(done.stdout))
    for name, took in (("edge and worker", through_edge), ("engine in-process", alone)):
        middle, worst = statistics.median(took) * 1000, took[int(len(took) * 0.99)] * 1000
        print(f"SELECT 1 by {name:<24}{middle:12.2f} ms at p50, {worst:.2f} ms at p99")
    ratio = statistics.median(through_edge) / statistics.median(alone)
    print(f"SELECT 1, edge and worker to in-process {ratio:8.1f} times")


def measured(ask: Callable[[], None]) -> list[float]:
    """Seconds of each call, sorted, after a few that do not count."""
    took = []
    for number in range(QUERIES + 50):
        began = time.perf_counter()
        ask()
        if number >= 50:
            took.append(time.perf_counter() - began)
    return sorted(took)


if __name__ == "__main__":
    sys.exit(main())
