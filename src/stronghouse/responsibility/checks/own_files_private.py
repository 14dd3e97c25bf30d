"""Nobody but Stronghouse reaches Stronghouse's own files."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

SHOWN = 5
META = CheckMeta(
    id="own_files_private",
    title="Stronghouse's own files are private",
    severity=Severity.HIGH,
    risk="Another user of the machine reads keys, hashes of credentials, or logs, or changes them.",
    remediation="Run `chmod go-rwx <PATH>` for an exposed path and `chown <USER> <PATH>` for a foreign one. Take what "
    "was exposed as known to others: restart with `stronghouse up`, and replace it if it is a key.",
    max_age=timedelta(hours=1),
    collector="own_files",
    controls=("platform.os.hardening",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.3", "CIS:3.3"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for the control plane's files and one for each region's."""
    for files in facts.of_kind("files"):
        problem = _problem(files)
        if problem is not None:
            yield Result(files.id, ResultState.FAIL, problem)
        elif not files.number("files"):
            yield Result(files.id, ResultState.NOT_APPLICABLE, "There are no files there yet.")
        else:
            public = ", ".join(files.texts("public")) or "none"
            reason = f"{files.number('files')} files and directories are ours alone; meant for others: {public}."
            yield Result(files.id, ResultState.PASS, reason)


def _problem(files: Resource) -> str | None:
    for name, what in (("exposed", "open to other users"), ("foreign", "not ours"), ("unreadable", "unreadable")):
        count = files.number(f"{name}_count")
        if count:
            return f"{count} are {what}: {', '.join(files.texts(name)[:SHOWN])}."
    return "There are more files than are looked at, so the rest is unknown." if files.flag("truncated") else None
