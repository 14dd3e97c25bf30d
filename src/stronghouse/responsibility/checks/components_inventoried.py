"""There is a list of everything that runs, with versions."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

SHOWN = 5
META = CheckMeta(
    id="components_inventoried",
    title="Every component is listed with its version",
    severity=Severity.MEDIUM,
    risk="What nobody knows to be there is never compared with an advisory and never mended.",
    remediation="Reinstall what the reason names so that its metadata is there (`pip install --force-reinstall NAME`).",
    max_age=timedelta(hours=4),
    collector="components",
    controls=("dev.sca.inventory",),
    frameworks=("SOC2:CC7.1", "ISO27001:A.8.8", "CIS:2.1", "CIS:16.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each kind of component that a place may have."""
    for part in facts.of_kind("inventory"):
        unreadable, count = part.texts("unreadable"), part.number("count")
        if not part.flag("runs_here"):
            yield Result(part.id, ResultState.NOT_APPLICABLE, "Nothing of this kind runs here.")
        elif not count:
            yield Result(part.id, ResultState.FAIL, "Nothing was found, though something must be there.")
        elif unreadable:
            named = ", ".join(unreadable[:SHOWN])
            yield Result(part.id, ResultState.FAIL, f"The version of {len(unreadable)} of {count} is missing: {named}.")
        else:
            yield Result(part.id, ResultState.PASS, f"{count} components are listed, each with its version.")
