"""Nobody but root may replace a program that root starts."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

OPEN = 0o022
META = CheckMeta(
    id="host_path_owned",
    title="Directories in PATH belong to root and are writable by nobody else",
    severity=Severity.HIGH,
    risk="An ordinary user puts a program of their own in the place of one that root starts.",
    remediation="Run `chown root DIRECTORY && chmod go-w DIRECTORY` for each named directory.",
    max_age=timedelta(hours=24),
    collector="host_system",
    controls=("platform.os.hardening",),
    frameworks=("SOC2:CC6.8", "ISO27001:A.8.3", "CIS:3.3"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_system"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    files = [one for one in host.parts("files") if one.text("purpose") == "path"]
    if not files:
        return Result(host.id, ResultState.NOT_APPLICABLE, "None of the usual directories of programs exists.")
    wrong = [
        f"{one.text('path')} has mode {one.text('mode')} and owner {one.number('uid')}"
        for one in files
        if int(one.text("mode"), 8) & OPEN or one.number("uid") != 0
    ]
    return verdict(
        host.id, problems=wrong, proven=f"All {len(files)} directories of programs are root's alone to write."
    )
