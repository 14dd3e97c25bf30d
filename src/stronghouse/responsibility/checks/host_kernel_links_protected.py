"""The kernel protects links, pipes and files in directories that everyone may write."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

EXPECTED = {
    "fs.protected_hardlinks": ("1",),
    "fs.protected_symlinks": ("1",),
    "fs.protected_fifos": ("1", "2"),
    "fs.protected_regular": ("1", "2"),
}
META = CheckMeta(
    id="host_kernel_links_protected",
    title="Links, pipes and files in shared directories are protected by the kernel",
    severity=Severity.MEDIUM,
    risk=("An ordinary user plants a link or a file in /tmp and makes a program of root write where it should not."),
    remediation=(
        "Write the named settings into `/etc/sysctl.d/60-stronghouse.conf` (`fs.protected_hardlinks=1`, "
        "`fs.protected_symlinks=1`, `fs.protected_fifos=1`, `fs.protected_regular=2`) and run `sysctl "
        "--system`."
    ),
    max_age=timedelta(hours=24),
    collector="host_system",
    controls=("platform.os.hardening",),
    frameworks=("SOC2:CC6.8", "ISO27001:A.8.9", "CIS:4.1"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_system"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    settings = host.part("sysctls")
    found = {name: settings.optional_text(name) for name in EXPECTED}
    if all(value is None for value in found.values()):
        return Result(host.id, ResultState.NOT_APPLICABLE, "This kernel has none of these settings.")
    wrong = [f"{name} is {value}" for name, value in found.items() if value is not None and value not in EXPECTED[name]]
    absent = [f"{name} is not there to be read" for name, value in found.items() if value is None]
    return verdict(host.id, problems=wrong, unknown=absent, proven=f"All {len(found)} settings are as they should be.")
