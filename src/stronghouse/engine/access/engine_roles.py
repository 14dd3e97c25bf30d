"""What a user's or a role's own rights are as grants of the engine: never more than the engine may ever give.

Everybody is one user inside the engine, so what leaves the sandbox (files, addresses, backups, dictionaries) is given
to nobody there, whatever the catalogue says; and our own database is taken out of whatever is given on everything.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from stronghouse.engine.access.catalogue import Grant
from stronghouse.engine.access.notation import quoted_name
from stronghouse.engine.access.privileges import Level, named, names_of
from stronghouse.engine.access.rights import Rights, path_of
from stronghouse.engine.access.system_tables import VISIBLE_WITH

OWN_DATABASE = "_stronghouse"
"""Where the logs are kept. Nobody has any right on it, but to read the logs through the views of `system`."""
OWN_GRANT = "GRANT SYSTEM JEMALLOC ON *.*"
"""What our own connections have besides what anybody can have: they give memory back."""
LOGS = ("query_log", "session_log")
"""Tables of our own behind the INVOKER views of the same names in `system`."""
BY_GRANT = (
    "asynchronous_loader",
    "detached_tables",
    "disks",
    "dropped_tables",
    "dropped_tables_parts",
    "errors",
    "remote_data_paths",
    "schema_inference_cache",
    "server_settings",
    "warnings",
)
"""Tables of `system` that tell of other people's tables or of the machine: for those to whom SELECT on them is
granted."""
PRIVILEGES = (
    "SHOW",
    "CHECK",
    "SELECT",
    "INSERT",
    "ALTER UPDATE",
    "ALTER DELETE",
    "ALTER COLUMN",
    "ALTER MODIFY COMMENT",
    "ALTER INDEX",
    "ALTER STATISTICS",
    "ALTER PROJECTION",
    "ALTER CONSTRAINT",
    "ALTER TTL",
    "ALTER MATERIALIZE TTL",
    "ALTER REWRITE PARTS",
    "ALTER SETTINGS",
    "ALTER MOVE PARTITION",
    "ALTER DATABASE",
    "ALTER VIEW",
    "CREATE DATABASE",
    "CREATE TABLE",
    "CREATE VIEW",
    "CREATE ARBITRARY TEMPORARY TABLE",
    "CREATE TEMPORARY VIEW",
    "CREATE FUNCTION",
    "DROP DATABASE",
    "DROP TABLE",
    "DROP VIEW",
    "DROP FUNCTION",
    "UNDROP TABLE",
    "TRUNCATE",
    "OPTIMIZE",
    "KILL QUERY",
    "SYSTEM MERGES",
    "SYSTEM TTL MERGES",
    "SYSTEM MOVES",
    "SYSTEM VIEWS",
    "SYSTEM FLUSH LOGS",
    "SYSTEM FLUSH ASYNC INSERT QUEUE",
    "SYSTEM WAIT LOADING PARTS",
    "SYSTEM LOAD PRIMARY KEY",
    "SYSTEM UNLOAD PRIMARY KEY",
    "SYSTEM DROP MARK CACHE",
    "SYSTEM DROP PRIMARY INDEX CACHE",
    "SYSTEM DROP UNCOMPRESSED CACHE",
    "SYSTEM DROP QUERY CACHE",
    "SYSTEM DROP QUERY CONDITION CACHE",
    "dictGet",
)
"""All that anybody can have in the engine. Sources, access management, named collections, dictionaries, backups,
freezing and fetching of parts, introspection and the rest of SYSTEM are not among them."""
WRITING = (
    "INSERT",
    "ALTER",
    "CREATE TABLE",
    "CREATE VIEW",
    "DROP TABLE",
    "DROP VIEW",
    "UNDROP TABLE",
    "TRUNCATE",
    "OPTIMIZE",
)
"""Of these, what changes tables of a database."""
ENGINES_DATABASES = ("system", "INFORMATION_SCHEMA", "information_schema")
"""Databases that the engine makes anew whenever it opens. What they tell is the service's word: nobody writes there."""
ALLOWED = 0
for _name in PRIVILEGES:
    ALLOWED |= named(_name).bits
_UNTOUCHABLE = [Grant(_name, database) for database in ENGINES_DATABASES for _name in (*WRITING, "DROP DATABASE")]
_SELECT = named("SELECT").bits


@lru_cache(maxsize=8192)
def statements_of(grants: tuple[Grant, ...]) -> tuple[str, ...]:
    """GRANT and REVOKE statements, in the form of a users file, that give a role what `grants` come to."""
    rights = Rights.of(grants)
    limited = rights.limited(ALLOWED).revoke(*_UNTOUCHABLE)
    made = list(_statements(grant for grant in limited.grants if grant.database != OWN_DATABASE))
    everywhere = bool(rights.held_everywhere())
    if everywhere and limited.held_everywhere():
        made.append(f"REVOKE ALL ON {OWN_DATABASE}.*")
    if everywhere or any(grant.database == "system" for grant in grants):
        for log in LOGS:
            made += _statements(_log_grants(rights, log))
        markers = [visibility(table) for table in (*VISIBLE_WITH, *BY_GRANT) if _sees(rights, table)]
        if markers:
            made.append(f"GRANT {', '.join(markers)}")
    return tuple(made)


@lru_cache(maxsize=8192)
def creates_views(grants: tuple[Grant, ...]) -> bool:
    """Whether `grants` let somebody create a view anywhere."""
    return Rights.of(grants).touches(Grant("CREATE VIEW"))


def visibility(table: str) -> str:
    """The engine role that marks who sees all rows of a table of `system`."""
    return f"v_{table}"


def _sees(rights: Rights, table: str) -> bool:
    if table in BY_GRANT:
        return rights.granted("SELECT", "system", table)
    return all(rights.granted(privilege) for privilege in VISIBLE_WITH[table])


def _log_grants(rights: Rights, log: str) -> Iterator[Grant]:
    """SELECT on a log's own table, for those who have it on the view that reads it."""
    place = rights.place("system", log)
    whole = bool(place.held & _SELECT)
    if whole:
        yield Grant("SELECT", OWN_DATABASE, log)
    for column, below in sorted(place.below.items()):
        if bool(below.held & _SELECT) != whole:
            yield Grant("SELECT", OWN_DATABASE, log, column, revoked=whole)


def _statements(grants: Iterable[Grant]) -> Iterator[str]:
    """One statement for all privileges at one place."""
    places: dict[tuple[bool, tuple[str, ...]], int] = {}
    for grant in grants:
        if not (grant.revoked and grant.grant_option):
            place = (grant.revoked, path_of(grant))
            places[place] = places.get(place, 0) | named(grant.privilege).bits
    for (revoked, path), bits in places.items():
        names = [quoted_name(name) for name in path]
        column = f"({names.pop()})" if len(path) == Level.COLUMN else ""
        what = ", ".join(f"{name}{column}" for name in names_of(bits))
        names += ["*"] * (Level.TABLE - len(names))
        yield f"{'REVOKE' if revoked else 'GRANT'} {what} ON {'.'.join(names)}"
