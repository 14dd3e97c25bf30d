"""The database of the control plane holds no table, view or trigger that is not ours."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="database_schema_as_declared",
    title="The database holds nothing foreign",
    severity=Severity.CRITICAL,
    risk="A trigger changes rows behind every change that Stronghouse makes; a foreign table may hold what "
    "must not be there.",
    remediation="Find out who made it, look into it, and remove it: open the file with `sqlite3 <DATABASE>`, a "
    "PostgreSQL database with `psql <DATABASE>`, and say `DROP TRIGGER <NAME>;` (or DROP TABLE, DROP VIEW).",
    max_age=timedelta(hours=1),
    collector="declared_state",
    controls=("team.misconfiguration.drift",),
    frameworks=("SOC2:CC7.1", "SOC2:CC8.1", "ISO27001:A.8.9", "ISO27001:A.8.32"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for the database."""
    for database in facts.of_kind("database"):
        foreign = database.texts("foreign_objects")
        if foreign:
            shown = ", ".join(foreign[:5])
            yield Result(database.id, ResultState.FAIL, f"{len(foreign)} things in it are not ours: {shown}.")
        elif not database.flag("in_use"):
            yield Result(database.id, ResultState.NOT_APPLICABLE, "The installation was not set up yet.")
        else:
            yield Result(database.id, ResultState.PASS, "Every table is ours; there are no views and no triggers.")
