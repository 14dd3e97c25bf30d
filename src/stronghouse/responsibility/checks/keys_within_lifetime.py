"""No data key and no key-encryption key is older than a year."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import within_lifetime
from stronghouse.responsibility.model import CheckMeta, Result, Severity

META = CheckMeta(
    id="keys_within_lifetime",
    title="Keys are not older than a year",
    severity=Severity.MEDIUM,
    risk="The longer a key is used, the more data it opens when it is lost.",
    remediation="This version cannot rotate keys yet. For a service, create a new one with `stronghouse service "
    "create`, copy its tables over, and delete the old one with `stronghouse service delete <SERVICE>`: "
    "the new one has a key of its own. A machine key cannot be replaced yet: accept the risk with a date.",
    max_age=timedelta(hours=12),
    collector="key_ages",
    controls=("console.tde.rotated",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.24"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each key."""
    for key in facts.of_kind("key"):
        yield within_lifetime(key, key.text("what"), facts.collected_at)
