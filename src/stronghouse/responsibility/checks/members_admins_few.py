"""An organization has an administrator, and not many of them."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

MOST = 5
META = CheckMeta(
    id="members_admins_few",
    title="Every organization has one to five administrators",
    severity=Severity.MEDIUM,
    risk="With too many, one stolen password is enough to change everything; with none, nobody can take rights away.",
    remediation="Look at who it is with `stronghouse matrix console.iam --json`, then give some of them another role: "
    "`stronghouse member update <EMAIL> --role Developer`, or one of your own that allows just what they do "
    "(`stronghouse role create`).",
    max_age=timedelta(hours=4),
    collector="control_access",
    controls=("console.iam.least",),
    frameworks=("SOC2:CC6.1", "SOC2:CC6.3", "ISO27001:A.8.2", "CIS:5.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each organization."""
    for organization in facts.of_kind("organization"):
        members, administrators = organization.number("members"), organization.texts("administrators")
        if not members:
            yield Result(organization.id, ResultState.NOT_APPLICABLE, "It has no members; API keys alone act for it.")
        elif not administrators:
            yield Result(organization.id, ResultState.FAIL, f"None of its {members} members is an administrator.")
        elif len(administrators) > MOST:
            shown = ", ".join(administrators[:MOST])
            yield Result(
                organization.id, ResultState.FAIL, f"It has {len(administrators)} administrators: {shown} and others."
            )
        else:
            shown = ", ".join(administrators)
            yield Result(organization.id, ResultState.PASS, f"{len(administrators)} of {members} members: {shown}.")
