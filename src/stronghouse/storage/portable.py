"""SQL that the two back ends write differently, said once.

What needs no help, since both do it alike: sorting and comparing texts by their bytes, and `lower()` and `icontains()`
on ASCII letters only (a PostgreSQL database has to be of locale C for that), `RETURNING`, `JSON` columns as whole
values, row values in comparisons, window functions, recursive queries.

What to keep away from: `LIKE` without `icontains` or `startswith(…, autoescape=True)`, since only SQLite's ignores
case; looking into JSON columns; the order of NULLs; and going on in a transaction after a statement that broke a
constraint, which on PostgreSQL needs `with connection.begin_nested():` around that statement.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.selectable import CompoundSelect

INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def upsert(connection: Connection, table: Table, *, key: Sequence[str], values: Mapping[str, Any]) -> None:
    """Insert a row, or change the one that has the same `key` (columns with a unique index) to `values`."""
    # Both constructs have the same methods, but no type in common that has them.
    fresh: Any = INSERTS[connection.dialect.name](table).values(**values)
    rest = {name: fresh.excluded[name] for name in values if name not in key}
    columns = list(key)
    if rest:
        connection.execute(fresh.on_conflict_do_update(index_elements=columns, set_=rest))
    else:
        connection.execute(fresh.on_conflict_do_nothing(index_elements=columns))


def merged(
    connection: Connection, ranges: Sequence[Select[int]], *, descending: bool
) -> Select[int] | CompoundSelect[int]:
    """The rows of several queries for one column each, in its order, each read in the order of its own index.

    SQLite merges ranges that are not ordered themselves, and would keep those that are aside; PostgreSQL merges only
    ranges that are, and would sort the others.
    """
    name = ranges[0].selected_columns[0].name

    def ordered(one: Select[int]) -> Select[int]:
        column = one.selected_columns[name]
        return one.order_by(column.desc() if descending else column.asc())

    if len(ranges) == 1:
        return ordered(ranges[0])
    if connection.dialect.name == "postgresql":
        all_of_them = union_all(*(ordered(one) for one in ranges)).subquery()
        return ordered(select(all_of_them.c[name]))
    united = union_all(*ranges)
    column = united.selected_columns[name]
    return united.order_by(column.desc() if descending else column.asc())
