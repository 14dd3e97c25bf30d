"""Changing who may do what: the catalogue first, then the engine, with as few interruptions as changes allow.

A change is in force for new requests from the moment that the catalogue is stored: who was dropped is refused by the
front, and everybody else waits at the gate until the engine has been reopened with the new rights. Statements that
come while that goes on are made into one next change.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from stronghouse.engine.access.catalogue import Catalogue
from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.log import log

Change = Callable[[Catalogue], Catalogue]
USERS_FILE_INVALID = "users_file_invalid"
"""The code with which `engine.access.scratch.validate` refuses."""


@dataclass(eq=False)
class _Wanted:
    change: Change
    done: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None


class Changes:
    """Applies changes, one group after the other. Safe to use from several threads.

    Args:
        current: the catalogue in force.
        put: brings a catalogue into force, durably; called by one thread at a time. Where it raises, the catalogue
            stays as it was. If one change of the group may be why, each is made alone; else all get the error.
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
        try:
            self._make_together(group)
        finally:
            for wanted in group:
                wanted.done.set()

    def _make_together(self, group: list[_Wanted]) -> None:
        before = catalogue = self._current()
        accepted: list[_Wanted] = []
        for wanted in group:
            try:
                catalogue = wanted.change(catalogue)
                accepted.append(wanted)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is for who asked, and not for the others
                wanted.error = error
        if catalogue is before:
            return
        try:
            self._put(catalogue)
        except Exception as error:  # noqa: BLE001 - nobody may be told of success
            if len(accepted) > 1 and _is_of_one(error):
                for wanted in accepted:
                    self._make_together([wanted])
                return
            log.error("access_not_changed", reason=getattr(error, "code", None), detail=getattr(error, "detail", None))
            for wanted in accepted:
                wanted.error = error


def _is_of_one(error: Exception) -> bool:
    """Whether it may be the fault of one change among several: a value or a condition that the engine refuses."""
    return isinstance(error, DatabaseError) or getattr(error, "code", None) == USERS_FILE_INVALID
