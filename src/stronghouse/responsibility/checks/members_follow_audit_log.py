"""Each member is who the audit log says that joined, with the rights and password given; roles say what they said."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import follows_log
from stronghouse.responsibility.model import CheckMeta, Result, Severity

META = CheckMeta(
    id="members_follow_audit_log",
    title="No member and no role was changed past Stronghouse",
    severity=Severity.CRITICAL,
    risk="Somebody gave a person rights or a password in the database and can sign in as them.",
    remediation="Find out who could write to the database, stop Stronghouse, and restore the rows of the tables "
    "`member`, `person` and `role` from the last copy of `control/control.db`, or of the "
    "PostgreSQL database where it is one.",
    max_age=timedelta(hours=1),
    collector="declared_state",
    controls=("team.misconfiguration.drift",),
    frameworks=("SOC2:CC7.1", "SOC2:CC8.1", "ISO27001:A.8.9", "ISO27001:A.8.32"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each."""
    for resource in facts.of_kind("member"):
        yield follows_log(resource, in_use=resource.flag("in_use"), unused="The member holds no role.")
    for resource in facts.of_kind("role"):
        yield follows_log(resource, in_use=resource.flag("in_use"), unused="Nobody holds the role.")
