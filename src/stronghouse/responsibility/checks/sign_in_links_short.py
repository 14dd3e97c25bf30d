"""One-time sign-in links end within a day and are few."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.judging import moment
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

LONGEST = timedelta(hours=24, minutes=1)
MOST = 3
META = CheckMeta(
    id="sign_in_links_short",
    title="Sign-in links end within a day",
    severity=Severity.HIGH,
    risk="A link that works for long, or one that somebody put into the database, signs in without any password.",
    remediation="Set a password in the console with the newest link of this person (`stronghouse sign-in-link` makes "
    "one): that ends all others. Find out who wrote to the database.",
    max_age=timedelta(hours=1),
    collector="control_access",
    controls=("console.iam.credentials",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.5.17", "CIS:5.2"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each member."""
    for member in facts.of_kind("member"):
        links, until = member.number("open_links"), moment(member, "links_until")
        if not links or until is None:
            yield Result(member.id, ResultState.NOT_APPLICABLE, "No sign-in link of this member is open.")
        elif until - facts.collected_at > LONGEST:
            yield Result(member.id, ResultState.FAIL, f"A sign-in link works until {member.text('links_until')}.")
        elif links > MOST:
            yield Result(member.id, ResultState.FAIL, f"{links} sign-in links of this member are open.")
        else:
            yield Result(member.id, ResultState.PASS, f"{links} open, until {member.text('links_until')} at most.")
