"""Bringing a database to this version's schema: back up first, upgrade, refuse to go back."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from stronghouse.kernel.errors import Conflict
from stronghouse.storage.database import Database

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Upgrade `database` to the newest revision; one that exists already is copied beside itself before.

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
        back_up(database.path, database.path.with_name(f"{database.path.name}.before-{scripts.get_current_head()}"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def back_up(source: Path, target: Path) -> None:
    """Copy a live SQLite database page by page, consistently, to a file that only its owner can read."""
    target.touch(mode=0o600)
    with sqlite3.connect(source) as reading, sqlite3.connect(target) as writing:
        reading.backup(writing)
