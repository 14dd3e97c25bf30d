"""Each service has a backup."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="service_backup_exists",
    title="Every service has a backup",
    severity=Severity.HIGH,
    risk="A lost disk, a deleted table or a lost machine key is the end of the data.",
    remediation="This version takes no backups, and knows of none that you take yourself. Until it does, stop the "
    "service with `stronghouse service stop <SERVICE>`, copy its directory `agent/services/<SERVICE>` "
    "below the state directory (encrypted data and wrapped key) and, apart from it, the machine key file, "
    "start it again with `stronghouse service start <SERVICE>`, and accept the risk with a date.",
    max_age=timedelta(hours=12),
    collector="declared_state",
    controls=("extension.backups.taken",),
    frameworks=("SOC2:A1.2", "ISO27001:A.8.13", "CIS:11.2"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service."""
    for service in facts.of_kind("service"):
        backups, state = service.number("backups"), service.optional_text("state")
        if state in {None, "provisioning", "terminating"}:
            yield Result(service.id, ResultState.NOT_APPLICABLE, "There is nothing yet, or no more, to back up.")
        elif not backups:
            yield Result(service.id, ResultState.FAIL, "No backup of this service exists that Stronghouse knows of.")
        else:
            yield Result(service.id, ResultState.PASS, f"It has {backups} backups.")
