"""Rights: what a list of grants and partial revokes comes to, as ClickHouse adds them up.

Two trees hold them: one of databases, tables and columns, one of the names that privileges with a parameter are about
(`SET DEFINER ON name`).

Invariants:
- A value never changes; operations make new ones.
- `Rights.of(rights.grants)` is the same rights: `grants` is a normal form.
- What is not granted at a place is not held there; a partial revoke takes from one place and all below it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from stronghouse.engine.access.catalogue import Catalogue, Grant
from stronghouse.engine.access.grant_tree import Difference, GrantTree, Path, Place
from stronghouse.engine.access.privileges import (
    GRANTABLE,
    NONE_NAMES,
    ON_TABLES,
    WITH_PARAMETER,
    Level,
    named,
    names_of,
)
from stronghouse.engine.errors import DatabaseError

_ON_TABLES = (ON_TABLES, *(mask & ON_TABLES for mask in GRANTABLE[1:]))
_ON_NAMES = (WITH_PARAMETER, WITH_PARAMETER)
_Operation = Callable[[int, int], int]


class Rights:
    """Privileges with where they are held. Hashable by identity only; compare `grants`."""

    __slots__ = ("_grants", "_names", "_tables")

    def __init__(self, tables: GrantTree | None = None, names: GrantTree | None = None) -> None:
        self._tables = tables or GrantTree(_ON_TABLES)
        self._names = names or GrantTree(_ON_NAMES)
        self._grants: tuple[Grant, ...] | None = None

    @classmethod
    def of(cls, grants: Iterable[Grant]) -> "Rights":
        """The rights that `grants` come to, one after the other.

        Raises:
            DatabaseError: 508, there is no such privilege; 509, it cannot be granted there.
        """
        return _of(tuple(grants))

    @property
    def grants(self) -> tuple[Grant, ...]:
        """These rights in normal form: wide before narrow, by name, in the engine's order of privileges."""
        if self._grants is None:
            self._grants = tuple(self._normal_form())
        return self._grants

    def granted(
        self,
        privilege: str,
        database: str | None = None,
        table: str | None = None,
        column: str | None = None,
        parameter: str | None = None,
    ) -> bool:
        """Whether `privilege` is held there and everywhere below. None means on all, as in Grant."""
        return self.covers(Grant(privilege, database, table, column, parameter))

    def grantable(
        self,
        privilege: str,
        database: str | None = None,
        table: str | None = None,
        column: str | None = None,
        parameter: str | None = None,
    ) -> bool:
        """Whether `privilege` is held there WITH GRANT OPTION, and everywhere below."""
        return self.covers(Grant(privilege, database, table, column, parameter), option=True)

    def covers(self, grant: Grant, *, option: bool = False) -> bool:
        """Whether what `grant` is about is held, or (`option`) may be granted to others."""
        return all(tree.covers(path, bits, option=option) for tree, path, bits in self._aims(grant))

    def touches(self, grant: Grant) -> bool:
        """Whether some of what `grant` is about is held somewhere."""
        return any(tree.touches(path, bits) for tree, path, bits in self._aims(grant))

    def grant(self, *grants: Grant) -> "Rights":
        """These rights and what `grants` give (or, if revoked, take)."""
        made = Rights(self._tables.copy(), self._names.copy())
        made._apply(grants)
        return made

    def revoke(self, *grants: Grant, option_only: bool = False) -> "Rights":
        """These rights without what `grants` are about; `option_only`: only without the GRANT OPTION for it."""
        taken = (replace(grant, grant_option=option_only, revoked=True) for grant in grants)
        return self.grant(*taken)

    def union(self, *others: "Rights") -> "Rights":
        """What any of them has."""
        made = self
        for other in others:
            made = made._combined(other, int.__or__)
        return made

    def intersection(self, other: "Rights") -> "Rights":
        """What both have."""
        return self._combined(other, int.__and__)

    def without(self, other: "Rights") -> "Rights":
        """What these have and the other has not."""
        return self._combined(other, lambda one, two: one & ~two)

    def limited(self, bits: int) -> "Rights":
        """These rights without any privilege that is not in the set `bits`."""
        return self._combined(Rights(), lambda one, _: one & bits)

    def only_grantable(self) -> "Rights":
        """What may be granted to others, held with grant option."""
        made = Rights(self._tables.copy(), self._names.copy())
        for tree in (made._tables, made._names):
            tree.edit((), _hold_what_is_grantable)
        return made

    def place(self, database: str, table: str) -> Place:
        """What is held on one table, with its columns below."""
        return self._tables.at((database, table))

    def held_everywhere(self) -> int:
        """What is held on everything, whatever was revoked further down."""
        return self._tables.top.held | self._names.top.held

    def _combined(self, other: "Rights", operation: _Operation) -> "Rights":
        return Rights(
            self._tables.combined(other._tables, operation),  # noqa: SLF001 - another of this class
            self._names.combined(other._names, operation),  # noqa: SLF001 - as above
        )

    def _apply(self, grants: Iterable[Grant]) -> None:
        for grant in grants:
            for tree, path, bits in self._aims(grant):
                tree.edit(path, _edit_of(grant, bits))

    def _aims(self, grant: Grant) -> Iterator[tuple[GrantTree, Path, int]]:
        """The trees that `grant` is about, where, and what."""
        bits = 0 if grant.privilege.upper() in NONE_NAMES else named(grant.privilege).bits
        path = path_of(grant)
        if grant.parameter is not None:
            yield self._names, (grant.parameter,), bits & WITH_PARAMETER
            return
        yield self._tables, path, bits & ON_TABLES
        if not path:
            yield self._names, (), bits & WITH_PARAMETER

    def _normal_form(self) -> Iterator[Grant]:
        tables, names = self._tables.differences(), self._names.differences()
        yield from _grants_of(next(tables).joined(next(names)))
        for difference in names:
            yield from _grants_of(difference, on_names=True)
        for difference in tables:
            yield from _grants_of(difference)


def path_of(grant: Grant) -> Path:
    """Database, table and column of a grant, as far as it names them."""
    path = (grant.database, grant.table, grant.column)
    return tuple(name for name in path if name is not None)


def check_level(grant: Grant) -> None:
    """Refuse a grant of something that cannot be granted there.

    Raises:
        DatabaseError: 508, there is no such privilege; 509, it is of another level.
    """
    if grant.privilege.upper() in NONE_NAMES:
        return
    privilege, level = named(grant.privilege), Level(len(path_of(grant)))
    possible = WITH_PARAMETER if grant.parameter is not None else GRANTABLE[level]
    if not privilege.bits & possible:
        raise DatabaseError(
            509, "INVALID_GRANT", f"{privilege.name} cannot be granted on the {level.name.lower()} level"
        )


def rights_of(catalogue: Catalogue, user: str | None, roles: Iterable[str]) -> Rights:
    """The rights in force of a user with these roles and those within them."""
    grants = [catalogue.roles[role].grants for role in sorted(catalogue.roles_within(roles))]
    if user is not None:
        grants.append(catalogue.users[user].grants)
    return Rights().union(*(Rights.of(given) for given in grants))


@lru_cache(maxsize=4096)
def _of(grants: tuple[Grant, ...]) -> Rights:
    made = Rights()
    made._apply(grants)  # noqa: SLF001 - nobody else has it yet
    return made


def _edit_of(grant: Grant, bits: int) -> Callable[[Place, int], None]:
    held = bits if not (grant.revoked and grant.grant_option) else 0
    grantable = bits if grant.revoked or grant.grant_option else 0

    def give(place: Place, mask: int) -> None:
        place.held |= held & mask
        place.grantable |= grantable & mask

    def take(place: Place, mask: int) -> None:
        place.held &= ~held | ~mask
        place.grantable &= ~grantable | ~mask

    return take if grant.revoked else give


def _hold_what_is_grantable(place: Place, mask: int) -> None:
    place.held = place.grantable & mask


def _grants_of(difference: Difference, *, on_names: bool = False) -> Iterator[Grant]:
    parts = (
        (difference.revoked, False, True),
        (difference.revoked_option, True, True),
        (difference.granted, False, False),
        (difference.granted_with_option, True, False),
    )
    fields = ("parameter",) if on_names else ("database", "table", "column")
    places = dict(zip(fields, difference.path, strict=False))
    for bits, option, revoked in parts:
        for privilege in names_of(bits):
            yield Grant(privilege, **places, grant_option=option, revoked=revoked)
