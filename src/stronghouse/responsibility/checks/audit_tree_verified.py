"""The audit log, computed again from its entries, agrees with its stored tree and every signed checkpoint."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="audit_tree_verified",
    title="The audit log is complete and unaltered",
    severity=Severity.CRITICAL,
    risk="Someone changed or removed what was recorded; nothing that rests on the log can be believed until it is "
    "known what.",
    remediation="Treat it as an incident: keep a copy of the database, run `stronghouse verify-audit` against the "
    "last backup to find "
    "the first difference, and restore from before it.",
    max_age=timedelta(hours=1),
    collector="audit_tree",
    controls=("console.audit.intact",),
    frameworks=("SOC2:CC7.2", "ISO27001:A.8.15", "CIS:8.9"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for the log."""
    for log in facts.of_kind("audit_log"):
        problem = log.optional_text("problem")
        if problem is not None:
            yield Result(log.id, ResultState.FAIL, problem)
        elif log.number("size") == 0:
            yield Result(log.id, ResultState.NOT_APPLICABLE, "Nothing was recorded yet.")
        else:
            entries, heads = log.number("size"), log.number("checkpoints")
            yield Result(
                log.id, ResultState.PASS, f"{entries} entries agree with the tree and with {heads} signed checkpoints."
            )
