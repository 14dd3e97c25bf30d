"""No API key lives longer than its organization allows."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import moment
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="api_keys_within_maximum",
    title="No API key lives longer than its organization allows",
    severity=Severity.LOW,
    risk="A key that was made before the maximum was set goes on for as long as it was given, against the rule.",
    remediation="Replace the key with `stronghouse key rotate <KEY>`: its successor ends within the maximum, and the "
    "key itself after a day.",
    max_age=timedelta(hours=4),
    collector="control_access",
    controls=("console.iam.credentials",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.5.17", "CIS:5.2"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each API key."""
    for key in facts.of_kind("api_key"):
        name, days = key.text("name"), key.optional_number("maximum_lifetime_days")
        expires, created = moment(key, "expires_at"), moment(key, "created_at")
        if key.text("state") != "enabled" or (expires is not None and expires <= facts.collected_at):
            yield Result(key.id, ResultState.NOT_APPLICABLE, f"The key {name} does not work any more.")
        elif days is None or created is None:
            yield Result(key.id, ResultState.NOT_APPLICABLE, "The organization has set no maximum.")
        elif expires is None:
            yield Result(key.id, ResultState.FAIL, f"The key {name} never ends, and the maximum is {days} days.")
        elif expires - created > timedelta(days=days):
            lives = (expires - created).days
            yield Result(
                key.id,
                ResultState.FAIL,
                f"The key {name} ends {lives} days after it was made, and the maximum is {days}.",
            )
        else:
            yield Result(key.id, ResultState.PASS, f"The key {name} ends within {days} days after it was made.")
