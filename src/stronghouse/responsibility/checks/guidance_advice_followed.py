"""Each organization follows the advice of its profile, declined it for a time, or has it as a task in time."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="guidance_advice_followed",
    title="The chosen profile's advice is followed, declined with a reason, or a task in time",
    severity=Severity.MEDIUM,
    risk="A setting that the organization itself called necessary is otherwise than it wants.",
    remediation="Look at the differences with `stronghouse advise PROFILE`, apply what can be applied with `--apply`, "
    "which also opens tasks for the rest, and decline what you do not want with `--decline`.",
    max_age=timedelta(hours=1),
    collector="guidance",
    controls=("guidance.settings.advice",),
    frameworks=("SOC2:CC5.3", "ISO27001:A.8.9", "CIS:4.1"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each organization."""
    for organization in facts.of_kind("guidance"):
        profile, count = organization.optional_text("profile"), organization.number("unanswered_count")
        unanswered, settings = organization.texts("unanswered"), organization.number("settings")
        if profile is None:
            yield Result(organization.id, ResultState.NOT_APPLICABLE, "No profile was chosen that could be followed.")
        elif count > 0:
            first = unanswered[0] if unanswered else "not listed."
            yield Result(
                organization.id, ResultState.FAIL, f"{count} differences from {profile} are unanswered; first: {first}"
            )
        else:
            declined = organization.counts("differences").get("declined", 0)
            yield Result(
                organization.id,
                ResultState.PASS,
                f"The advice of {profile} on {settings} settings and controls is answered, {declined} declined.",
            )
