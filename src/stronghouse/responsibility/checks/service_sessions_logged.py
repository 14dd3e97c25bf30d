"""Each service logs its sessions."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="service_sessions_logged",
    title="Every service logs its sessions",
    severity=Severity.HIGH,
    risk="After an incident nobody can say who connected.",
    remediation="This version keeps no logs inside the engine: it would write query texts to disk in a way that is "
    "not under retention yet. What there is today is the edge's access log, `log/agent/edge-access.log` "
    "below the state directory, with time, address, service and status of each request. Keep it "
    "elsewhere, and accept the risk with a date.",
    max_age=timedelta(hours=4),
    collector="rendered_configuration",
    controls=("service.logs.sessions",),
    frameworks=("SOC2:CC7.2", "ISO27001:A.8.15", "CIS:8.2"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service, by the configuration that its engine reads."""
    for service in facts.of_kind("service"):
        tables = service.texts("log_tables")
        if not service.flag("written"):
            yield Result(service.id, ResultState.NOT_APPLICABLE, "Its engine never ran, so it has no configuration.")
        elif "session_log" not in tables:
            yield Result(
                service.id, ResultState.FAIL, "Its engine is configured without session_log: it logs no sessions."
            )
        else:
            yield Result(service.id, ResultState.PASS, "Its engine writes session_log.")
