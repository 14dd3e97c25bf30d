"""Every API key ends within a year."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import moment
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

LONGEST = timedelta(days=366)
META = CheckMeta(
    id="api_keys_expire",
    title="Every API key has an end within a year",
    severity=Severity.LOW,
    risk="A key that leaked long ago and was forgotten still works.",
    remediation="Give the key an end with `stronghouse key update <KEY> --expires <TIME>` (as in "
    "2027-01-31T00:00:00Z), and make its successor in time with `stronghouse key create`.",
    max_age=timedelta(hours=4),
    collector="control_access",
    controls=("console.iam.credentials",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.5.17", "CIS:5.2"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each API key."""
    for key in facts.of_kind("api_key"):
        name, expires = key.text("name"), moment(key, "expires_at")
        if key.text("state") != "enabled" or (expires is not None and expires <= facts.collected_at):
            yield Result(key.id, ResultState.NOT_APPLICABLE, f"The key {name} does not work any more.")
        elif expires is None:
            yield Result(key.id, ResultState.FAIL, f"The key {name} never ends.")
        elif expires - facts.collected_at > LONGEST:
            days = (expires - facts.collected_at).days
            yield Result(key.id, ResultState.FAIL, f"The key {name} works for another {days} days.")
        else:
            yield Result(key.id, ResultState.PASS, f"The key {name} ends at {key.text('expires_at')}.")
