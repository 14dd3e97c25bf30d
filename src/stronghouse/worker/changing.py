"""Changing who may do what: the catalogue first, then the engine, with as few interruptions as changes allow.

A change is in force for new requests from the moment that the catalogue is stored: who was dropped is refused by the
front, and everybody else waits at the gate until the engine has been reopened with the new rights. Statements that
come while that goes on are made into one next change.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from stronghouse.engine.access.catalogue import Catalogue
from stronghouse.engine.errors import DatabaseError
from stronghouse.kernel.errors import StronghouseError

Change = Callable[[Catalogue], Catalogue]
_log = structlog.get_logger()


@dataclass(eq=False)
class _Wanted:
    change: Change
    done: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None


class Changes:
    """Applies changes, one group after the other. Safe to use from several threads.

    Args:
        current: the catalogue in force.
        put: brings a catalogue into force, durably; called by one thread at a time. What it raises, all changes of
            the group get, and the catalogue stays as it was.
    """

    def __init__(self, current: Callable[[], Catalogue], put: Callable[[Catalogue], None]) -> None:
        self._current = current
        self._put = put
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Wanted] = []

    def make(self, change: Change) -> None:
        """Make a change, and return when it is in force.

        Raises:
            DatabaseError: what `change` raised; nothing was changed by it.
            StronghouseError: it could not be brought into force.
        """
        wanted = _Wanted(change)
        with self._lock:
            self._waiting.append(wanted)
        with self._turn:
            if not wanted.done.is_set():
                self._work()
        if wanted.error is not None:
            raise wanted.error

    def _work(self) -> None:
        with self._lock:
            group, self._waiting = self._waiting, []
        before = catalogue = self._current()
        accepted: list[_Wanted] = []
        for wanted in group:
            try:
                catalogue = wanted.change(catalogue)
                accepted.append(wanted)
            except DatabaseError as error:
                wanted.error = error
        try:
            if catalogue is not before:
                self._put(catalogue)
        except StronghouseError as error:
            _log.error("access_not_changed", reason=error.code, detail=error.detail)
            for wanted in accepted:
                wanted.error = error
        finally:
            for wanted in group:
                wanted.done.set()
