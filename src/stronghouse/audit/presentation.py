"""An event as people look at it: what it changed, and the proof that the log commits to it."""

from dataclasses import dataclass

from sqlalchemy import Connection

from stronghouse.audit import store, tree
from stronghouse.audit.store import Entry
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Invalid

PAIR = 2  # before and after


@dataclass(frozen=True)
class Change:
    """One thing that an event changed; of lists also what came and what went."""

    field: str
    before: Json
    after: Json
    added: tuple[Json, ...] = ()
    removed: tuple[Json, ...] = ()


@dataclass(frozen=True)
class Proof:
    """What shows that an entry's bytes are leaf `index` under the root of the first `size` entries (RFC 6962)."""

    index: int
    size: int
    leaf: str
    leaf_hash: bytes
    path: tuple[bytes, ...]
    root: bytes
    checkpoint: str | None  # the signed head of just this size; there is one after each transaction


def changes(event: dict[str, Json]) -> list[Change]:
    """What an event changed, from its data: `before` and `after`, or `changes` with such a pair for each field."""
    data = event.get("data")
    if not isinstance(data, dict):
        return []
    pairs = data.get("changes")
    if isinstance(pairs, dict):
        return [
            _change(name, *pair) for name, pair in sorted(pairs.items()) if isinstance(pair, list) and len(pair) == PAIR
        ]
    if "before" not in data or "after" not in data:
        return []
    before, after = data["before"], data["after"]
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted({*before, *after})
        return [_change(name, *ends) for name in names if (ends := (before.get(name), after.get(name)))[0] != ends[1]]
    named = data.get("change")  # the Cloud API's word, as in state-changed
    name = named.removesuffix("-changed") if isinstance(named, str) else _field(str(event.get("code")))
    return [_change(name, before, after)]


def _change(name: str, before: Json, after: Json) -> Change:
    old, new = (before or [], after or []) if isinstance(before, list) or isinstance(after, list) else ([], [])
    if not isinstance(old, list) or not isinstance(new, list):
        return Change(name, before, after)
    added = tuple(item for item in new if item not in old)
    return Change(name, before, after, added, tuple(item for item in old if item not in new))


def _field(code: str) -> str:
    """What `before` and `after` are of, by the event's code: the state of `check.state_change`, else the thing."""
    thing, _, act = code.partition(".")
    if act == "rename":
        return "name"
    return act.rpartition("_")[0] or thing


def proof(connection: Connection, entry: Entry, *, size: int | None = None) -> Proof:
    """The proof of an entry under the head of `size` entries; under the newest if that is None.

    Raises:
        Invalid: the log never had this size since the entry was made.
    """
    total = store.size(connection)
    chosen = total if size is None else size
    if not entry.index < chosen <= total:
        raise Invalid("size is one that the log has had since this event.", code="sizes_invalid")
    nodes = store.nodes(connection)
    return Proof(
        index=entry.index,
        size=chosen,
        leaf=entry.body,
        leaf_hash=entry.leaf_hash,
        path=tuple(tree.inclusion_proof(entry.index, chosen, nodes)),
        root=tree.root(chosen, nodes),
        checkpoint=store.checkpoint_of(connection, chosen),
    )
