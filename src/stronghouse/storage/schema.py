"""What is in the database besides what this version made: a table, a view or a trigger that somebody added."""

from sqlalchemy import Connection, inspect

from stronghouse.storage.columns import metadata

MIGRATIONS = "alembic_version"


def foreign_objects(connection: Connection) -> list[str]:
    """Names of tables, views and triggers that no store of ours declares, sorted; call it with all stores imported."""
    seen = inspect(connection)
    known = {*metadata.tables, MIGRATIONS}
    found = [f"table {name}" for name in seen.get_table_names() if name not in known]
    found += [f"view {name}" for name in seen.get_view_names()]
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        found += [f"trigger {row.name}" for row in rows]
    return sorted(found)
