"""What the machine knows of updates is not old."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

LONGEST_DAYS = 7
META = CheckMeta(
    id="host_package_lists_fresh",
    title="The lists of packages were fetched within the last 7 days",
    severity=Severity.MEDIUM,
    risk="Updates that came out since are not known here, so that nothing seems to be missing.",
    remediation=("Run `apt-get update`, and `systemctl enable --now apt-daily.timer` so that it happens every day."),
    max_age=timedelta(hours=24),
    collector="host_updates",
    controls=("platform.os.updates",),
    frameworks=("SOC2:CC7.1", "ISO27001:A.8.8", "CIS:7.3"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_updates"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    if not host.flag("apt"):
        return Result(host.id, ResultState.NOT_APPLICABLE, "It has no apt, so there are no lists of apt's.")
    age = host.optional_number("lists_age_days")
    problems = ["its lists were never fetched"] if age is None else []
    if age is not None and age > LONGEST_DAYS:
        problems.append(f"its lists were last changed {age} days ago")
    return verdict(host.id, problems=problems, proven=f"Its lists were fetched {age} days ago.")
