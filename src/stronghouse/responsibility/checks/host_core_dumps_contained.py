"""A program that crashes leaves no copy of its memory behind."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

META = CheckMeta(
    id="host_core_dumps_contained",
    title="No copy of a crashed program's memory is written to disk",
    severity=Severity.MEDIUM,
    risk=("A dump of a crashed process holds keys and rows in plain text and is read by whoever gets the file."),
    remediation=(
        "Start Stronghouse with `ulimit -c 0` (`LimitCORE=0` in its systemd unit) and run `sysctl -w "
        "fs.suid_dumpable=0`."
    ),
    max_age=timedelta(hours=24),
    collector="host_system",
    controls=("platform.os.hardening",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.9", "CIS:4.1"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_system"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    pattern, limit = host.optional_text("core_pattern"), host.optional_text("core_limit")
    if pattern == "":
        return Result(host.id, ResultState.NOT_APPLICABLE, "The kernel writes no dumps (core_pattern is empty).")
    problems, unknown = [], []
    if host.part("sysctls").optional_text("fs.suid_dumpable") == "1":
        problems.append("fs.suid_dumpable is 1, so programs with raised rights leave dumps that their caller owns")
    if pattern is None or limit is None:
        unknown.append("how dumps are written cannot be read here")
    elif pattern.startswith("|"):
        unknown.append(f"dumps are handed to {pattern[1:].split(' ')[0]}, which decides what becomes of them")
    elif limit != "0":
        problems.append(f"the limit for dumps of Stronghouse is {limit} instead of 0, and they go to {pattern!r}")
    return verdict(host.id, problems=problems, unknown=unknown, proven="The limit for dumps of Stronghouse is 0.")
