"""Bringing a catalogue into force: validated, stored, and read by an engine that is closed and opened again.

With a query still running the engine would silently keep its old rights (measured), so nobody is inside while it
happens, every connection is closed, and the engine has to show the new generation before anybody is let in again. An
engine that does not ends this process: the agent starts another, which begins with the stored catalogue.
"""

import dataclasses
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from stronghouse.engine.access.catalogue import Catalogue
from stronghouse.engine.access.rendering import users_tree
from stronghouse.engine.access.scratch import validate
from stronghouse.engine.access.store import CatalogueStore
from stronghouse.engine.configuration import render
from stronghouse.engine.engine import Engine
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.room import Room
from stronghouse.kernel.errors import Unavailable
from stronghouse.worker.gate import Gate
from stronghouse.worker.log import log
from stronghouse.worker.running import Running

GRACE_SECONDS = 5.0
"""How long running queries may go on before they end with code 394 (design.md section 2)."""
LAST_SECONDS = 5.0
EXIT_STATUS = 3


@dataclass(frozen=True)
class Reopening:
    """What it takes.

    Attributes:
        engine, gate, running: the worker's.
        store: where the catalogue is kept.
        data_key: asks the agent for the service's data key.
        close_all: closes every connection that this process has, but the engine's first.
        opened: prepares a newly opened engine for this catalogue.
        in_force: told the new catalogue as soon as it is stored.
        refreshed: told the new catalogue where the engine need not be opened again for it.
    """

    engine: Engine
    gate: Gate
    running: Running
    store: CatalogueStore
    data_key: Callable[[], bytes]
    close_all: Callable[[], None]
    opened: Callable[[Catalogue], None]
    in_force: Callable[[Catalogue], None]
    refreshed: Callable[[Catalogue], None]

    def put(self, catalogue: Catalogue, before: Catalogue) -> None:
        """Bring `catalogue` into force in place of `before`; returns when it is.

        Raises:
            StronghouseError: it cannot be; `before` is still in force.
        """
        rendered = users_tree(catalogue)
        # The marker of the generation always differs.
        if rendered == users_tree(dataclasses.replace(before, generation=catalogue.generation)):
            self._save(catalogue)
            self.in_force(catalogue)
            self._refresh(catalogue)
            return
        # Once the catalogue is stored, the engine's new file must not fail for want of space.
        self.room.need()
        validate(self.engine.layout.root, render(rendered), catalogue.generation)
        data_key = self.data_key()
        self._save(catalogue)
        self._with_gate_closed(catalogue, data_key)

    def reopen(self, catalogue: Catalogue) -> None:
        """Open the engine anew with the catalogue that is in force; raises Unavailable when there is no key."""
        self._with_gate_closed(catalogue, self.data_key())

    @property
    def room(self) -> Room:
        """The disk that all this goes to."""
        return Room(self.engine.layout.root)

    def _save(self, catalogue: Catalogue) -> None:
        try:
            self.store.save(catalogue)
        except Unavailable:
            self.room.need()  # which tells it better, if the disk is why
            raise

    def _refresh(self, catalogue: Catalogue) -> None:
        try:
            self.refreshed(catalogue)
        except DatabaseError as error:
            # The change counts already, so this is no failure of it: the tables tell of it after the next change.
            log.error("system_tables_not_refreshed", error=str(error))

    def _with_gate_closed(self, catalogue: Catalogue, data_key: bytes) -> None:
        self.gate.close()
        try:
            self.in_force(catalogue)
            self._empty()
            self._reopen(catalogue, data_key)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may be let in to an engine in this state
            reason, detail = getattr(error, "code", None), getattr(error, "detail", None)
            log.error("reopening_failed", error=type(error).__name__, reason=reason, detail=detail)
            os._exit(EXIT_STATUS)
        self.gate.open()

    def _empty(self) -> None:
        if not self.gate.wait_until_empty(GRACE_SECONDS):
            self.running.cancel_all()
            if not self.gate.wait_until_empty(LAST_SECONDS):
                raise Unavailable("A query does not end.", code="reopen_blocked")

    def _reopen(self, catalogue: Catalogue, data_key: bytes) -> None:
        began = time.monotonic()
        self.close_all()
        self.engine.reopen(data_key=data_key, users=users_tree(catalogue))
        if not self.engine.has_generation(catalogue.generation):
            raise Unavailable("The engine kept its old access configuration.", code="engine_kept_configuration")
        self.opened(catalogue)
        milliseconds = round((time.monotonic() - began) * 1000)
        log.info("reopened", generation=catalogue.generation, milliseconds=milliseconds)
