"""The clock of each region agrees with the control plane's."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

MOST_MILLISECONDS = 60_000
META = CheckMeta(
    id="planes_clock_agrees",
    title="The clocks of all planes agree to within 60 seconds",
    severity=Severity.MEDIUM,
    risk="The age of evidence is unknown, certificates are refused, and times in logs cannot be put in order.",
    remediation="Switch time synchronisation on with `timedatectl set-ntp true` on the machine that is wrong, and "
    "look with `timedatectl timesync-status`.",
    max_age=timedelta(hours=1),
    collector="agents",
    controls=("platform.os.clock",),
    frameworks=("SOC2:CC7.2", "ISO27001:A.8.17", "CIS:8.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each region."""
    for region in facts.of_kind("region"):
        skew = region.optional_number("clock_skew_ms")
        if skew is None or not region.flag("connected"):
            yield Result(region.id, ResultState.NOT_APPLICABLE, "No agent is connected that could tell its time.")
        elif abs(skew) > MOST_MILLISECONDS:
            way = "behind" if skew > 0 else "ahead"
            yield Result(region.id, ResultState.FAIL, f"Its clock is {abs(skew) / 1000:.1f} s {way} of ours.")
        else:
            yield Result(region.id, ResultState.PASS, f"Its clock differs by {abs(skew)} ms, message and all.")
