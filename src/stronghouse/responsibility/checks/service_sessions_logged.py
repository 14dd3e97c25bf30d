"""Each service logs its sessions: what a look did was found in its log."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="service_sessions_logged",
    version=2,
    title="Every service logs its sessions",
    severity=Severity.HIGH,
    risk="After an incident nobody can say who connected.",
    remediation="Restart the service with `stronghouse service stop <SERVICE>` and `stronghouse service start "
    "<SERVICE>`; a new retention takes effect then, too. If it still fails, free disk space, and look into the "
    "worker's log `log/agent/worker-<SERVICE>.log` below the state directory.",
    max_age=timedelta(hours=4),
    collector="service_logs",
    controls=("service.logs.sessions",),
    frameworks=("SOC2:CC7.2", "ISO27001:A.8.15", "CIS:8.2"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service; one that sleeps is not woken to be asked."""
    for service in facts.of_kind("service"):
        if not service.flag("running"):
            yield Result(service.id, ResultState.NOT_APPLICABLE, "It does not run, and is not woken for this.")
            continue
        problem = _problem(service)
        if problem is not None:
            yield Result(service.id, ResultState.FAIL, problem)
        else:
            days = service.part("session_log").number("retention_days")
            reason = f"A sign-in that this check tried was found in system.session_log, which keeps rows {days} days."
            yield Result(service.id, ResultState.PASS, reason)


def _problem(service: Resource) -> str | None:
    problem = service.optional_text("problem")
    if problem is not None:
        return f"Its worker did not tell, so nothing is proven: {problem}"
    log = service.part("session_log")
    if not log.flag("canary"):
        return "A sign-in that this check tried was not found in system.session_log."
    kept, wanted = log.number("retention_days"), service.number("wanted_retention_days")
    return None if kept == wanted else f"Its session_log keeps rows {kept} days; set are {wanted}."
