"""TLS 1.2 and 1.3 are spoken; 1.0 and 1.1 are refused by the server itself."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Observation
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

RETIRED = ("1.0", "1.1")
META = CheckMeta(
    id="tls_versions_modern",
    title="Current TLS versions are accepted, TLS 1.0 and 1.1 are refused",
    severity=Severity.HIGH,
    risk="Old versions can be attacked (RFC 8996 retired them); a missing new one shuts out careful clients.",
    remediation="Remove any local change of the edge's TLS parameters and restart it with `stronghouse up`.",
    max_age=timedelta(hours=1),
    collector="tls_endpoints",
    controls=("platform.transit.protocols",),
    frameworks=("SOC2:CC6.7", "ISO27001:A.8.21", "CIS:3.10"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each endpoint and address."""
    for endpoint in facts.of_kind("endpoint"):
        if not endpoint.flag("reachable"):
            yield Result(endpoint.id, ResultState.NOT_APPLICABLE, "Nothing answers there, so nothing is spoken.")
            continue
        versions = endpoint.part("versions")
        required = endpoint.texts("required_versions")
        wanted = dict.fromkeys(RETIRED, "refused") | dict.fromkeys(required, "accepted")
        told = [_wrong(version, versions.part(version), outcome) for version, outcome in wanted.items()]
        wrong = [text for text in told if text is not None]
        if wrong or not required:
            yield Result(endpoint.id, ResultState.FAIL, " ".join(wrong) or "It has to accept no version at all.")
        else:
            old = versions.part("1.1").text("detail")
            yield Result(
                endpoint.id, ResultState.PASS, f"{' and '.join(required)} accepted; 1.0 and 1.1 refused ({old})."
            )


def _wrong(version: str, answer: Observation, wanted: str) -> str | None:
    outcome, detail = answer.text("outcome"), answer.text("detail")
    return None if outcome == wanted else f"TLS {version} is {outcome} ({detail}); it must be {wanted}."
