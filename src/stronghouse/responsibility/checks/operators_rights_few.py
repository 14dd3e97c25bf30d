"""Whoever operates Stronghouse holds no more rights than needed."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

MOST_PEOPLE, MOST_KEYS = 5, 2
META = CheckMeta(
    id="operators_rights_few",
    title="Few people and few keys have all rights over the installation",
    severity=Severity.MEDIUM,
    risk="Members and keys of the operating organization change what holds for every other organization.",
    remediation="Take rights from a key with `stronghouse key update <KEY> --role Developer`, or delete it with "
    "`stronghouse key delete <KEY>`; from a person with `stronghouse member update <EMAIL> --role Developer`.",
    max_age=timedelta(hours=4),
    collector="control_access",
    controls=("platform.app_iam.operators",),
    frameworks=("SOC2:CC6.1", "SOC2:CC6.3", "ISO27001:A.8.2", "CIS:5.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each organization; only the one that operates the installation is judged."""
    for organization in facts.of_kind("organization"):
        if not organization.flag("operator"):
            yield Result(organization.id, ResultState.NOT_APPLICABLE, "It does not operate this installation.")
            continue
        people, keys = len(organization.texts("administrators")), len(organization.texts("administrator_keys"))
        told = f"All rights over the installation are held by people: {people}, by API keys: {keys}."
        few = people <= MOST_PEOPLE and keys <= MOST_KEYS
        yield Result(organization.id, ResultState.PASS if few else ResultState.FAIL, told)
