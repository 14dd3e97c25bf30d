"""No account has an empty or weakly hashed password."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

WEAK = frozenset({"des", "md5"})
META = CheckMeta(
    id="host_passwords_sound",
    title="No account has an empty password or a weak password hash",
    severity=Severity.CRITICAL,
    risk="Anybody signs in without a password, or finds it out from the hash within hours.",
    remediation="Set a new password with `passwd NAME`, or lock the account with `passwd -l NAME`.",
    max_age=timedelta(hours=24),
    collector="host_access",
    controls=("platform.infra_iam.accounts",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.5.17", "CIS:5.2"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_access"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    accounts = host.parts("accounts")
    if not accounts:
        return Result(host.id, ResultState.NOT_APPLICABLE, "It has no accounts (no /etc/passwd).")

    kinds = {one.text("name"): one.text("password") for one in accounts}
    wrong = [f"{name} has an empty password" for name, kind in kinds.items() if kind == "empty"]
    wrong += [f"the password of {name} is hashed with {kind}" for name, kind in kinds.items() if kind in WEAK]
    unknown = [f"the kind of {name}'s password is not known" for name, kind in kinds.items() if kind == "unknown"]
    if not host.flag("shadow_read"):
        unknown = ["/etc/shadow may not be read here (run the agent as root to judge passwords)"]
    return verdict(
        host.id, problems=wrong, unknown=unknown, proven=f"None of {len(kinds)} accounts has a weak password."
    )
