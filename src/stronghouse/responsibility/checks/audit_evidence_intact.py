"""Kept evidence is what was recorded, and every stored result follows from it."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

SHOWN_PROBLEMS = 3
META = CheckMeta(
    id="audit_evidence_intact",
    title="Evidence is unaltered and every result follows from it",
    severity=Severity.CRITICAL,
    risk="Someone painted the matrix green by hand, or changed what it stands on.",
    remediation="Look again with `stronghouse check`, which replaces results and evidence. Find out who could write to "
    "the database past Stronghouse, and compare it with its last backup.",
    max_age=timedelta(hours=1),
    collector="audit_tree",
    controls=("console.audit.evidence",),
    frameworks=("SOC2:CC7.2", "ISO27001:A.5.28", "ISO27001:A.5.33"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for all evidence that a current result cites."""
    for evidence in facts.of_kind("evidence"):
        if evidence.number("problem_count"):
            problems = " ".join(evidence.texts("problems")[:SHOWN_PROBLEMS])
            yield Result(evidence.id, ResultState.FAIL, f"{evidence.number('problem_count')} problems: {problems}")
        elif not evidence.number("pieces"):
            yield Result(evidence.id, ResultState.NOT_APPLICABLE, "No result cites evidence yet.")
        else:
            pieces, results = evidence.number("pieces"), evidence.number("results")
            reason = f"{pieces} pieces of evidence are as recorded; {results} results were judged again and agree."
            yield Result(evidence.id, ResultState.PASS, reason)
