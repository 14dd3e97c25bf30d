"""The privileges that this engine knows, which of them hold others, and what each can be granted on.

`privileges.tsv` is the engine's own `system.privileges`; a test compares the two. A set of privileges is a number with
one bit for each privilege that can be checked, so that unions and differences cost nothing.

Invariants:
- A group (`ALTER TABLE`, `ALL`) is nothing but the privileges within it.
- A name that is not in the table is refused, never passed on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

from stronghouse.engine.errors import DatabaseError


class Level(IntEnum):
    """How far down the names of something that is granted go."""

    GLOBAL = 0
    DATABASE = 1
    TABLE = 2
    COLUMN = 3


@dataclass(frozen=True)
class Privilege:
    """One privilege or group of privileges.

    Attributes:
        name: as ClickHouse prints it.
        bits: what it stands for: its own bit, if it can be checked, and those of all within it.
        members: the names of the privileges directly within it, in the engine's order.
        level: the deepest level at which any of it can be granted.
        parameter: what it names instead of tables (`DEFINER`, `TABLE_ENGINE`, …); None for most.
    """

    name: str
    bits: int
    members: tuple[str, ...]
    level: Level
    parameter: str | None


_LEVELS = {
    "GLOBAL": Level.GLOBAL,
    "DATABASE": Level.DATABASE,
    "TABLE": Level.TABLE,
    "VIEW": Level.TABLE,
    "DICTIONARY": Level.TABLE,
    "COLUMN": Level.COLUMN,
}
_Row = tuple[str, str, str, str]


def _read() -> Iterator[_Row]:
    lines = Path(__file__).with_name("privileges.tsv").read_text("utf-8").splitlines()
    for line in lines[1:]:
        name, level, group, aliases = line.split("\t")
        yield name, level, group, "" if aliases == "-" else aliases


def _build() -> tuple[dict[str, Privilege], dict[str, str]]:
    rows = [row for row in _read() if row[0] != "NONE"]
    members: dict[str, list[str]] = {}
    for name, _, group, _ in rows:
        members.setdefault(group, []).append(name)
    own = {name: 1 << place for place, (name, level, _, _) in enumerate(rows) if level != "-"}
    levels = {name: level for name, level, _, _ in rows}
    made: dict[str, Privilege] = {}

    def make(name: str) -> Privilege:
        within = [make(member) for member in members.get(name, ())]
        bits, level = own.get(name, 0), _LEVELS.get(levels[name], Level.GLOBAL)
        for part in within:
            bits, level = bits | part.bits, max(level, part.level)
        parameter = None if levels[name] in _LEVELS or levels[name] == "-" else levels[name]
        made[name] = Privilege(name, bits, tuple(part.name for part in within), level, parameter)
        return made[name]

    make("ALL")
    names = {name.upper(): name for name in made}
    for name, _, _, aliases in rows:
        for alias in filter(None, aliases.split(",")):
            names.setdefault(alias.upper(), name)
    return made, names


PRIVILEGES, _NAMES = _build()
"""All privileges by name, without NONE."""
NONE_NAMES = frozenset({"NONE", "USAGE", "NO PRIVILEGES"})
"""Names of having nothing."""
ALL = PRIVILEGES["ALL"].bits
WITH_PARAMETER = 0
"""Those that name something else than databases and tables."""
for _privilege in PRIVILEGES.values():
    if _privilege.parameter is not None:
        WITH_PARAMETER |= _privilege.bits
ON_TABLES = ALL & ~WITH_PARAMETER


def named(name: str) -> Privilege:
    """The privilege with this name or alias, in any case.

    Raises:
        DatabaseError: 508, there is none.
    """
    try:
        return PRIVILEGES[_NAMES[name.upper()]]
    except KeyError:
        raise DatabaseError(508, "UNKNOWN_ACCESS_TYPE", f"Unknown access type: {name}") from None


def _grantable() -> tuple[int, ...]:
    masks = [ALL, 0, 0, 0]
    for privilege in PRIVILEGES.values():
        own = privilege.bits & ~_within(privilege)
        for level in (Level.DATABASE, Level.TABLE, Level.COLUMN):
            if privilege.level >= level and own and privilege.parameter is None:
                masks[level] |= own
    return tuple(masks)


def _within(privilege: Privilege) -> int:
    bits = 0
    for member in privilege.members:
        bits |= PRIVILEGES[member].bits
    return bits


GRANTABLE = _grantable()
"""What can be granted on everything, on a database, on a table and on a column."""


@lru_cache(maxsize=4096)
def names_of(bits: int) -> tuple[str, ...]:
    """The fewest names that stand for `bits`, in the engine's order: a group where all of it is there."""
    return tuple(_names_of(PRIVILEGES["ALL"], bits))


def _names_of(privilege: Privilege, bits: int) -> Iterator[str]:
    if not privilege.bits & bits:
        return
    if privilege.bits & ~bits == 0:
        yield privilege.name
        return
    for member in privilege.members:
        yield from _names_of(PRIVILEGES[member], bits)
