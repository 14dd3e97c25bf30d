"""The SSH server speaks no broken cipher."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

OFFERS = ("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms")
WEAK = ("-cbc", "arcfour", "3des", "blowfish", "cast128", "hmac-md5", "-group1-", "-exchange-sha1")
WEAK_NAMES = frozenset({"ssh-dss", "ssh-rsa", "none", "diffie-hellman-group14-sha1"})
META = CheckMeta(
    id="host_sshd_algorithms_modern",
    title="The SSH server offers only sound ciphers, key exchanges and signatures",
    severity=Severity.MEDIUM,
    risk=("Recorded sessions are read, or a connection is taken over, through an algorithm that is known to be weak."),
    remediation=(
        "Remove the named algorithms from `Ciphers`, `MACs`, `KexAlgorithms` or `HostKeyAlgorithms` in "
        "`/etc/ssh/sshd_config` and run `systemctl reload ssh`."
    ),
    max_age=timedelta(hours=24),
    collector="host_sshd",
    controls=("platform.os.hardening",),
    frameworks=("SOC2:CC6.7", "ISO27001:A.8.24", "CIS:3.10"),
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

    offered = {name for field in OFFERS for name in settings.text(field).split(",")}
    weak = sorted(name for name in offered if any(part in name for part in WEAK) or name in WEAK_NAMES)
    wrong = [f"it offers {name}" for name in weak]
    return verdict(
        host.id, problems=wrong, proven=f"None of the {len(offered)} algorithms that it offers is known to be weak."
    )
