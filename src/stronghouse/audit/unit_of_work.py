"""The only way to change state: the change, its events and the tree's new nodes commit together or not at all."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, event
from sqlalchemy.sql.dml import UpdateBase

from stronghouse.audit import checkpoint, store, tree
from stronghouse.audit.event import AuditEvent, Context
from stronghouse.kernel.canonical import Json, canonical_json
from stronghouse.kernel.clock import Clock, rfc3339
from stronghouse.kernel.errors import Denied, Internal
from stronghouse.kernel.ids import new_id
from stronghouse.storage.database import Database


class UnauditedChange(Internal):
    """A transaction changed state and recorded nothing: a bug of ours, refused before it commits."""


class UnitOfWork:
    """One write transaction. Stores take `connection`; actions call `record` for each thing that happened."""

    def __init__(self, connection: Connection, context: Context) -> None:
        self.connection = connection
        self.context = context
        self.events: list[AuditEvent] = []
        self.changes = 0
        self.head: checkpoint.Checkpoint | None = None
        event.listen(connection, "before_execute", self._count)

    def record(self, audit_event: AuditEvent) -> None:
        """Add an event to the log; it is written when the transaction commits."""
        audit_event.data()  # a field without a JSON form fails here, beside its cause
        self.events.append(audit_event)

    def _count(self, _connection: Connection, statement: object, *_rest: object) -> None:
        self.changes += isinstance(statement, UpdateBase)


class AuditLog:
    """Opens units of work and writes what they recorded."""

    def __init__(self, database: Database, signer: checkpoint.Signer, clock: Clock) -> None:
        self.database = database
        self.signer = signer
        self.clock = clock
        self.listeners: list[Callable[[Sequence[AuditEvent]], None]] = []
        """Told of the events of each transaction once it has committed; they only take note, and never raise."""
        self.followers: list[Callable[[UnitOfWork, AuditEvent], None]] = []
        """Told of each event within its transaction, when all else of it is done. They may change more and record
        more, of which all are told too; what one raises undoes the whole."""
        self._last: checkpoint.Checkpoint | None = None  # the newest head that this process signed and committed

    @contextmanager
    def unit_of_work(self, context: Context) -> Iterator[UnitOfWork]:
        """A transaction that commits with its events when the block ends, and leaves nothing when it raises.

        Raises:
            UnauditedChange: the block changed state without recording an event.
            StronghouseError: as the context's guard says, before the block begins.
        """
        try:
            with self.database.write() as connection:
                uow = UnitOfWork(connection, context)
                if context.guard is not None:
                    context.guard.check(connection)
                yield uow
                self._follow(uow)
                if uow.changes and not uow.events:
                    raise UnauditedChange("A change without an audit event was refused.", code="unaudited_change")
                if uow.events:
                    self._write(uow)
        except Denied as error:
            if context.guard is not None:
                context.guard.refused(error)
            raise
        self._last = uow.head or self._last
        for listener in self.listeners if uow.events else ():
            listener(uow.events)

    @contextmanager
    def bookkeeping(self, reason: str) -> Iterator[Connection]:
        """A transaction for facts that are no act of anyone (last use of a key, an agent's heartbeat).

        `reason` stands at every call site so that each exception from the rule above can be found and judged.
        """
        if not reason:
            raise ValueError("say why this change needs no audit event")
        with self.database.write() as connection:
            yield connection

    def _follow(self, uow: UnitOfWork) -> None:
        for recorded in uow.events:  # which grows while it is gone through
            for follower in self.followers:
                follower(uow, recorded)

    def _write(self, uow: UnitOfWork) -> None:
        now = self.clock.now()
        size = store.size(uow.connection)
        known = store.peaks(uow.connection, size)
        self._require_grown(uow.connection, size, known)
        previous = store.time_of(uow.connection, size - 1)
        if previous is not None and now < previous:
            store.add_clock_step(uow.connection, size)
        entries = []
        for index, audit_event in enumerate(uow.events, start=size):
            event_id = new_id()
            body = canonical_json(_envelope(audit_event, uow.context, event_id=event_id, time=rfc3339(now)))
            entry = store.Entry(
                index=index,
                event_id=event_id,
                created_at=now,
                organization_id=audit_event.organization_id,
                service_id=audit_event.service_id,
                code=audit_event.code,
                activity=audit_event.activity,
                body=body.decode(),
                leaf_hash=tree.leaf_hash(body),
                actor_id=uow.context.actor.id,
                outcome=audit_event.outcome.value,
                address=uow.context.address,
            )
            entries.append(entry)
        store.append(uow.connection, entries, known)
        size += len(entries)
        head = checkpoint.Checkpoint(self.signer.origin, size, tree.root(size, lambda *place: known[place]))
        store.add_checkpoint(uow.connection, size=size, created_at=now, note=checkpoint.sign(head, self.signer))
        uow.head = head

    def _require_grown(self, connection: Connection, size: int, known: store.Peaks) -> None:
        """Sign nothing that does not continue what this process signed before, or that lacks a part of its tree."""
        last = self._last
        whole = set(known) == set(tree.peaks(size))
        if last is not None and whole:
            before = known if last.size == size else store.peaks(connection, last.size)
            whole = set(before) == set(tree.peaks(last.size)) and size >= last.size
            whole = whole and tree.root(last.size, lambda *place: before[place]) == last.root
        if not whole:
            raise Internal("The audit log was cut or rewritten while it was in use.", code="audit_log_cut")


def _envelope(audit_event: AuditEvent, context: Context, *, event_id: str, time: str) -> dict[str, Json]:
    """The leaf: what happened, who did it, from where.

    The salt keeps an erased body from being guessed from its leaf hash.
    """
    return {
        "version": 1,
        "id": event_id,
        "time": time,
        "code": audit_event.code,
        "activity": audit_event.activity,
        "outcome": audit_event.outcome.value,
        "summary": audit_event.summary(),
        "organization_id": audit_event.organization_id,
        "service_id": audit_event.service_id,
        "actor": {"type": context.actor.type.value, "id": context.actor.id, "details": context.actor.details},
        "address": context.address,
        "user_agent": context.user_agent,
        "request_id": context.request_id,
        "data": dict(audit_event.data()),
        "salt": secrets.token_hex(16),
    }
