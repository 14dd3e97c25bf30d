"""A feed of advisories is imported and no older than two weeks."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.kernel.clock import parse_rfc3339
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.vulnerabilities.model import MAX_FEED_AGE

META = CheckMeta(
    id="advisories_feed_current",
    title="The imported advisories are current",
    severity=Severity.HIGH,
    risk="A vulnerability that became known since the last import stays unseen.",
    remediation="Fetch a current OSV export and run `stronghouse advisories import FILE --manifest FILE`.",
    max_age=timedelta(hours=4),
    collector="components",
    controls=("team.vulnerabilities.advisories",),
    frameworks=("SOC2:CC7.1", "ISO27001:A.5.7", "ISO27001:A.8.8", "CIS:7.1"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for the installation's feed, which the control plane alone describes."""
    for feed in facts.of_kind("feed"):
        if not feed.number("components"):
            yield Result(feed.id, ResultState.NOT_APPLICABLE, "There is no component to compare with advisories.")
            continue
        feed_time = feed.optional_text("feed_time")
        if not feed.flag("imported") or feed_time is None:
            yield Result(feed.id, ResultState.FAIL, "No advisories were imported: every component is unknown.")
            continue
        key = feed.optional_text("signed_by")
        said = "unsigned" if key is None else f"signed by key {key}"
        told = f"The feed of {feed_time} ({feed.optional_text('source')}, {said})"
        skipped = feed.number("unreadable")
        if not feed.flag("trusted"):
            yield Result(feed.id, ResultState.FAIL, f"{told} is not believed: that key is trusted no longer.")
        elif facts.collected_at - parse_rfc3339(feed_time) > MAX_FEED_AGE:
            yield Result(feed.id, ResultState.FAIL, f"{told} is older than {MAX_FEED_AGE.days} days.")
        else:
            reason = f"{told} has {sum(feed.counts('entries').values())} advisories; {skipped} could not be read."
            yield Result(feed.id, ResultState.PASS, reason)
