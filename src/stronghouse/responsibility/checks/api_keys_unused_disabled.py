"""API keys that nobody uses are switched off."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import moment
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

LONGEST_IDLE = timedelta(days=90)
META = CheckMeta(
    id="api_keys_unused_disabled",
    title="No API key that works is unused for 90 days",
    severity=Severity.LOW,
    risk="Nobody would miss, or notice, a forgotten key in the wrong hands.",
    remediation="Switch the key off with `stronghouse key update <KEY> --state disabled`, or delete it with "
    "`stronghouse key delete <KEY>`.",
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
            continue
        used, created = moment(key, "used_at"), moment(key, "created_at")
        last = used or created
        idle = None if last is None else facts.collected_at - last
        what = "used" if used is not None else "made and never used"
        if idle is None or idle > LONGEST_IDLE:
            days = "an unknown number of" if idle is None else idle.days
            yield Result(key.id, ResultState.FAIL, f"The key {name} was last {what} {days} days ago.")
        else:
            yield Result(key.id, ResultState.PASS, f"The key {name} was {what} {idle.days} days ago.")
