"""What is in the database besides what this version made: a table, a view or a trigger that somebody added."""

from sqlalchemy import Connection, inspect

from stronghouse.storage.columns import metadata

MIGRATIONS = "alembic_version"
TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": (
        "SELECT t.tgname AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
    ),
}
STORED_VIEWS = "SELECT matviewname AS name FROM pg_matviews WHERE schemaname = current_schema()"
RULES = "SELECT rulename AS name FROM pg_rules WHERE schemaname = current_schema()"


def foreign_objects(connection: Connection) -> list[str]:
    """Names of tables, views and triggers that no store of ours declares, sorted; call it with all stores imported."""
    seen = inspect(connection)
    known = {*metadata.tables, MIGRATIONS}
    found = [f"table {name}" for name in seen.get_table_names() if name not in known]
    found += [f"view {name}" for name in seen.get_view_names()]
    found += [f"trigger {row.name}" for row in connection.exec_driver_sql(TRIGGERS[connection.dialect.name])]
    if connection.dialect.name == "postgresql":
        found += [f"view {row.name}" for row in connection.exec_driver_sql(STORED_VIEWS)]
        found += [f"rule {row.name}" for row in connection.exec_driver_sql(RULES)]
    return sorted(found)
