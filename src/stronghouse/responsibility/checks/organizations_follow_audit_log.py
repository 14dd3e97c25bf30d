"""Each organization is what the audit log says, and the first one of it operates the installation."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import follows_log
from stronghouse.responsibility.model import CheckMeta, Result, Severity

META = CheckMeta(
    id="organizations_follow_audit_log",
    title="No organization was changed past Stronghouse",
    severity=Severity.CRITICAL,
    risk="Somebody made another organization the operator of the installation, or put one there that nobody created.",
    remediation="Find out who could write to the database, stop Stronghouse, and restore the rows of the table "
    "`organization` from the last copy of `control/control.db`, or of the "
    "PostgreSQL database where it is one.",
    max_age=timedelta(hours=1),
    collector="declared_state",
    controls=("team.misconfiguration.drift", "platform.app_iam.operators"),
    frameworks=("SOC2:CC7.1", "SOC2:CC8.1", "ISO27001:A.8.9", "ISO27001:A.8.32"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each."""
    for resource in facts.of_kind("organization"):
        yield follows_log(resource, in_use=resource.flag("in_use"), unused="The organization has no members.")
