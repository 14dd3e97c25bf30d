"""Each service is what the audit log says that somebody declared."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import follows_log
from stronghouse.responsibility.model import CheckMeta, Result, Severity

META = CheckMeta(
    id="services_follow_audit_log",
    title="No service was changed past Stronghouse",
    severity=Severity.CRITICAL,
    risk="Somebody wrote to the database past Stronghouse: opened an access list, set a password, moved or "
    "removed a service.",
    remediation="Find out who could write to the database. Then declare again what you want: for an access list "
    "`stronghouse service update <SERVICE> --remove-ip <BLOCK>` or `--add-ip <BLOCK>`, for a password "
    "`stronghouse service reset-password <SERVICE>`; restore anything else from a copy of the database.",
    max_age=timedelta(hours=1),
    collector="declared_state",
    controls=("team.misconfiguration.drift",),
    frameworks=("SOC2:CC7.1", "SOC2:CC8.1", "ISO27001:A.8.9", "ISO27001:A.8.32"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each."""
    for resource in facts.of_kind("service"):
        yield follows_log(
            resource, in_use=not resource.flag("ending"), unused="It is being deleted, as somebody asked."
        )
