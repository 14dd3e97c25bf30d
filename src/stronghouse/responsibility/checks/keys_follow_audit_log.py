"""Each API key is what the audit log says that somebody made."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import follows_log
from stronghouse.responsibility.model import CheckMeta, Result, Severity

META = CheckMeta(
    id="keys_follow_audit_log",
    title="No API key was changed past Stronghouse",
    severity=Severity.CRITICAL,
    risk="Somebody wrote a key, its rights or its secret into the database and can act with it.",
    remediation="Delete the key with `stronghouse key delete <KEY>` and make another with `stronghouse key create`; "
    "find out who could write to the database.",
    max_age=timedelta(hours=1),
    collector="declared_state",
    controls=("team.misconfiguration.drift",),
    frameworks=("SOC2:CC7.1", "SOC2:CC8.1", "ISO27001:A.8.9", "ISO27001:A.8.32"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each."""
    for resource in facts.of_kind("api_key"):
        yield follows_log(
            resource, in_use=resource.flag("in_use"), unused="The key has ended and does not work any more."
        )
