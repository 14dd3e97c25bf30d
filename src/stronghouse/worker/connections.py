"""Connections to the engine that have a caller's rights and nothing else, kept ready for the next request.

A connection begins with every right that anybody has, so it is never handed out before its roles are set: what fails
on the way closes it. Only connections on which nothing was changed come back, and only for the catalogue that they
were made by.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stronghouse.engine.access.rendering import definer
from stronghouse.engine.connection import Connection
from stronghouse.engine.engine import Engine
from stronghouse.engine.sql import identifier, text
from stronghouse.worker.caller import Caller

MOST_OF_KIND = 16
MOST = 64
"""How many wait at most: of one kind and in all. One takes about 130 KB (measured)."""
READ_ONLY_WITH_SETTINGS = "2"
VIEWS = {"default_normal_view_sql_security": "INVOKER", "default_materialized_view_sql_security": "DEFINER"}
"""ClickHouse's own defaults; the user's profile keeps them from being changed."""
QUICK = {
    "output_format_parallel_formatting": "0",
    "max_result_bytes": str(1 << 20),
    "result_overflow_mode": "throw",
}
"""For results that are taken from memory: threads that format a result beside each other cost more than a short one
does (measured: 0.17 of 0.6 ms of processor time), and one that is not short after all ends with error 396."""
TOO_LONG = 396


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What a ready connection is for: `read_only` statements, `quick` ones whose result is expected to be short.

    There are four, which `kind_of` gives.
    """

    read_only: bool = False
    quick: bool = False


def kind_of(*, read_only: bool, quick: bool) -> Kind:
    """The one kind of its kind."""
    return _KINDS[read_only][quick]


_KINDS = tuple(tuple(Kind(read_only, quick) for quick in (False, True)) for read_only in (False, True))
Key = tuple[str, Kind]


USUAL = kind_of(read_only=False, quick=False)


class Connections:
    """Ready connections by user, roles and whether they only read. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._idle: dict[Key, list[Connection]] = {}
        self._count = 0
        self._generation = 0

    def take(self, caller: Caller, kind: Kind) -> Connection:
        """A connection in its first state, whose user gives it back by `give_back` or closes it."""
        if caller.catalogue.generation > self._generation:
            self._renew(caller.catalogue.generation)
        with self._lock:
            waiting = self._idle.get((caller.rights, kind))
            if waiting and caller.catalogue.generation == self._generation:
                self._count -= 1
                return waiting.pop()
        return self.fresh(caller, kind)

    def give_back(self, connection: Connection, caller: Caller, kind: Kind) -> None:
        """Keep it for the next. Nothing on it may have been changed."""
        with self._lock:
            waiting = self._idle.setdefault((caller.rights, kind), [])
            if caller.catalogue.generation == self._generation and len(waiting) < MOST_OF_KIND:
                waiting.append(connection)
                if self._count < MOST:
                    self._count += 1
                    return
                connection = self._oldest()
        connection.close()

    def _oldest(self) -> Connection:
        """Take one out of the kind that came up first, so that who comes now finds room. The lock is held."""
        for key, waiting in list(self._idle.items()):
            if waiting:
                return waiting.pop(0)
            del self._idle[key]
        raise RuntimeError("there are as many as were counted")

    def fresh(self, caller: Caller, kind: Kind = USUAL, *, expressions: bool = False) -> Connection:
        """A connection of one's own. `expressions`: text in VALUES may be evaluated."""
        connection = self._engine.connect(expressions=expressions)
        with closed_on_failure(connection.close):
            _dress(connection, caller, kind, profile="e" if expressions else "l")
        return connection

    def _renew(self, generation: int) -> None:
        """Settings and default databases may be others now, also where the engine was not opened again for them."""
        with self._lock:
            self._generation = max(self._generation, generation)
        self.close()

    def close(self) -> None:
        """Close all that wait."""
        with self._lock:
            idle, self._idle, self._count = self._idle, {}, 0
        for waiting in idle.values():
            for connection in waiting:
                connection.close()


@contextlib.contextmanager
def closed_on_failure(close: Callable[[], None]) -> Iterator[None]:
    """Call `close` if the block raises."""
    try:
        yield
    except BaseException:
        close()
        raise


def _dress(connection: Connection, caller: Caller, kind: Kind, *, profile: str) -> None:
    """Values first, then the constraints that hold them, then the roles: with constraints values could not be set."""
    user = caller.user
    values = {
        **VIEWS,
        "default_view_definer": definer(user.id),
        **caller.settings,
    }
    if kind.quick:
        values |= QUICK
    if kind.read_only:
        values.setdefault("readonly", READ_ONLY_WITH_SETTINGS)
    last = {name: values.pop(name) for name in ("readonly",) if name in values}  # after it nothing can be set
    connection.query(f"SET {', '.join(f'{name} = {text(value)}' for name, value in values.items())}")
    if user.default_database is not None:
        connection.query(f"USE {identifier(user.default_database)}")
    connection.query(f"SET profile = {text(f'{profile}_{user.id}')}")
    set_roles(connection, caller)
    if last:
        connection.query(f"SET readonly = {text(last['readonly'])}")


def set_roles(connection: Connection, caller: Caller) -> None:
    """Give a connection the roles of `caller` in place of those that it has."""
    connection.query(f"SET ROLE {', '.join(caller.engine_roles)}")
