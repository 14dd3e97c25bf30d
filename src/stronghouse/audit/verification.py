"""Checking the whole log against its signed heads: what `stronghouse verify-audit` and the audit check run."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from stronghouse.audit import checkpoint, store, tree
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Invalid


class AuditLogBroken(Invalid):
    """The log does not agree with itself or with its signed heads."""


@dataclass(frozen=True)
class Verified:
    """What held: every entry, node and signed head up to `size`."""

    origin: str
    size: int
    root: bytes
    checkpoints: int


def verify_log(connection: Connection, *, origin: str, public_key: bytes) -> Verified:
    """Recompute the tree from the bodies and compare it with the stored nodes and every signed head.

    Raises:
        AuditLogBroken: naming the first entry, node or checkpoint that does not hold.
    """
    heads = dict(store.checkpoints(connection))
    memory: dict[tuple[int, int], bytes] = {}
    size = 0
    steps: list[int] = []
    previous: datetime | None = None
    for entry in store.entries(connection):
        if entry.index != size:
            raise AuditLogBroken(f"Entry {size} of the audit log is missing.", code="audit_entry_missing")
        check_entry(entry)
        if previous is not None and entry.created_at < previous:
            steps.append(size)
        previous = entry.created_at
        for level, index, value in tree.append(size, entry.leaf_hash, lambda level, index: memory[level, index]):
            memory[level, index] = value
        size += 1
        if size in heads:
            _check_head(
                heads[size], size, tree.root(size, lambda level, index: memory[level, index]), origin, public_key
            )
    if any(claimed > size for claimed in heads):
        raise AuditLogBroken(
            f"A signed checkpoint covers {max(heads)} entries, but only {size} are there.", code="audit_tail_missing"
        )
    if size and size not in heads:
        raise AuditLogBroken(
            f"No signed checkpoint covers the newest of the {size} entries.", code="audit_head_missing"
        )
    _check_nodes(connection, memory)
    _check_steps(connection, steps)
    head = tree.root(size, lambda level, index: memory[level, index])
    return Verified(origin, size, head, len(heads))


def check_entry(entry: store.Entry) -> None:
    """Compare an entry's hash and its columns with its body: a column that lies would hide it from a filter.

    Raises:
        AuditLogBroken: something that is kept of the entry is not what its leaf commits to.
    """
    try:
        fits = tree.leaf_hash(entry.body.encode()) == entry.leaf_hash and _columns(entry) == _claimed(entry.event())
    except (ValueError, KeyError, TypeError):  # no JSON, or not of an event
        fits = False
    if not fits:
        raise AuditLogBroken(f"Entry {entry.index} of the audit log was altered.", code="audit_entry_altered")


def _columns(entry: store.Entry) -> tuple[Json, ...]:
    return (
        rfc3339(entry.created_at),
        entry.event_id,
        entry.organization_id,
        entry.service_id,
        entry.code,
        entry.activity,
        entry.outcome,
        entry.address,
        entry.actor_id,
    )


def _claimed(event: dict[str, Json]) -> tuple[Json, ...]:
    """What an event says that the columns of its entry hold."""
    names = ("time", "id", "organization_id", "service_id", "code", "activity", "outcome", "address")
    actor = event["actor"]
    return (*(event[name] for name in names), actor["id"] if isinstance(actor, dict) else None)


def _check_steps(connection: Connection, found: list[int]) -> None:
    """Compare where the clock ran backwards with what is kept of it: a step that lies would hide entries in time."""
    if store.clock_steps(connection) != found:
        raise AuditLogBroken(
            "What is kept of the clock's backward steps does not fit the entries.", code="audit_clock_step_altered"
        )


def _check_head(note: str, size: int, root: bytes, origin: str, public_key: bytes) -> None:
    try:
        head = checkpoint.verify(note, origin=origin, public_key=public_key)
    except Invalid as error:
        raise AuditLogBroken(f"The checkpoint at size {size}: {error.public}", code=error.code) from error
    if (head.size, head.root) != (size, root):
        raise AuditLogBroken(f"The first {size} entries are not those that were signed.", code="audit_root_differs")


def _check_nodes(connection: Connection, computed: dict[tuple[int, int], bytes]) -> None:
    stored = 0
    for row in connection.execute(select(store.audit_node)):
        level, index, value = row  # a row is a tuple, whose own method `index` hides the column of that name
        if computed.get((level, index)) != bytes(value):
            raise AuditLogBroken(f"Tree node ({level}, {index}) was altered.", code="audit_node_altered")
        stored += 1
    if stored != len(computed):
        total = connection.execute(select(func.count()).select_from(store.audit_node)).scalar_one()
        raise AuditLogBroken(f"The tree has {total} of {len(computed)} nodes.", code="audit_node_missing")
