"""Each organization chose the profile of settings that it is compared with."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="guidance_profile_chosen",
    title="A profile of settings was chosen",
    severity=Severity.MEDIUM,
    risk="Nobody said which settings are right here, so nobody notices when one is wrong.",
    remediation="Look at the profiles with `stronghouse advise` and adopt one with `stronghouse advise PROFILE "
    "--choose`.",
    max_age=timedelta(hours=1),
    collector="guidance",
    controls=("guidance.settings.advice", "team.settings.baseline"),
    frameworks=("SOC2:CC5.3", "ISO27001:A.8.9", "CIS:4.1"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each organization."""
    for organization in facts.of_kind("guidance"):
        profile = organization.optional_text("profile")
        if organization.number("subjects") == 0:
            yield Result(organization.id, ResultState.NOT_APPLICABLE, "It has no service, key or member yet.")
        elif profile is None:
            offered = ", ".join(organization.texts("offered"))
            yield Result(
                organization.id,
                ResultState.FAIL,
                f"No profile was chosen; adopt one with `stronghouse advise PROFILE --choose`: {offered}.",
            )
        else:
            yield Result(organization.id, ResultState.PASS, f"The profile {profile} was chosen.")
