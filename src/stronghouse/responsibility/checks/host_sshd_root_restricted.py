"""Root does not sign in over SSH with a password."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

RESTRICTED = frozenset({"no", "prohibit-password", "without-password", "forced-commands-only"})
META = CheckMeta(
    id="host_sshd_root_restricted",
    title="The SSH server lets root in with no password",
    severity=Severity.HIGH,
    risk=("Anybody who guesses or steals root's password owns the machine, and nobody knows which person it was."),
    remediation=(
        "Put `PermitRootLogin no` (or `prohibit-password`) into `/etc/ssh/sshd_config` and run `systemctl reload ssh`."
    ),
    max_age=timedelta(hours=24),
    collector="host_sshd",
    controls=("platform.infra_iam.accounts",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.2", "CIS:5.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_sshd"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    if not host.flag("installed"):
        return Result(host.id, ResultState.NOT_APPLICABLE, "No SSH server is installed.")
    problem, settings = host.optional_text("problem"), host.part("settings")
    if problem is not None:
        return Result(host.id, ResultState.MANUAL, f"The configuration in force is not known: {problem}.")

    told = settings.text("permitrootlogin")
    wrong = [f"PermitRootLogin is {told}"] if told not in RESTRICTED else []
    for line in host.texts("matched"):
        keyword, _, value = line.partition(" ")
        if keyword == "permitrootlogin" and value not in RESTRICTED:
            wrong.append(f"a Match block sets PermitRootLogin {value}")
    return verdict(host.id, problems=wrong, proven=f"PermitRootLogin is {told}.")
