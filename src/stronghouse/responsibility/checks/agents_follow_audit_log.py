"""Each agent joined with a token of ours and uses a certificate that we signed for it."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import follows_log
from stronghouse.responsibility.model import CheckMeta, Result, Severity

META = CheckMeta(
    id="agents_follow_audit_log",
    title="No agent was let in past Stronghouse",
    severity=Severity.CRITICAL,
    risk="Somebody let a machine in that never joined, or one back in that was revoked; it receives what "
    "services should be.",
    remediation="Find out who could write to the database. Move the directory `agent/identity` of the region away and "
    "restart with `stronghouse up`: the agent joins anew, and whoever was in its place is refused.",
    max_age=timedelta(hours=1),
    collector="declared_state",
    controls=("team.misconfiguration.drift", "platform.infra_iam.machines"),
    frameworks=("SOC2:CC7.1", "SOC2:CC8.1", "ISO27001:A.8.9", "ISO27001:A.8.32"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each."""
    for resource in facts.of_kind("agent"):
        yield follows_log(resource, in_use=resource.flag("in_use"), unused="No agent has joined this region yet.")
