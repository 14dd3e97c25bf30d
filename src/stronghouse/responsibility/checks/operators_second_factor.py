"""Everyone who operates Stronghouse signs in with a second factor."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="operators_second_factor",
    title="Operators of Stronghouse use a second factor",
    severity=Severity.HIGH,
    risk="The password of one operator opens the installation, and with it every organization in it.",
    remediation="Have them set up a passkey or an authenticator app in the console, under Your account. To ask it of "
    "everybody at their next request: `stronghouse org sign-in-policy --require-second-factor`.",
    max_age=timedelta(hours=4),
    collector="control_access",
    controls=("platform.app_iam.operators",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.5", "CIS:6.5"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each member; only those of the organization that operates the installation are judged."""
    for member in facts.of_kind("member"):
        if not member.flag("operator"):
            yield Result(member.id, ResultState.NOT_APPLICABLE, "This member does not operate the installation.")
            continue
        email, second = member.text("email"), member.flag("second_factor")
        password, sessions = member.flag("has_password"), member.number("open_sessions")
        if second:
            yield Result(member.id, ResultState.PASS, f"{email} signs in with a second factor.")
        elif password or sessions or member.number("open_links"):
            how = "a password" if password else "a one-time link"
            yield Result(member.id, ResultState.FAIL, f"{email} signs in with {how} and no second factor.")
        else:
            yield Result(member.id, ResultState.NOT_APPLICABLE, f"{email} has nothing to sign in with.")
