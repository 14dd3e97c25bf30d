"""Every component is one that the imported advisories know.

A check of its own, of low severity: that no source of advisories covers a program is another matter than a known
vulnerability. It is mended by a feed that has entries about the program (OSV's ecosystem Bitnami has `envoy` and
`python`), or accepted for a while by whoever compares these few programs by hand.
"""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="components_covered",
    title="Advisories are at hand for every component",
    severity=Severity.LOW,
    risk="A known vulnerability of a program that no feed covers is seen only by a person who looks for it.",
    remediation="Add entries about the program (ecosystem Bitnami) to the zip and run `stronghouse advisories import "
    "FILE`; or compare it by hand and accept the finding until a date.",
    max_age=timedelta(hours=4),
    collector="components",
    controls=("team.vulnerabilities.advisories",),
    frameworks=("SOC2:CC7.1", "ISO27001:A.8.8", "CIS:7.1"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each component; those that every usual feed covers are judged by their own check."""
    for component in facts.of_kind("component"):
        name, entries = component.text("name"), component.number("feed_entries")
        if component.flag("usual_feed"):
            reason = f"{name} is of the ecosystem {component.text('ecosystem')}, which the feed is for."
            yield Result(component.id, ResultState.NOT_APPLICABLE, reason)
        elif entries:
            yield Result(component.id, ResultState.PASS, f"The feed has {entries} advisories about {name}.")
        else:
            yield Result(component.id, ResultState.FAIL, f"No imported advisory is about {name}: it is not compared.")
