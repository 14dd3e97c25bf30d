"""No service's IP access list lets in every address."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network

from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

WIDEST_PREFIX = 1
"""Half of all addresses or more is as good as all of them."""
META = CheckMeta(
    id="network_access_narrow",
    title="No service is open to every address",
    severity=Severity.MEDIUM,
    risk="A stolen or guessed password can be used from anywhere.",
    remediation="List the addresses that need the service with `PATCH /v1/organizations/ORG/services/ID` and "
    "`ipAccessList`.",
    max_age=timedelta(hours=1),
    collector="network_access",
    controls=("console.network.narrow", "team.misconfiguration.posture"),
    frameworks=("SOC2:CC6.6", "ISO27001:A.8.20"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service, by its declared list."""
    for service in facts.of_kind("service"):
        declared = service.texts("declared")
        wide = [block for block in declared if _prefix(block) <= WIDEST_PREFIX]
        if wide:
            yield Result(service.id, ResultState.FAIL, f"Its list lets in everyone: {', '.join(wide)}.")
        elif not declared:
            yield Result(service.id, ResultState.NOT_APPLICABLE, "Its list is empty: nobody gets in.")
        else:
            yield Result(service.id, ResultState.PASS, f"Its list names {len(declared)} blocks, none of them everyone.")


def _prefix(block: str) -> int:
    try:
        return ip_network(block).prefixlen
    except ValueError:
        raise Invalid("The facts hold a block that is none.", code="facts_malformed") from None
