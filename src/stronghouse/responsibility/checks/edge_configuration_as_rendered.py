"""The files that each edge reads are the ones that its owner wrote."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="edge_configuration_as_rendered",
    title="No configuration of an edge was changed on disk",
    severity=Severity.CRITICAL,
    risk="Somebody changed who is let in, where requests go, or which certificate is shown; the edge takes it "
    "up at the next change.",
    remediation="Restart Stronghouse with `stronghouse up`: every file is written anew. Find out who could write to "
    "the directory.",
    max_age=timedelta(hours=1),
    collector="rendered_configuration",
    controls=("team.misconfiguration.drift",),
    frameworks=("SOC2:CC7.1", "SOC2:CC8.1", "ISO27001:A.8.9", "ISO27001:A.8.32"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each edge."""
    for edge in facts.of_kind("edge"):
        altered = edge.texts("altered")
        if not edge.flag("running"):
            yield Result(edge.id, ResultState.NOT_APPLICABLE, "The edge does not run, and writes them when it starts.")
        elif altered:
            yield Result(edge.id, ResultState.FAIL, f"Changed or gone: {', '.join(altered)}.")
        else:
            yield Result(edge.id, ResultState.PASS, "Every file that the edge reads is byte for byte what we wrote.")
