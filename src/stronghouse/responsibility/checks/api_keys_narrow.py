"""No API key works from every address."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import is_wide, moment
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="api_keys_narrow",
    title="No API key works from every address",
    severity=Severity.MEDIUM,
    risk="A leaked key can be used from anywhere.",
    remediation="List the addresses that need the key with `stronghouse key update <KEY> --ip <BLOCK>` (as in "
    "10.0.0.0/8=office; repeat `--ip` for each).",
    max_age=timedelta(hours=1),
    collector="control_access",
    controls=("console.iam.credentials",),
    frameworks=("SOC2:CC6.6", "ISO27001:A.8.20"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each API key."""
    for key in facts.of_kind("api_key"):
        name, expires = key.text("name"), moment(key, "expires_at")
        if key.text("state") != "enabled" or (expires is not None and expires <= facts.collected_at):
            yield Result(key.id, ResultState.NOT_APPLICABLE, f"The key {name} does not work any more.")
            continue
        sources = key.texts("sources")
        wide = [source for source in sources if is_wide(source)]
        if wide:
            yield Result(key.id, ResultState.FAIL, f"The key {name} works from everywhere: {', '.join(wide)}.")
        elif not sources:
            yield Result(key.id, ResultState.NOT_APPLICABLE, f"The key {name} works from nowhere: its list is empty.")
        else:
            yield Result(key.id, ResultState.PASS, f"The key {name} works from {len(sources)} blocks.")
