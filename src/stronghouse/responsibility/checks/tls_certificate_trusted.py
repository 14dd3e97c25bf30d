"""Every TLS endpoint shows a certificate of the installation's authority that carries the endpoint's name."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="tls_certificate_trusted",
    title="Every TLS endpoint shows a certificate that a careful client accepts",
    severity=Severity.HIGH,
    risk="Clients refuse to connect, or people learn to switch verification off, and then anyone in between can "
    "read along.",
    remediation="Restart the edge of the region with `stronghouse up`; the agent asks for a new certificate when "
    "it starts.",
    max_age=timedelta(hours=1),
    collector="tls_endpoints",
    controls=("platform.transit.certificates",),
    frameworks=("SOC2:CC6.7", "ISO27001:A.8.24", "CIS:3.10"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each endpoint and address."""
    for endpoint in facts.of_kind("endpoint"):
        if not endpoint.flag("reachable"):
            if endpoint.flag("expected"):
                because = endpoint.text("unreachable_because")
                yield Result(endpoint.id, ResultState.FAIL, f"Nothing answers there: {because}.")
            else:
                yield Result(
                    endpoint.id, ResultState.NOT_APPLICABLE, "The service is not running, and its port is closed."
                )
            continue
        handshake = endpoint.part("handshake")
        if handshake.flag("trusted"):
            names = ", ".join(handshake.texts("names"))
            yield Result(endpoint.id, ResultState.PASS, f"Chain and name verify; the certificate is for {names}.")
        else:
            problem = handshake.text("problem")
            yield Result(endpoint.id, ResultState.FAIL, f"A verifying client refuses it: {problem}.")
