"""The machine's clock is kept in step with others."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

SILENT = frozenset({"chronyd", "openntpd", "ntpd"})
"""Services that, depending on their settings, keep time without telling the kernel so."""
META = CheckMeta(
    id="host_clock_synchronised",
    title="The clock is synchronised, as the kernel tells",
    severity=Severity.MEDIUM,
    risk=(
        "Times in the audit log are wrong, certificates are taken for valid too long, and evidence "
        "counts for longer than it may."
    ),
    remediation=(
        "Install and start a time service: `apt-get install systemd-timesyncd && timedatectl set-ntp "
        "true`; then `timedatectl` says that the system clock is synchronized."
    ),
    max_age=timedelta(hours=6),
    collector="host_system",
    controls=("platform.os.clock",),
    frameworks=("SOC2:CC7.2", "ISO27001:A.8.17", "CIS:8.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_system"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    clock = host.part("clock")
    state, services = clock.text("state"), clock.texts("services")
    if state == "unsupported":
        return Result(host.id, ResultState.NOT_APPLICABLE, "This kernel does not tell the state of its clock.")
    problems, unknown = [], []
    if state == "unsynchronised" and services and not set(services) - SILENT:
        unknown.append(f"the kernel holds its clock for unsynchronised, but {', '.join(services)} runs")
    elif state == "unsynchronised" and host.flag("container"):
        unknown.append("the kernel holds its clock for unsynchronised; the machine around us is not seen")
    elif state == "unsynchronised":
        problems.append(f"the kernel holds its clock for unsynchronised ({', '.join(services) or 'no service'} runs)")
    elif state != "synchronised":
        unknown.append("the kernel may not be asked about its clock here")
    return verdict(host.id, problems=problems, unknown=unknown, proven="The kernel holds its clock for synchronised.")
