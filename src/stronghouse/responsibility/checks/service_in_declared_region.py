"""Each service was given to the region that it was declared for, and to no other."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="service_in_declared_region",
    title="Every service is in its declared region",
    severity=Severity.HIGH,
    risk="Data, keys and queries of the service lie where its owner did not allow them to be.",
    remediation="Find out who could write to the database; delete the service where it does not belong with "
    "`stronghouse service delete <SERVICE>` and create it again in its region.",
    max_age=timedelta(hours=1),
    collector="declared_state",
    controls=("console.geography.region",),
    frameworks=("SOC2:C1.1", "ISO27001:A.5.34", "CIS:3.8"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service."""
    for service in facts.of_kind("service"):
        region, declared = service.optional_text("region"), service.optional_text("declared_region")
        told = service.texts("document_regions")
        if region is None:
            yield Result(service.id, ResultState.NOT_APPLICABLE, "The database has no such service.")
        elif region != declared:
            where = declared or "no region at all"
            yield Result(service.id, ResultState.FAIL, f"It is in region {region}; declared was {where}.")
        elif told != [region]:
            yield Result(
                service.id, ResultState.FAIL, f"These regions were told to run it: {', '.join(told) or 'none'}."
            )
        else:
            yield Result(service.id, ResultState.PASS, f"Only the agent of region {region} was told to run it.")
