"""The database engine has no known vulnerability of its own.

Compared release line by release line with the list that comes with Stronghouse and with imported entries of the
ecosystem ClickHouse. The list makes no claim to be complete; older than 90 days it proves nothing any more.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.vulnerabilities.model import MAX_LIST_AGE, Verdict

SHOWN = 3
META = CheckMeta(
    id="engine_free_of_advisories",
    title="The database engine has no known vulnerability",
    severity=Severity.CRITICAL,
    risk="Several of the engine's weaknesses can be used before anyone signs in.",
    remediation="Upgrade to a version of Stronghouse that carries a mended engine (the reason names the fixed "
    "versions) and restart it with `stronghouse up`.",
    max_age=timedelta(hours=4),
    collector="components",
    controls=("team.vulnerabilities.advisories", "dev.sca.compared"),
    frameworks=("SOC2:CC7.1", "ISO27001:A.8.8", "CIS:7.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for the engine of each place."""
    for engine in facts.of_kind("engine"):
        state, reason = _judge(engine, facts)
        yield Result(engine.id, state, reason)


def _judge(engine: Resource, facts: Facts) -> tuple[ResultState, str]:
    if not engine.flag("runs_here"):
        return ResultState.NOT_APPLICABLE, "No engine runs here."
    version, matched, listed = engine.optional_text("version"), engine.parts("advisories"), engine.text("list_date")
    affecting = [one for one in matched if one.text("verdict") == Verdict.AFFECTED]
    if affecting:
        named = "; ".join(f"{one.text('id')} ({_fixed(one.texts('fixed'))})" for one in affecting[:SHOWN])
        return ResultState.FAIL, f"ClickHouse {version} is affected by {named}."
    unknown = None
    if version is None:
        unknown = "the version of the engine cannot be told."
    elif facts.collected_at - _day(listed) > MAX_LIST_AGE:
        unknown = f"the list of {listed} is older than {MAX_LIST_AGE.days} days."
    elif matched:
        unknown = f"{matched[0].text('id')} cannot be compared with ClickHouse {version}."
    if unknown is not None:
        return ResultState.MANUAL, f"unknown: {unknown}"
    count = engine.number("compared_with")
    return ResultState.PASS, f"None of {count} advisories affects ClickHouse {version}, by the list of {listed}."


def _fixed(versions: list[str]) -> str:
    return f"fixed in {', '.join(versions)}" if versions else "no fixed version is known"


def _day(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise Invalid("The facts hold a day that is none.", code="facts_malformed") from None
