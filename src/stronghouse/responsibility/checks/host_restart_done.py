"""The machine runs what is installed."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

META = CheckMeta(
    id="host_restart_done",
    title="The newest installed kernel runs, and no restart is owed",
    severity=Severity.MEDIUM,
    risk=("An update is installed but not in force: the old kernel or library with its known weakness still runs."),
    remediation="Restart the machine when its services may pause: `systemctl reboot`.",
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
    kernels, running = host.texts("kernels"), host.text("kernel")
    problems, unknown = [], []
    if host.flag("restart_required"):
        problems.append("an installed update asks for a restart")
    if running in kernels and kernels[-1] != running:
        problems.append(f"{running} runs while {kernels[-1]} is installed")
    elif kernels and running not in kernels:
        unknown.append(f"{running} runs, which is none of the installed kernels (newest: {kernels[-1]})")
    if not kernels and not problems:
        return Result(
            host.id, ResultState.NOT_APPLICABLE, "No kernel is installed here: it is another machine's to update."
        )
    return verdict(host.id, problems=problems, unknown=unknown, proven=f"{running} runs, the newest installed kernel.")
