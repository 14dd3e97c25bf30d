"""Someone looks at each critical finding within a day and at each high one within three."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.kernel.clock import parse_rfc3339
from stronghouse.responsibility.facts import Facts, Observation
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

LIMITS = {Severity.CRITICAL: timedelta(days=1), Severity.HIGH: timedelta(days=3)}
# No finding comes from this check: see `findings.model.SILENT_COLLECTORS`.
META = CheckMeta(
    id="findings_triaged_in_time",
    title="Critical findings are looked at within a day, high ones within three days",
    severity=Severity.HIGH,
    risk="What was found to be wrong stays unseen, and so does an attack that uses it.",
    remediation="See them with `stronghouse finding list`, then take each one up with `stronghouse finding triage ID`.",
    max_age=timedelta(hours=1),
    collector="findings",
    controls=("team.incidents.alerts",),
    frameworks=("SOC2:CC7.3", "ISO27001:A.5.25", "CIS:8.11"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each organization that has had findings, and one for the installation."""
    for findings in facts.of_kind("findings"):
        if not findings.number("ever"):
            yield Result(findings.id, ResultState.NOT_APPLICABLE, "There has been no finding yet.")
            continue
        late = [
            f"{one.text('title')} ({severity.value}, {one.text('resource')})"
            for severity, limit in LIMITS.items()
            for one in _waiting(findings, severity)
            if facts.collected_at - parse_rfc3339(one.text("opened_at")) > limit
        ]
        if late:
            reason = f"At least {len(late)} wait longer than allowed, the first: {late[0]}."
            yield Result(findings.id, ResultState.FAIL, reason)
        else:
            waiting = sum(findings.part("untriaged").part(severity.value).number("count") for severity in LIMITS)
            reason = f"{waiting} critical or high findings wait for someone to look, none for too long."
            yield Result(findings.id, ResultState.PASS, reason)


def _waiting(findings: Observation, severity: Severity) -> list[Observation]:
    """Those that are named. They are the oldest, so if none of them is late, no other is."""
    return findings.part("untriaged").part(severity.value).parts("oldest")
