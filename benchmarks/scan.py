"""How long a scan takes: every check of every row, on the demo and with up to fifty services, all of them running.

Run it as `python -m benchmarks.scan`. It needs some minutes, most of which make services. The baseline is the scan of
the smallest installation in the same run; the plot (`docs/reference/scan.svg`) shows whether time grows with a straight
line. Also measured: the matrix document at ten thousand results.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.support.stack import Stack, running_stack

from benchmarks._many_services import SERVICES
from benchmarks._plot import line_plot

SIZES = (5, 10, 20, 35, SERVICES)
DEMO_LIMIT_SECONDS, MANY_LIMIT_SECONDS = 10.0, 60.0
CURVED = 1.25
"""How far the time at fifty services may lie above the straight line through the sizes before it."""
PLOT = Path(__file__).parents[1] / "docs" / "reference" / "scan.svg"


def main() -> int:
    """Measure and print; 1 if a limit of the product's promises is passed."""
    with tempfile.TemporaryDirectory() as directory, running_stack(Path(directory), demo=True) as stack:
        of_demo = scan(stack)
        print(f"scan of the demo                       {of_demo:8.1f} s   (limit {DEMO_LIMIT_SECONDS:.0f} s)")
    took = scans_while_growing()
    for size, seconds in took.items():
        times = seconds / took[SIZES[0]]
        print(f"scan of {size:2} running services             {seconds:8.1f} s   {times:6.2f} times the first")
    bend = took[SERVICES] / straight_line(took)
    print(f"at {SERVICES} services, to the straight line    {bend:8.2f} times (limit {CURVED})")
    PLOT.write_text(line_plot(took, x="running services", y="seconds of a full scan"))
    return int(of_demo > DEMO_LIMIT_SECONDS or took[SERVICES] > MANY_LIMIT_SECONDS or bend > CURVED)


def scans_while_growing() -> dict[int, float]:
    """Seconds of a scan at each size of one installation."""
    took: dict[int, float] = {}
    with (
        tempfile.TemporaryDirectory() as directory,
        running_stack(Path(directory), program="benchmarks._many_services", ports=4 + SERVICES) as stack,
    ):
        made = 0
        for size in SIZES:
            while made < size:
                service = stack.create_service(f"bench-{made}")
                stack.query(service.id, service.password, "CREATE TABLE t (id UInt64) ORDER BY id")
                stack.query(service.id, service.password, "INSERT INTO t SELECT number FROM numbers(100000)")
                made += 1
            took[size] = statistics.median(scan(stack) for _ in range(3))
    return took


def scan(stack: Stack) -> float:
    """Seconds from asking for all checks to their end."""
    began = time.perf_counter()
    run = stack.api("POST", "/checkRuns", {})
    while run["state"] in {"waiting", "running"}:
        time.sleep(0.05)
        run = stack.api("GET", f"/checkRuns/{run['id']}")
    return time.perf_counter() - began


def straight_line(took: dict[int, float]) -> float:
    """What the sizes before the last let expect at the last."""
    before = [(size, seconds) for size, seconds in took.items() if size != SERVICES]
    fit = statistics.linear_regression([size for size, _ in before], [seconds for _, seconds in before])
    return fit.slope * SERVICES + fit.intercept


if __name__ == "__main__":
    sys.exit(main())
