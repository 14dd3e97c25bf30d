"""No component has a known vulnerability.

What cannot be compared is `manual`, with "unknown" in its reason, and never a pass. A program of which a usual feed
knows nothing (Envoy, Python, OpenSSL) does not apply here until the feed has entries about it: that nobody compares it
is said by `components_covered`, where it can be accepted for a while without hiding what is known of the others.
"""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.kernel.clock import parse_rfc3339
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.vulnerabilities.model import MAX_FEED_AGE, Verdict

SHOWN = 3
META = CheckMeta(
    id="components_free_of_advisories",
    title="No component has a known vulnerability",
    severity=Severity.HIGH,
    risk="Whoever reads the advisory knows how to attack this installation.",
    remediation="Install the fixed version that the reason names (`pip install --upgrade NAME`), restart with "
    "`stronghouse up`; where it says unknown, run `stronghouse advisories import FILE` with a current feed.",
    max_age=timedelta(hours=4),
    collector="components",
    controls=("team.vulnerabilities.advisories", "dev.sca.compared"),
    frameworks=("SOC2:CC7.1", "ISO27001:A.8.8", "CIS:7.4", "CIS:16.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each component."""
    for component in facts.of_kind("component"):
        state, reason = _judge(component, facts)
        yield Result(component.id, state, reason)


def _judge(component: Resource, facts: Facts) -> tuple[ResultState, str]:
    version, matched = component.optional_text("version"), component.parts("advisories")
    affecting = [one for one in matched if one.text("verdict") == Verdict.AFFECTED]
    name = f"{component.text('name')} {version}"
    if affecting:
        named = "; ".join(_named(one.text("id"), one.texts("fixed")) for one in affecting[:SHOWN])
        more = "" if len(matched) <= SHOWN else f" ({component.number('advisory_count')} advisories in all)"
        return ResultState.FAIL, f"{name} is affected by {named}{more}."
    entries = component.number("feed_entries")
    if not entries and not component.flag("usual_feed"):
        return ResultState.NOT_APPLICABLE, f"No imported advisory is about {name}; components_covered says so."
    unknown = _unknown(component, facts)
    if unknown is not None:
        return ResultState.MANUAL, f"unknown: {unknown}"
    clean = f"{name} is clean as of feed {component.text('feed_time')}"
    return ResultState.PASS, f"{clean}: none of {entries} advisories affects it."


def _unknown(component: Resource, facts: Facts) -> str | None:
    """Why nobody can tell whether a component that no advisory affects for sure is clean; None where it is."""
    version, feed_time = component.optional_text("version"), component.optional_text("feed_time")
    matched = component.parts("advisories")
    reason = None
    if version is None:
        reason = f"the version of {component.text('name')} cannot be told."
    elif feed_time is None:
        reason = f"no advisories were imported to compare {component.text('name')} with."
    elif not component.number("feed_entries"):
        reason = f"the feed has nothing about {component.text('ecosystem')}."
    elif not component.flag("feed_trusted"):
        reason = "the key that signed the feed is trusted no longer."
    elif facts.collected_at - parse_rfc3339(feed_time) > MAX_FEED_AGE:
        reason = f"the feed of {feed_time} is older than {MAX_FEED_AGE.days} days."
    elif matched:
        named = ", ".join(one.text("id") for one in matched[:SHOWN])
        reason = f"{named} may be about {component.text('name')}, but its versions cannot be compared."
    return reason


def _named(advisory: str, fixed: list[str]) -> str:
    return f"{advisory} (fixed in {fixed[0]})" if fixed else f"{advisory} (no fixed version is known)"
