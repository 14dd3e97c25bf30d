"""Every region's agent is connected and speaks a protocol that we know."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="agents_connected",
    title="Every agent is connected",
    severity=Severity.HIGH,
    risk="The region goes on with what it has: access that was taken away stays open there, and nobody can look.",
    remediation="Look at why in `log/agent` below the state directory of the region, and restart it with `stronghouse "
    "up`; `stronghouse doctor` names what its machine lacks.",
    max_age=timedelta(hours=1),
    collector="agents",
    controls=("platform.network.agents",),
    frameworks=("SOC2:CC7.2", "ISO27001:A.8.16"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each region."""
    for region in facts.of_kind("region"):
        if not region.flag("joined"):
            yield Result(region.id, ResultState.NOT_APPLICABLE, "No agent has joined this region yet.")
        elif not region.flag("connected"):
            seen = region.optional_text("last_seen_at") or "never"
            yield Result(region.id, ResultState.FAIL, f"Its agent is not connected; it was last heard of: {seen}.")
        elif not region.flag("protocol_spoken"):
            number = region.optional_number("protocol")
            yield Result(region.id, ResultState.FAIL, f"Its agent speaks protocol {number}, which we do not know.")
        else:
            yield Result(region.id, ResultState.PASS, f"Its agent ({region.optional_text('software')}) is connected.")
