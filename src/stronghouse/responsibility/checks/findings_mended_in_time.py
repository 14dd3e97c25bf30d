"""What was found to be wrong is mended by its due date, or someone has accepted it for a while."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

# No finding comes from this check: see `findings.model.SILENT_COLLECTORS`.
META = CheckMeta(
    id="findings_mended_in_time",
    title="No finding is past its due date without being accepted",
    severity=Severity.HIGH,
    risk="Known weaknesses stay open for as long as an attacker needs to find them too.",
    remediation="See them with `stronghouse finding list`, do what `stronghouse finding show ID` says, or ask for an "
    "exception with `stronghouse finding accept ID`.",
    max_age=timedelta(hours=1),
    collector="findings",
    controls=("team.vulnerabilities.mended",),
    frameworks=("SOC2:CC7.4", "ISO27001:A.8.8", "CIS:7.7"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each organization that has had findings, and one for the installation."""
    for findings in facts.of_kind("findings"):
        overdue = findings.number("overdue")
        if not findings.number("ever"):
            yield Result(findings.id, ResultState.NOT_APPLICABLE, "There has been no finding yet.")
        elif overdue:
            first = next(iter(findings.parts("overdue_list")), None)
            told = "none named" if first is None else f"{first.text('title')}, due {first.text('due_at')}"
            yield Result(findings.id, ResultState.FAIL, f"{overdue} are past their due date, the first: {told}.")
        else:
            unresolved = findings.number("unresolved")
            yield Result(findings.id, ResultState.PASS, f"{unresolved} are to be mended, none is past its due date.")
