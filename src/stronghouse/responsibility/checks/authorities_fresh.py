"""No certificate authority is about to end."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import moment
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

LEAST_LEFT = timedelta(days=90)
META = CheckMeta(
    id="authorities_fresh",
    title="Certificate authorities hold for another 90 days",
    severity=Severity.HIGH,
    risk="When an authority ends, every certificate under it ends at the same moment: agents and clients are cut off.",
    remediation="This version cannot replace an authority yet: plan a new installation before the date, and accept "
    "the risk until then with `stronghouse finding accept FINDING --reason REASON --days DAYS`.",
    max_age=timedelta(hours=12),
    collector="key_ages",
    controls=("platform.transit.renewal",),
    frameworks=("SOC2:CC6.7", "ISO27001:A.8.24"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each authority."""
    for authority in facts.of_kind("authority"):
        not_after = moment(authority, "not_after")
        if not authority.flag("used"):
            yield Result(authority.id, ResultState.NOT_APPLICABLE, "Nothing that it signed is in use yet.")
        elif not_after is None or not_after - facts.collected_at < LEAST_LEFT:
            yield Result(authority.id, ResultState.FAIL, f"It ends at {authority.optional_text('not_after')}.")
        else:
            yield Result(authority.id, ResultState.PASS, f"It holds until {authority.text('not_after')}.")
