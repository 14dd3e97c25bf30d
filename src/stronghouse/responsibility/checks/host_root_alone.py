"""Only root has root's user id."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

META = CheckMeta(
    id="host_root_alone",
    title="No account but root has user id 0",
    severity=Severity.CRITICAL,
    risk=("An account with another name has all of root's rights and is overlooked by whoever reviews accounts."),
    remediation="Give the named account another id or remove it: `userdel NAME`.",
    max_age=timedelta(hours=24),
    collector="host_access",
    controls=("platform.infra_iam.accounts",),
    frameworks=("SOC2:CC6.3", "ISO27001:A.8.2", "CIS:5.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_access"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    accounts = host.parts("accounts")
    if not accounts:
        return Result(host.id, ResultState.NOT_APPLICABLE, "It has no accounts (no /etc/passwd).")

    others = [one.text("name") for one in accounts if one.number("uid") == 0 and one.text("name") != "root"]
    wrong = [f"{name} has user id 0" for name in others]
    return verdict(host.id, problems=wrong, proven=f"None of {len(accounts)} accounts but root has user id 0.")
