"""Each running engine is held by the kernel: Landlock, a seccomp filter, no new privileges, no core dumps."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="sandbox_kernel_enforced",
    title="Every running engine is held by all parts of the kernel sandbox",
    severity=Severity.HIGH,
    risk="A query that breaks out of the engine can read files of the host and of other services, or open connections.",
    remediation="Use a kernel with Landlock and seccomp switched on (Linux 5.13 or newer; `lsm=landlock` on the "
    "kernel's command line; `stronghouse doctor` says which part is missing). If the kernel has both, somebody changed "
    "the program: install the program again and find out who. Then restart the service.",
    max_age=timedelta(hours=1),
    collector="worker_sandbox",
    controls=("platform.os.sandbox",),
    frameworks=("SOC2:CC6.8", "ISO27001:A.8.22", "CIS:10.5"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service."""
    for service in facts.of_kind("service"):
        if not service.flag("running"):
            yield Result(service.id, ResultState.NOT_APPLICABLE, "No engine runs, so there is no sandbox.")
            continue
        missing = service.texts("missing")
        if missing:
            yield Result(service.id, ResultState.FAIL, f"Not in force: {', '.join(missing)}.")
        else:
            yield Result(service.id, ResultState.PASS, f"In force: {', '.join(service.texts('in_force'))}.")
