"""One event of the audit log as its page shows it: what it changed, what it tells, where it leads, and its proof."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from stronghouse.access import store as access
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import ServiceSet
from stronghouse.audit import checkpoint, presentation, store, tree
from stronghouse.audit.checkpoint import Signer
from stronghouse.audit.presentation import Change, Proof
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.responsibility.findings.actions import find_finding
from stronghouse.services import store as services

CHECK_IT = "Run `stronghouse audit verify` from another machine, and find out who can write to the database."
ACTORS = {"user": "person", "api": "API key", "system": "part of Stronghouse"}


@dataclass(frozen=True)
class SignedHead:
    """The newest signed head of the log: over so many entries, and when the last of them was made."""

    size: int
    at: datetime | None


@dataclass(frozen=True)
class Difference:
    """One thing that an event changed, as lines of a diff: their kind, a word for it, and the text."""

    field: str
    lines: list[tuple[str, str, str]]
    kept: int  # items of a list that stayed


@dataclass(frozen=True)
class Lead:
    """Where an event leads."""

    address: str
    name: str


def signed_head(connection: Connection, signer: Signer) -> SignedHead:
    """The newest signed head, if it fits the tree as it is now; raises Invalid if it does not.

    Whether every entry fits the tree takes a reading of all of them: that is what the audit check does.
    """
    size = store.size(connection)
    head = _verified(store.latest_checkpoint(connection), signer)
    if (head.size, head.root) != (size, tree.root(size, store.nodes(connection))):
        raise Invalid(f"The log is not what its newest signed checkpoint covers. {CHECK_IT}", code="audit_root_differs")
    return SignedHead(size, store.time_of(connection, size - 1))


def check_proof(proof: Proof, signer: Signer) -> None:
    """Raise Invalid unless the proof's bytes are in the log that the newest checkpoint signs."""
    head = _verified(proof.checkpoint, signer)
    leaf = tree.leaf_hash(proof.leaf.encode())
    if not tree.verify_inclusion(leaf, proof.index, head.size, proof.path, head.root):
        raise Invalid(
            f"These are not the bytes that the log committed to when this was recorded. {CHECK_IT}",
            code="audit_entry_altered",
        )


def differences(event: dict[str, Json]) -> list[Difference]:
    """What an event changed, as lines."""
    return [_difference(change) for change in presentation.changes(event)]


def fields(event: dict[str, Json]) -> list[tuple[str, str]]:
    """The event's own data: names in words, values as text."""
    data = event["data"]
    return [(name.replace("_", " "), as_text(value)) for name, value in data.items()] if isinstance(data, dict) else []


def as_text(value: Json) -> str:
    """A value of an event for people: text as it is, everything else as JSON."""
    if value is None:
        return "nothing"
    if value == "":
        return "empty text"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def leads(
    connection: Connection,
    event: dict[str, Any],
    *,
    organization_id: str,
    may: Callable[[Permission], bool],
    seen_services: ServiceSet,
) -> list[Lead]:
    """Pages about what an event is about: as far as it is still there, and may be seen."""
    found: list[Lead] = []
    if event["service_id"] in seen_services:
        found += _service(connection, event["service_id"], organization_id)
    if may(Permission.API_KEYS_VIEW):
        for key_id in _key_ids(event):
            found += _key(connection, key_id, organization_id)
    if may(Permission.RESPONSIBILITIES_VIEW):
        found += _finding(connection, event["data"].get("finding"), organization_id)
        evidence = event["data"].get("evidence")
        if event["code"] == "evidence.record" and isinstance(evidence, str):
            found.append(Lead(f"/evidence/{evidence}", "The evidence"))
    return found


def _verified(note: str | None, signer: Signer) -> checkpoint.Checkpoint:
    try:
        return checkpoint.verify(note or "", origin=signer.origin, public_key=signer.public_key)
    except Invalid as error:
        raise Invalid(f"{error.public} {CHECK_IT}", code=error.code) from None


def _difference(change: Change) -> Difference:
    if change.added or change.removed:
        lines = [("removed", "removed", as_text(item)) for item in change.removed]
        lines += [("added", "added", as_text(item)) for item in change.added]
        kept = len(change.after) - len(change.added) if isinstance(change.after, list) else 0
    else:
        lines = [("removed", "before", as_text(change.before)), ("added", "after", as_text(change.after))]
        kept = 0
    return Difference(change.field.replace("_", " "), lines, kept)


def _key_ids(event: dict[str, Any]) -> Iterator[str]:
    """Keys that an event is about, or that acted, each once."""
    about = event["data"].get("key_id")
    actor = event["actor"]["id"] if event["actor"]["type"] == "api" else None
    yield from dict.fromkeys(one for one in (about, actor) if isinstance(one, str))


def _service(connection: Connection, service_id: str | None, organization_id: str) -> Iterator[Lead]:
    found = services.find(connection, organization_id=organization_id, service_id=service_id) if service_id else None
    if found is not None:
        yield Lead(f"/services/{found.id}", f"The service {found.name}")


def _key(connection: Connection, key_id: str, organization_id: str) -> Iterator[Lead]:
    found = access.key(connection, organization_id=organization_id, key_id=key_id)
    if found is not None:
        yield Lead(f"/keys/{found.id}", f"The API key {found.name}")


def _finding(connection: Connection, finding_id: object, organization_id: str) -> Iterator[Lead]:
    if not isinstance(finding_id, str):
        return
    try:
        found = find_finding(connection, organization_id=organization_id, finding_id=finding_id)
    except NotFound:
        return
    yield Lead(f"/findings/{found.id}", f"The finding {found.title}")
