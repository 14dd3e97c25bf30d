"""Evidence was handed over lately, in a form that verifies offline."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

EVERY_DAYS = 90
META = CheckMeta(
    id="package_verifies",
    title="An auditor's package was made within 90 days and verified",
    severity=Severity.LOW,
    risk="When an auditor asks for evidence it turns out that it cannot be handed over, and a period goes unproven.",
    remediation="Run `stronghouse package create --from DATE`, which makes a package and verifies it.",
    max_age=timedelta(days=1),
    collector="packages",
    controls=("assess.frameworks.package",),
    frameworks=("SOC2:CC4.1", "ISO27001:A.5.28"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each organization."""
    for packages in facts.of_kind("packages"):
        age, problem = packages.optional_number("verified_days_ago"), packages.optional_text("problem")
        if not packages.number("pieces"):
            yield Result(packages.id, ResultState.NOT_APPLICABLE, "There is no evidence yet that could be handed over.")
        elif problem is not None:
            yield Result(packages.id, ResultState.FAIL, f"The last package could not be made: {problem}")
        elif age is None:
            yield Result(packages.id, ResultState.FAIL, "No package was made yet.")
        elif age > EVERY_DAYS:
            yield Result(packages.id, ResultState.FAIL, f"The last package that verified is {age} days old.")
        else:
            yield Result(packages.id, ResultState.PASS, f"The last package was made and verified {age} days ago.")
