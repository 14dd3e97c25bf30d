"""Accounts of services are not for signing in."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

FIRST_PERSON = 1000  # login.defs(5): UID_MIN
META = CheckMeta(
    id="host_system_accounts_closed",
    title="No account of a service can be signed in to",
    severity=Severity.MEDIUM,
    risk="An account that no person owns is used to sign in, and nobody notices.",
    remediation=(
        "Lock the named account and take its shell: `usermod -L -s /usr/sbin/nologin NAME`, and remove "
        "its authorized_keys."
    ),
    max_age=timedelta(hours=24),
    collector="host_access",
    controls=("platform.infra_iam.accounts",),
    frameworks=("SOC2:CC6.2", "ISO27001:A.5.16", "CIS:5.5"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_access"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    accounts = host.parts("accounts")
    if not accounts:
        return Result(host.id, ResultState.NOT_APPLICABLE, "It has no accounts (no /etc/passwd).")

    of_services = [one for one in accounts if 0 < one.number("uid") < FIRST_PERSON]
    if not of_services:
        return Result(host.id, ResultState.NOT_APPLICABLE, "It has no accounts of services.")
    wrong, unknown = [], []
    for one in of_services:
        if not one.flag("login") or one.flag("expired"):
            continue
        if one.number("keys") or one.text("password") not in {"locked", "unknown"}:
            wrong.append(f"{one.text('name')} has a login shell and a password or a key")
        elif one.text("password") == "unknown" or one.number("unread_keys"):
            unknown.append(f"{one.text('name')} has a login shell, and its password or keys cannot be seen")
    proven = f"None of {len(of_services)} accounts of services has a login shell with a password or a key."
    return verdict(host.id, problems=wrong, unknown=unknown, proven=proven)
