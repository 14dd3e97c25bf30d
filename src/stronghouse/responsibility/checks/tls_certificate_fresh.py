"""Certificates are renewed well before they expire."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from stronghouse.kernel.clock import parse_rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

MINIMUM_LEFT = timedelta(days=7)
SHORT_LIVED_PART = 4
"""A certificate that lives shorter than four weeks must keep at least this part (a quarter) of its lifetime."""
META = CheckMeta(
    id="tls_certificate_fresh",
    title="No certificate is about to expire",
    severity=Severity.HIGH,
    risk="When it expires every verifying client is cut off at the same moment.",
    remediation="Restart the edge of the region with `stronghouse up`; the agent asks for a new certificate when "
    "it starts.",
    max_age=timedelta(hours=1),
    collector="tls_endpoints",
    controls=("platform.transit.renewal",),
    frameworks=("SOC2:CC6.7", "ISO27001:A.8.24"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each endpoint and address that shows a certificate."""
    for endpoint in facts.of_kind("endpoint"):
        if not endpoint.flag("reachable"):
            yield Result(endpoint.id, ResultState.NOT_APPLICABLE, "Nothing answers there, so no certificate is shown.")
            continue
        handshake = endpoint.part("handshake")
        not_after = handshake.optional_text("not_after")
        if not_after is None:
            yield Result(endpoint.id, ResultState.FAIL, "It shows no certificate that could be read.")
            continue
        not_before = handshake.optional_text("not_before")
        left = _moment(not_after) - facts.collected_at
        needed = MINIMUM_LEFT
        if not_before is not None:
            needed = min(needed, (_moment(not_after) - _moment(not_before)) / SHORT_LIVED_PART)
        if left < needed:
            yield Result(endpoint.id, ResultState.FAIL, f"It expires at {not_after} and was not renewed.")
        else:
            yield Result(endpoint.id, ResultState.PASS, f"It holds until {not_after}.")


def _moment(text: str) -> datetime:
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise Invalid("The facts hold a time that is none.", code="facts_malformed") from None
