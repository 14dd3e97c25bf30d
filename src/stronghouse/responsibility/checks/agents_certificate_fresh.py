"""Agents renew their client certificates well before they end."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import moment
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

LEAST_LEFT = timedelta(days=7)
META = CheckMeta(
    id="agents_certificate_fresh",
    title="No agent certificate is about to end",
    severity=Severity.HIGH,
    risk="An agent whose certificate has ended cannot come back until somebody lets it join anew.",
    remediation="Restart the agent with `stronghouse up`: it renews its certificate when it connects, ten days before "
    "the end.",
    max_age=timedelta(hours=4),
    collector="agents",
    controls=("platform.transit.renewal", "platform.infra_iam.machines"),
    frameworks=("SOC2:CC6.7", "ISO27001:A.8.24"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each region."""
    for region in facts.of_kind("region"):
        ends = moment(region, "certificate_expires_at")
        if not region.flag("joined") or ends is None:
            yield Result(region.id, ResultState.NOT_APPLICABLE, "No agent has joined this region yet.")
        elif ends - facts.collected_at < LEAST_LEFT:
            when = region.text("certificate_expires_at")
            yield Result(
                region.id, ResultState.FAIL, f"The certificate of its agent ends at {when} and was not renewed."
            )
        else:
            when = region.text("certificate_expires_at")
            yield Result(region.id, ResultState.PASS, f"The certificate of its agent holds until {when}.")
