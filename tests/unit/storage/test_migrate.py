"""Migrations: they make exactly the tables that the stores declare, keep a copy, and never go back."""

import importlib
import pkgutil
import stat
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

import stronghouse
from stronghouse.kernel.errors import Conflict
from stronghouse.storage.columns import metadata
from stronghouse.storage.database import Database
from stronghouse.storage.migrate import SCRIPTS, migrate
from stronghouse.storage.schema import foreign_objects
from tests.support.databases import empty_database, migrated_database


def load_every_store() -> None:
    for path in Path(next(iter(stronghouse.__path__))).glob("*/*/store.py"):
        importlib.import_module(f"stronghouse.{path.parent.parent.name}.{path.parent.name}.store")
    for area in pkgutil.iter_modules(stronghouse.__path__, "stronghouse."):
        if area.ispkg and (Path(next(iter(stronghouse.__path__))) / area.name.split(".")[1] / "store.py").exists():
            importlib.import_module(f"{area.name}.store")


def test_the_migrated_schema_is_the_one_that_the_stores_declare(back_end: str, tmp_path: Path) -> None:
    load_every_store()
    database = empty_database(tmp_path / "control.db")
    migrate(database)
    with database.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    real = [difference for difference in differences if "test_" not in str(difference)]  # tables that tests declared
    assert real == []
    database.close()


def test_migrating_again_changes_nothing_and_makes_no_copy(back_end: str, tmp_path: Path) -> None:
    database = empty_database(tmp_path / "control.db")
    migrate(database)
    migrate(database)
    assert not list(tmp_path.glob("*.before-*"))
    database.close()


def test_a_state_of_a_newer_version_is_refused_untouched(back_end: str, tmp_path: Path) -> None:
    database = empty_database(tmp_path / "control.db")
    migrate(database)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict, match="newer version"):
        migrate(database)
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
    database.close()


def test_an_older_state_is_copied_before_it_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = empty_database(tmp_path / "control.db")
    migrate(database)
    monkeypatch.setattr("alembic.script.ScriptDirectory.get_current_head", lambda _: "0002")
    migrate(database)
    copy = tmp_path / "control.db.before-0002"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    restored = Database(copy)
    with restored.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM organization")).scalar_one() == 0
    restored.close()
    database.close()


def test_sessions_from_before_they_were_bound_to_a_browser_end_and_people_stay(back_end: str, tmp_path: Path) -> None:
    database = empty_database(tmp_path / "control.db")
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        connection.execute(text("INSERT INTO person (id, email, name, created_at) VALUES ('a', 'a@x', 'A', 0)"))
        connection.execute(text("INSERT INTO session VALUES ('s', 'hash', 'a', 0, 0, 9, NULL)"))
    migrate(database)
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM session")).scalar_one() == 0
        assert connection.execute(text("SELECT email, last_seen_at FROM person")).all() == [("a@x", None)]
    database.close()


def test_an_upgrade_that_fails_leaves_the_schema_as_it_was(
    back_end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = empty_database(tmp_path / "control.db")
    upgrade = command.upgrade

    def failing(config: Config, revision: str) -> None:
        upgrade(config, revision)
        raise RuntimeError("a power cut")

    monkeypatch.setattr(command, "upgrade", failing)
    with pytest.raises(RuntimeError):
        migrate(database)
    with database.read() as connection:
        assert inspect(connection).get_table_names() == []
    monkeypatch.undo()
    migrate(database)
    database.close()


TRIGGERS = {
    "sqlite": "CREATE TRIGGER odd AFTER DELETE ON person BEGIN DELETE FROM member; END",
    "postgresql": "CREATE TRIGGER odd BEFORE UPDATE ON person FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
}
ODD = {
    "view odd": "CREATE VIEW odd AS SELECT 1 AS one",
    "table odd": "CREATE TABLE odd (id integer)",
    "trigger odd": None,
}


@pytest.mark.parametrize("found", ODD)
def test_what_somebody_added_to_the_schema_is_found(back_end: str, tmp_path: Path, found: str) -> None:
    load_every_store()
    database = migrated_database(tmp_path / "control.db")
    with database.read() as connection:
        before = {one for one in foreign_objects(connection) if "test_" not in one}
    assert before == set()
    with database.write() as connection:
        connection.execute(text(ODD[found] or TRIGGERS[back_end]))
    with database.read() as connection:
        assert found in foreign_objects(connection)
    database.close()
