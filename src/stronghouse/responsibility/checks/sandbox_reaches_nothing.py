"""A process in a worker's sandbox can reach no file, socket or network that is not its own: tried, not read."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="sandbox_reaches_nothing",
    title="From inside an engine's sandbox nothing else can be reached",
    severity=Severity.CRITICAL,
    risk="A query that breaks out of the engine can read files of the host and of other services, or open connections.",
    remediation="Restart the service so that it gets the current sandbox; if the same thing is still reached, run "
    "`stronghouse "
    "doctor` for the kernel's part and report the rest as a weakness of Stronghouse.",
    max_age=timedelta(hours=1),
    collector="worker_sandbox",
    controls=("platform.os.sandbox",),
    frameworks=("SOC2:CC6.8", "ISO27001:A.8.22", "CIS:13.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service whose sandbox was tried."""
    for service in facts.of_kind("service"):
        if not service.flag("probed"):
            yield Result(service.id, ResultState.NOT_APPLICABLE, "No engine runs, so there is no sandbox.")
            continue
        reached, tried = service.texts("reached"), service.number("tried")
        if reached:
            yield Result(service.id, ResultState.FAIL, f"Reached from inside: {', '.join(reached[:5])}.")
        elif not tried:
            yield Result(service.id, ResultState.FAIL, "Nothing could be tried from inside, so nothing is proven.")
        else:
            yield Result(service.id, ResultState.PASS, f"{tried} ways out were tried from inside; none led anywhere.")
