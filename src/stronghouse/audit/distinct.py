"""The different values of a filter, found by jumping from one to the next in its index instead of reading it."""

from sqlalchemy import CTE, Column, Connection, ScalarSelect, and_, select

from stronghouse.audit.store import Entry, audit_entry, entry_of


def distinct_values(
    connection: Connection,
    column: Column[str],
    *,
    organization_id: str,
    limit: int,
    start: str = "",
    below: str | None = None,
) -> list[str]:
    """Values of `column` in an organization's entries, sorted, from `start` on up to but without `below`."""
    values = _jumps(column, organization_id, start, below)
    query = select(values.c.value).where(values.c.value.is_not(None)).limit(limit)
    return list(connection.execute(query).scalars())


def newest_of_each(connection: Connection, column: Column[str], *, organization_id: str, limit: int) -> list[Entry]:
    """For each value of `column` in an organization's entries the newest entry that has it, sorted by value."""
    values = _jumps(column, organization_id, "", None)
    newest = (
        select(audit_entry.c.index)
        .where(audit_entry.c.organization_id == organization_id, column == values.c.value)
        .order_by(audit_entry.c.index.desc())
        .limit(1)
        .correlate(values)
        .scalar_subquery()
    )
    found = select(newest.label("newest")).where(values.c.value.is_not(None)).limit(limit).subquery()
    rows = connection.execute(select(audit_entry).join(found, found.c.newest == audit_entry.c.index))
    return sorted((entry_of(row) for row in rows), key=lambda entry: str(getattr(entry, column.name)))


def _jumps(column: Column[str], organization_id: str, start: str, below: str | None) -> CTE:
    within = [audit_entry.c.organization_id == organization_id]
    if below is not None:
        within.append(column < below)

    def smallest(above: object) -> ScalarSelect[str]:
        return select(column).where(and_(*within, above)).order_by(column).limit(1).scalar_subquery()  # type: ignore[arg-type]

    first = select(smallest(column >= start).label("value")).cte("jumps", recursive=True)
    return first.union_all(select(smallest(column > first.c.value)).where(first.c.value.is_not(None)))
