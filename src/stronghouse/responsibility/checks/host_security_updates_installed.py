"""No security update of the distribution waits to be installed."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

LONGEST_DAYS = 7
META = CheckMeta(
    id="host_security_updates_installed",
    title="All security updates that the distribution has published are installed",
    severity=Severity.HIGH,
    risk=("A weakness that is publicly known, and mended by the distribution, is still open on this machine."),
    remediation=(
        "Run `apt-get update && apt-get dist-upgrade`; where no security source is configured, add the "
        "suite of your release that ends in -security to /etc/apt/sources.list first."
    ),
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
        return Result(
            host.id, ResultState.MANUAL, "It has no apt; a person has to say which security updates are missing."
        )
    age, problem = host.optional_number("lists_age_days"), host.optional_text("problem")
    if host.flag("rolling"):
        return Result(
            host.id, ResultState.NOT_APPLICABLE, "Its release has no security suite; every update counts there."
        )
    problems, unknown = [], []
    if host.number("pending"):
        problems.append(f"{host.number('pending')} security updates wait: {', '.join(host.texts('named')[:4])}")
    if not host.number("security_sources"):
        problems.append("no security source is configured, so apt knows of no security update")
    if problem is not None:
        unknown.append(f"apt could not be asked: {problem}")
    elif age is None or age > LONGEST_DAYS:
        told = "of unknown age" if age is None else f"{age} days old"
        unknown.append(f"apt knows of no pending security update, but its lists are {told}")
    return verdict(host.id, problems=problems, unknown=unknown, proven=f"None waits by lists that are {age} days old.")
