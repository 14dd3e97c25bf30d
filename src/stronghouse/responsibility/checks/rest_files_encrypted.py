"""Every file in a service's data directory is encrypted, but for what is known and tolerated."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.plaintext_allowances import REASONS

SHOWN_PATHS = 3
STRONG = "aes_256_ctr"
META = CheckMeta(
    id="rest_files_encrypted",
    title="Every file with table data is encrypted",
    severity=Severity.CRITICAL,
    risk="Whoever gets the disk or a copy of it reads the rows in these files.",
    remediation="If the named file belongs to no table (`SELECT name, data_paths FROM system.tables`), it is not the "
    "engine's: remove it with `rm <FILE>`. Otherwise copy its table to the default storage policy (`CREATE TABLE new "
    "AS old; INSERT INTO new SELECT * FROM old`) and drop the old one.",
    max_age=timedelta(hours=2),
    collector="disk_encryption",
    controls=("platform.rest.files",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.24", "CIS:3.11"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service."""
    for service in facts.of_kind("service"):
        problem = _problem(service)
        if problem is not None:
            yield Result(service.id, ResultState.FAIL, problem)
            continue
        encrypted = sum(service.counts("encrypted").values())
        tolerated = _tolerated(service)
        if not encrypted:
            yield Result(service.id, ResultState.NOT_APPLICABLE, f"It has no table data on disk yet.{tolerated}")
        else:
            yield Result(
                service.id, ResultState.PASS, f"All {encrypted} files with table data are encrypted.{tolerated}"
            )


def _problem(service: Resource) -> str | None:
    if service.flag("truncated"):
        return "It has more files than the scan may read, so the rest is unknown."
    unknown = set(service.counts("allowed")) - set(REASONS)
    if unknown:
        return f"The scan tolerated files for an unknown reason: {', '.join(sorted(unknown))}."
    for kind, paths in (("plaintext", "plaintext_paths"), ("odd", "odd_paths")):
        count = service.number(kind)
        if count:
            named = ", ".join(service.texts(paths)[:SHOWN_PATHS])
            what = "are not encrypted" if kind == "plaintext" else "could not be read or are no regular files"
            return f"{count} files {what}: {named}."
    weak = set(service.counts("algorithms")) - {STRONG}
    if weak:
        return f"Files are encrypted with {', '.join(sorted(weak))} instead of {STRONG}."
    return None


def _tolerated(service: Resource) -> str:
    return "".join(
        f" {count} files are plain text: {REASONS[name]}." for name, count in sorted(service.counts("allowed").items())
    )
