"""Nobody but root may change how the machine is configured."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

OPEN = 0o022
META = CheckMeta(
    id="host_configuration_owned",
    title="Configuration in /etc belongs to root and is writable by nobody else",
    severity=Severity.HIGH,
    risk="An ordinary user adds an account, a job of root's, or a way to sign in.",
    remediation="Run `chown root FILE && chmod go-w FILE` for each named file.",
    max_age=timedelta(hours=24),
    collector="host_system",
    controls=("platform.os.hardening",),
    frameworks=("SOC2:CC6.8", "ISO27001:A.8.9", "CIS:3.3"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_system"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    files = [one for one in host.parts("files") if one.text("purpose") == "owned"]
    if not files and not host.number("etc_walked"):
        return Result(host.id, ResultState.NOT_APPLICABLE, "It has no configuration files to look at.")
    problems = [
        f"{one.text('path')} has mode {one.text('mode')} and owner {one.number('uid')}"
        for one in files
        if int(one.text("mode"), 8) & OPEN or one.number("uid") != 0
    ]
    count = host.number("etc_writable_count")
    if count:
        problems.append(f"everyone may write {count} files in /etc: {', '.join(host.texts('etc_writable')[:3])}")
    unknown = [] if host.flag("etc_complete") else ["/etc holds files that could not be looked at, or too many"]
    proven = f"Of {host.number('etc_walked')} files in /etc none is writable by everyone, and {len(files)} are root's."
    return verdict(host.id, problems=problems, unknown=unknown, proven=proven)
