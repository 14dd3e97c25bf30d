"""Everyone who signs in to the console uses a second factor."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="members_second_factor",
    title="Everyone who signs in uses a second factor",
    severity=Severity.HIGH,
    risk="A password that is guessed, phished or used elsewhere opens the console.",
    remediation="Have them set up a passkey or an authenticator app in the console, under Your account. To ask it of "
    "everybody at their next request: `stronghouse org sign-in-policy --require-second-factor`.",
    max_age=timedelta(hours=4),
    collector="control_access",
    controls=("console.iam.factors",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.5", "CIS:6.5"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each member."""
    for member in facts.of_kind("member"):
        email, second = member.text("email"), member.flag("second_factor")
        password, sessions = member.flag("has_password"), member.number("open_sessions")
        if second:
            yield Result(member.id, ResultState.PASS, f"{email} signs in with a second factor.")
        elif password or sessions or member.number("open_links"):
            how = "a password" if password else "a one-time link"
            yield Result(member.id, ResultState.FAIL, f"{email} signs in with {how} and no second factor.")
        else:
            yield Result(member.id, ResultState.NOT_APPLICABLE, f"{email} has nothing to sign in with.")
