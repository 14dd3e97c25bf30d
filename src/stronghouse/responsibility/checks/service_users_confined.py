"""A service whose engine the kernel does not confine has one database user, who is trusted with all of it."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="service_users_confined",
    title="Only an engine that the kernel confines serves more than one database user",
    severity=Severity.HIGH,
    risk="Without Landlock a statement that gets past the front reads every file that the engine can open, those of "
    "other services among them: rights of database users are then no boundary.",
    remediation="Use a kernel with Landlock (`stronghouse doctor` says what is missing), or drop every database user "
    "but the owner with `DROP USER`.",
    max_age=timedelta(hours=4),
    collector="database_users",
    controls=("service.iam.least", "platform.os.sandbox"),
    frameworks=("SOC2:CC6.3", "ISO27001:A.8.3", "CIS:3.3"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service; one that sleeps is not woken to be asked."""
    for service in facts.of_kind("service"):
        problem = service.optional_text("problem")
        if not service.flag("running"):
            yield Result(service.id, ResultState.NOT_APPLICABLE, "It does not run, and is not woken for this.")
            continue
        if problem is not None:
            yield Result(service.id, ResultState.FAIL, f"Its worker did not tell, so nothing is proven: {problem}")
            continue
        users, landlock = service.part("counts").number("users"), service.flag("landlock")
        number = "1 database user" if users == 1 else f"{users} database users"
        if landlock:
            yield Result(service.id, ResultState.PASS, f"Landlock confines its engine, which serves {number}.")
        elif users == 1:
            yield Result(service.id, ResultState.PASS, "Landlock is missing, and its owner is its only database user.")
        else:
            yield Result(service.id, ResultState.FAIL, f"Landlock is missing, and its engine serves {number}.")
