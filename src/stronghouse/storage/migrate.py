"""Bringing a database to this version's schema: back up a file first, upgrade at once or not at all, refuse to go back.

Both back ends change tables within transactions: an upgrade that fails leaves everything as it was.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from stronghouse.kernel.errors import Conflict
from stronghouse.storage.database import Database
from stronghouse.storage.sqlite import back_up

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Upgrade `database` to the newest revision; a file that exists already is copied beside itself before.

    Nobody but its administrators can copy a PostgreSQL database; there the transaction is all that protects it.

    Raises:
        Conflict: the database is of a newer version of Stronghouse than this one.
    """
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    scripts = ScriptDirectory.from_config(config)
    with database.read() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == scripts.get_current_head():
        return
    if current is not None:
        try:
            scripts.get_revision(current)
        except CommandError:
            raise Conflict(
                f"This state was written by a newer version of Stronghouse (schema {current}); start that version.",
                code="schema_newer",
            ) from None
        if database.file is not None:
            back_up(database.file, database.file.with_name(f"{database.file.name}.before-{scripts.get_current_head()}"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
