"""What Envoy enforces for each service is exactly the declared IP access list."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="network_access_enforced",
    title="The edge lets in exactly the declared addresses",
    severity=Severity.CRITICAL,
    risk="Addresses that nobody allowed reach the service, or allowed ones are shut out.",
    remediation="Set the list again with `PATCH /v1/organizations/ORG/services/ID` and `ipAccessList`; if it "
    "stays, restart the edge "
    "with `stronghouse up`.",
    max_age=timedelta(hours=1),
    collector="network_access",
    controls=("console.network.enforced",),
    frameworks=("SOC2:CC6.6", "ISO27001:A.8.20", "CIS:13.5"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service that the edge ought to serve."""
    for service in facts.of_kind("service"):
        declared, enforced = service.texts("declared"), service.optional_texts("enforced")
        if not service.flag("served"):
            if service.flag("expected"):
                yield Result(service.id, ResultState.FAIL, "The edge does not serve it, so its list is not in force.")
            else:
                yield Result(
                    service.id, ResultState.NOT_APPLICABLE, "It is not running, and the edge does not serve it."
                )
        elif enforced is None:
            yield Result(service.id, ResultState.FAIL, "The edge lets in every address.")
        elif set(enforced) != set(declared):
            added, missing = sorted(set(enforced) - set(declared)), sorted(set(declared) - set(enforced))
            yield Result(
                service.id,
                ResultState.FAIL,
                f"Let in without being declared: {_named(added)}; declared but not let in: {_named(missing)}.",
            )
        else:
            yield Result(service.id, ResultState.PASS, f"The edge lets in exactly the {len(declared)} declared blocks.")


def _named(blocks: list[str]) -> str:
    return ", ".join(blocks[:5]) or "none"
