"""The files on disk were encrypted under the data key that is wrapped for the service."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="tde_files_use_key",
    title="The files of each service carry the fingerprint of its own data key",
    severity=Severity.HIGH,
    risk="Files under a key that nobody keeps are lost at the next start; files under another service's key are "
    "not fenced.",
    remediation="Run `ALTER TABLE t REWRITE PARTS` for tables with files under a former key; for an unknown key "
    "restore the "
    "wrapped key that belongs to the data.",
    max_age=timedelta(hours=1),
    collector="data_keys",
    controls=("console.tde.used",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.24", "CIS:3.11"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service."""
    for service in facts.of_kind("service"):
        found = service.counts("files_by_fingerprint")
        own = service.optional_text("fingerprint")
        others = sum(count for fingerprint, count in found.items() if fingerprint != own)
        if not found:
            yield Result(service.id, ResultState.NOT_APPLICABLE, "It has no encrypted files yet.")
        elif own is None:
            yield Result(service.id, ResultState.FAIL, f"It has {others} encrypted files, but no data key that opens.")
        elif others:
            yield Result(
                service.id, ResultState.FAIL, f"{others} of {sum(found.values())} files are under another key."
            )
        else:
            yield Result(service.id, ResultState.PASS, f"All {found[own]} encrypted files are under the key {own}.")
