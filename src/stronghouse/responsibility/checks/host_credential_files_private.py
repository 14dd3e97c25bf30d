"""Files with password hashes and host keys are closed to ordinary users."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

OPEN = 0o027
"""Others may do nothing, a group may read (Debian's group shadow) and no more."""
META = CheckMeta(
    id="host_credential_files_private",
    title="Password hashes, sudo rules and SSH host keys are root's alone",
    severity=Severity.HIGH,
    risk="An ordinary user guesses the passwords of others at leisure, or poses as this machine.",
    remediation="Run `chown root FILE && chmod o-rwx,g-w FILE` for each named file.",
    max_age=timedelta(hours=24),
    collector="host_system",
    controls=("platform.os.hardening",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.3", "CIS:3.3"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_system"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    files = [one for one in host.parts("files") if one.text("purpose") == "private"]
    if not files:
        return Result(host.id, ResultState.NOT_APPLICABLE, "It has no password hashes, sudo rules or host keys.")
    wrong = [
        f"{one.text('path')} has mode {one.text('mode')} and owner {one.number('uid')}"
        for one in files
        if int(one.text("mode"), 8) & OPEN or one.number("uid") != 0
    ]
    return verdict(host.id, problems=wrong, proven=f"All {len(files)} files are closed to others.")
