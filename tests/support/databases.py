"""Databases for tests: of the back end that the test is run for, empty but for the tables.

A test runs on both back ends if it, or a fixture that it uses, asks for `back_end` and opens databases by this module.
"""

import functools
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
from tests.support.postgres import OWNER, Server, running_server

from stronghouse.storage.address import PostgresAddress
from stronghouse.storage.columns import metadata
from stronghouse.storage.database import Database
from stronghouse.storage.migrate import migrate
from stronghouse.storage.sqlite import back_up

SQLITE, POSTGRESQL = "sqlite", "postgresql"
TEMPLATE = "migrated"
RESET = """
    SET session_replication_role = replica;
    DO $$
    DECLARE one record;
    BEGIN
        FOR one IN
            SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        LOOP EXECUTE format('DELETE FROM %I', one.name); END LOOP;
        FOR one IN SELECT sequencename AS name FROM pg_sequences WHERE schemaname = 'public'
        LOOP PERFORM setval(one.name::regclass, 1, false); END LOOP;
    END $$
"""
"""Much quicker than a new database; what a test did to the schema is found by `SCHEMA`."""
SCHEMA = """
    SELECT count(*), max(oid), (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_rewrite),
        (SELECT max(version_num) FROM alembic_version)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""


class PostgresDatabases:
    """Databases of one server, handed out and taken back."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.free: list[str] = []
        self.given: dict[Path, str] = {}
        self._made = 0
        template = Database(server.create(TEMPLATE))
        migrate(template)
        with template.write() as connection:
            metadata.create_all(connection, [one for one in metadata.sorted_tables if one.name.startswith("test_")])
        template.close()
        self._schemas: dict[str, object] = {}

    def migrated(self, path: Path) -> PostgresAddress:
        """The database that stands for the file `path`: the same one, or another with all tables and no rows."""
        if path not in self.given:
            self.given[path] = self.free.pop() if self.free else self._new()
        return self.server.address(self.given[path])

    def empty(self, path: Path) -> PostgresAddress:
        """The database that stands for the file `path`: the same one, or another without tables."""
        if path not in self.given:
            self.given[path] = self._name()
            self.server.create(self.given[path])
        return self.server.address(self.given[path])

    def _name(self) -> str:
        self._made += 1
        return f"test_{self._made}"

    def _new(self) -> str:
        name = self._name()
        self.server.create(name, template=TEMPLATE)
        self._schemas[name] = self.server.execute(SCHEMA, name)
        return name

    def take_back(self, keep: set[Path]) -> None:
        """Make clean what was handed out, except what stands for `keep`."""
        for path in set(self.given) - keep:
            self._clean(self.given.pop(path))

    def _clean(self, name: str) -> None:
        others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        self.server.execute(others)
        if name not in self._schemas or self.server.execute(SCHEMA, name) != self._schemas[name]:
            self.server.drop(name)
            return
        place = {"host": str(self.server.directory), "user": OWNER, "dbname": name}
        with psycopg.connect(**place, autocommit=True) as connection:  # type: ignore[arg-type]
            connection.execute(RESET.encode())
        self.free.append(name)


class Chosen:
    """Which back end tests use now."""

    back_end = SQLITE


_stack = ExitStack()


@functools.cache
def postgres() -> PostgresDatabases:
    """The server of this process of tests, started when it is first needed; ended by `stop_postgres`."""
    return PostgresDatabases(_stack.enter_context(running_server()))


def stop_postgres() -> None:
    """Stop the server, if there is one."""
    _stack.close()
    postgres.cache_clear()


def new_database(file: Path) -> Database:
    """The database `file`, or what stands for it, with every table that is declared and no rows."""
    if Chosen.back_end == POSTGRESQL:
        return Database(postgres().migrated(file))
    database = Database(file)
    with database.write() as connection:
        metadata.create_all(connection)
    return database


def migrated_database(file: Path) -> Database:
    """The database `file`, or what stands for it, as a start of the product makes it."""
    database = Database(postgres().migrated(file)) if Chosen.back_end == POSTGRESQL else Database(file)
    migrate(database)
    return database


def empty_database(file: Path) -> Database:
    """The database `file`, or what stands for it, without any table."""
    return Database(postgres().empty(file) if Chosen.back_end == POSTGRESQL else file)


@contextmanager
def taken_back() -> Iterator[None]:
    """Whatever databases are made in the block are cleaned after it."""
    if Chosen.back_end != POSTGRESQL:
        yield
        return
    keep = set(postgres().given)
    yield
    postgres().take_back(keep)


def delete_past_rules(database: Database, table: str) -> None:
    """Remove every row of a table behind the product's back, whatever refers to them."""
    if database.file is not None:
        with closing(sqlite3.connect(database.file)) as connection:
            connection.execute(f"DELETE FROM {table}")
            connection.commit()
        return
    postgres().server.execute(f"SET session_replication_role = replica; DELETE FROM {table}", _name(database))


def everything_stored(database: Database) -> bytes:
    """All bytes that the back end keeps of the database: a file and what is beside it, or every row as text."""
    if database.file is not None:
        return b"".join(path.read_bytes() for path in database.file.parent.iterdir())
    rows: list[str] = []
    with database.read() as connection:
        for table in metadata.sorted_tables:
            rows += connection.exec_driver_sql(f'SELECT "{table.name}"::text FROM "{table.name}"').scalars()
    return "\n".join(rows).encode()


def copy_of(database: Database, file: Path) -> Database:
    """A copy with the same rows, as the file `file` or what stands for it."""
    if database.file is not None:
        back_up(database.file, file)
        return Database(file)
    server, name = postgres().server, _name(database)
    database.close()  # no connection of its pool may be one that is ended below; it opens others when it is used
    postgres().given[file] = f"{name}_copy_{len(postgres().given)}"
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    return Database(server.create(postgres().given[file], template=name))


def _name(database: Database) -> str:
    address = postgres().server.address
    return next(name for name in postgres().given.values() if database.place.endswith(str(address(name))))
