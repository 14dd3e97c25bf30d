"""The key that signs the audit log is not older than a year."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import within_lifetime
from stronghouse.responsibility.model import CheckMeta, Result, Severity

META = CheckMeta(
    id="audit_key_within_lifetime",
    title="The signing key of the audit log is not older than a year",
    severity=Severity.LOW,
    risk="Whoever got hold of the key at any time since can sign another history.",
    remediation="This version cannot replace the signing key yet: keep signed checkpoints elsewhere with `stronghouse "
    "audit verify`, which remembers what it saw, and accept the risk with a date.",
    max_age=timedelta(hours=12),
    collector="key_ages",
    controls=("console.audit.key",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.24"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for the key."""
    for key in facts.of_kind("signing_key"):
        yield within_lifetime(key, "signing key", facts.collected_at)
