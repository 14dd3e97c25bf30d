"""It is declared who carries the machines of each region, so that the right documents are asked for."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="hosting_declared",
    title="It is declared who carries the machines of each region",
    severity=Severity.MEDIUM,
    risk="Nobody asks for the reports of the provider that the data lies with.",
    remediation="`stronghouse document hosting REGION PROVIDER`, where PROVIDER is aws, gcp, azure or own.",
    max_age=timedelta(days=1),
    collector="documents",
    controls=("infra.physical.reports", "infra.resources.provider_report"),
    frameworks=("SOC2:CC9.2", "ISO27001:A.5.19", "ISO27001:A.5.23", "CIS:15.1"),
)
KNOWN = frozenset({"aws", "gcp", "azure", "own"})


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each region."""
    for region in facts.of_kind("hosting"):
        name, provider = region.text("region"), region.optional_text("provider")
        if provider in KNOWN:
            yield Result(region.id, ResultState.PASS, f"The machines of {name} are declared to run on {provider}.")
        elif not region.number("machines"):
            yield Result(region.id, ResultState.NOT_APPLICABLE, f"No machine has joined the region {name} yet.")
        else:
            command = f"stronghouse document hosting {name} PROVIDER"
            yield Result(
                region.id, ResultState.FAIL, f"Nobody declared who carries the machines of {name}: `{command}`."
            )
