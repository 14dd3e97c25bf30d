"""The kernel randomises addresses and hides its own from ordinary users."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

EXPECTED = {
    "kernel.randomize_va_space": ("2",),
    "kernel.kptr_restrict": ("1", "2"),
    "kernel.dmesg_restrict": ("1",),
    "kernel.yama.ptrace_scope": ("1", "2", "3"),
    "kernel.unprivileged_bpf_disabled": ("1", "2"),
}
META = CheckMeta(
    id="host_kernel_memory_hidden",
    title="The kernel randomises addresses and keeps its own and its log to itself",
    severity=Severity.MEDIUM,
    risk=(
        "A bug in one program becomes a way into the kernel, or one process reads the memory and the "
        "secrets of another."
    ),
    remediation=(
        "Write the named settings into `/etc/sysctl.d/60-stronghouse.conf` "
        "(`kernel.randomize_va_space=2`, `kernel.kptr_restrict=1`, `kernel.dmesg_restrict=1`, "
        "`kernel.yama.ptrace_scope=1`, `kernel.unprivileged_bpf_disabled=1`) and run `sysctl --system`."
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
