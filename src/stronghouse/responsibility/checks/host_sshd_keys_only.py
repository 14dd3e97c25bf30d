"""People sign in over SSH with keys."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

ON = ("passwordauthentication", "kbdinteractiveauthentication", "permitemptypasswords")
META = CheckMeta(
    id="host_sshd_keys_only",
    title="The SSH server takes keys and no passwords",
    severity=Severity.HIGH,
    risk="Passwords are guessed from anywhere, and one that was stolen elsewhere opens this machine.",
    remediation=(
        "Put `PasswordAuthentication no`, `KbdInteractiveAuthentication no` and `PermitEmptyPasswords "
        "no` into `/etc/ssh/sshd_config` and run `systemctl reload ssh`."
    ),
    max_age=timedelta(hours=24),
    collector="host_sshd",
    controls=("platform.infra_iam.accounts",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.5", "CIS:6.4"),
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

    # A server that is too old to know the second name does not print it; it is then not on.
    wrong = [f"{name} is on" for name in ON if settings.fields.get(name, "no") != "no"]
    settings.text("passwordauthentication")
    for line in host.texts("matched"):
        keyword, _, value = line.partition(" ")
        if keyword in ON and value != "no":
            wrong.append(f"a Match block sets {keyword} {value}")
    return verdict(host.id, problems=wrong, proven="Sign-in with passwords is off.")
