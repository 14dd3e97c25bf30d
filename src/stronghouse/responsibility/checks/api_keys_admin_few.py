"""Few API keys hold all rights."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

MOST = 2
META = CheckMeta(
    id="api_keys_admin_few",
    title="At most two API keys of an organization hold all rights",
    severity=Severity.MEDIUM,
    risk="A key stands in a file of some program; whoever reads that file has all rights.",
    remediation="Give the key only what its program needs with `stronghouse key update <KEY> --role Developer`, or "
    "delete it with `stronghouse key delete <KEY>`.",
    max_age=timedelta(hours=4),
    collector="control_access",
    controls=("console.iam.least",),
    frameworks=("SOC2:CC6.1", "SOC2:CC6.3", "ISO27001:A.8.2", "CIS:5.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each organization."""
    for organization in facts.of_kind("organization"):
        enabled, administrators = organization.number("enabled_keys"), organization.texts("administrator_keys")
        if not enabled:
            yield Result(organization.id, ResultState.NOT_APPLICABLE, "It has no API key that works.")
            continue
        told = f"{len(administrators)} of {enabled} keys hold all rights: {', '.join(administrators[:5]) or 'none'}."
        few = len(administrators) <= MOST
        yield Result(organization.id, ResultState.PASS if few else ResultState.FAIL, told)
