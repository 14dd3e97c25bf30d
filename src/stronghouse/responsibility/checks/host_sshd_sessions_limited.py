"""The SSH server bounds attempts and lets nothing change its rules."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

MOST_TRIES, LONGEST_GRACE = 6, 120
EXPECTED = {
    "permituserenvironment": ("no",),
    "hostbasedauthentication": ("no",),
    "ignorerhosts": ("yes", "shosts-only"),
    "strictmodes": ("yes",),
}
META = CheckMeta(
    id="host_sshd_sessions_limited",
    title="The SSH server limits attempts and takes no settings from users",
    severity=Severity.LOW,
    risk="Guessing goes on without end, or a user's own files change what the server runs for them.",
    remediation=(
        "Set `MaxAuthTries 4`, `LoginGraceTime 60`, `PermitUserEnvironment no`, `HostbasedAuthentication "
        "no`, `IgnoreRhosts yes` and `StrictModes yes` in `/etc/ssh/sshd_config` and run `systemctl "
        "reload ssh`."
    ),
    max_age=timedelta(hours=24),
    collector="host_sshd",
    controls=("platform.os.hardening",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.9", "CIS:4.1"),
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

    wrong = [f"{name} is {settings.text(name)}" for name, good in EXPECTED.items() if settings.text(name) not in good]
    tries, grace = settings.text("maxauthtries"), settings.text("logingracetime")
    if not tries.isdigit() or int(tries) > MOST_TRIES:
        wrong.append(f"maxauthtries is {tries}")
    if not grace.isdigit() or not 0 < int(grace) <= LONGEST_GRACE:
        wrong.append(f"logingracetime is {grace}")
    return verdict(
        host.id, problems=wrong, proven=f"{tries} attempts, {grace} seconds to sign in, no settings from users."
    )
