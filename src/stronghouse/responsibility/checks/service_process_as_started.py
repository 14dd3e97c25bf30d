"""Each running worker is our program with our arguments."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="service_process_as_started",
    title="Every worker runs our program as we start it",
    severity=Severity.CRITICAL,
    risk="Another program sits behind the edge in the place of the engine and receives queries and passwords.",
    remediation="Restart Stronghouse with `stronghouse up`; if it happens again, treat it as an incident.",
    max_age=timedelta(hours=1),
    collector="rendered_configuration",
    controls=("team.misconfiguration.drift",),
    frameworks=("SOC2:CC6.8", "ISO27001:A.8.19"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service."""
    for service in facts.of_kind("service"):
        problems = service.texts("process_problems")
        if not service.flag("running"):
            yield Result(service.id, ResultState.NOT_APPLICABLE, "It does not run, so there is no process.")
        elif problems:
            yield Result(service.id, ResultState.FAIL, f"Its process is not as we start it: {'; '.join(problems)}.")
        else:
            yield Result(service.id, ResultState.PASS, "Its process is our program, started on its own directory.")
