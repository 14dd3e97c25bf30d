"""Nothing on a TLS port answers a request that came without encryption."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="tls_plaintext_refused",
    title="Requests without encryption get no answer",
    severity=Severity.HIGH,
    risk="A client that is set up wrongly would send its password readable by anyone on the way, and nobody would "
    "notice.",
    remediation="Find what listens on the port instead of the edge (`ss -ltnp`), stop it, and run `stronghouse up` "
    "again.",
    max_age=timedelta(hours=1),
    collector="tls_endpoints",
    controls=("platform.transit.plaintext",),
    frameworks=("SOC2:CC6.7", "ISO27001:A.8.24", "CIS:3.10"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each endpoint and address."""
    for endpoint in facts.of_kind("endpoint"):
        if not endpoint.flag("reachable"):
            yield Result(endpoint.id, ResultState.NOT_APPLICABLE, "Nothing answers there at all.")
            continue
        answer = endpoint.part("plaintext")
        if answer.text("outcome") == "refused":
            yield Result(
                endpoint.id, ResultState.PASS, f"An HTTP request without TLS got no answer ({answer.text('detail')})."
            )
        else:
            yield Result(endpoint.id, ResultState.FAIL, "An HTTP request without TLS was answered in plain text.")
