"""Checking an audit log from outside: what it says now must agree with what it signed when we last looked.

The verifier key is kept on first use, and each log's last head with it. A log whose key changes, that shrinks, or
whose past differs is refused.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stronghouse.audit import checkpoint, tree
from stronghouse.audit.checkpoint import Checkpoint
from stronghouse.cli.client import ApiClient
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.files import private_directory, write_private
from stronghouse.settings.locations import configuration_directory


class AuditLogRefused(Invalid):
    """The log is not the one that was seen before, or does not prove what it shows."""


@dataclass(frozen=True)
class Seen:
    """What is remembered about a log."""

    verifier_key: str
    note: str

    def head(self) -> Checkpoint:
        """The head that was seen."""
        origin, public_key = checkpoint.parse_verifier_key(self.verifier_key)
        return checkpoint.verify(self.note, origin=origin, public_key=public_key)


def check_log(client: ApiClient, path: str, *, events: int) -> dict[str, object]:
    """Check the log and remember its head; what was found out.

    Raises:
        AuditLogRefused: naming what does not hold. Nothing is remembered then.
    """
    memory = _memory(client.credentials.api_url, path)
    seen = _load(memory)
    answer = client.get(f"{path}/checkpoint")
    current = Seen(str(answer["verifierKey"]), str(answer["checkpoint"]))
    if seen is not None and seen.verifier_key != current.verifier_key:
        raise AuditLogRefused(
            "The log is signed with another key than when it was first seen; if that was meant to happen, remove "
            f"{memory} and check again.",
            code="verifier_key_changed",
        )
    head = current.head()
    if seen is not None:
        _check_growth(client, path, seen.head(), head)
    proven = _check_events(client, path, head, events)
    private_directory(memory.parent)
    write_private(memory, json.dumps({"verifier_key": current.verifier_key, "checkpoint": current.note}).encode())
    return {
        "origin": head.origin,
        "size": head.size,
        "root": base64.b64encode(head.root).decode(),
        "grown_from": None if seen is None else seen.head().size,
        "events_proven": proven,
    }


def _check_growth(client: ApiClient, path: str, old: Checkpoint, new: Checkpoint) -> None:
    if new.size < old.size:
        raise AuditLogRefused(
            f"The log had {old.size} entries and now has {new.size}: its end was cut off.", code="log_shrank"
        )
    proof: list[bytes] = []
    if new.size > old.size:
        answer = client.get(f"{path}/consistency", first=old.size, second=new.size)
        proof = _nodes(answer["proof"])
    if not tree.verify_consistency(old.size, new.size, old.root, new.root, proof):
        raise AuditLogRefused(
            f"The first {old.size} entries are not those that were signed when last seen: the past was changed.",
            code="log_rewritten",
        )


def _check_events(client: ApiClient, path: str, head: Checkpoint, count: int) -> int:
    if not count:
        return 0
    # Newer events than the head may have happened meanwhile; they are proven next time.
    shown = client.get(path, limit=count, before=head.size)
    for event in shown:
        _check_event(client.get(f"{path}/{event['id']}/proof", size=head.size), event, head)
    return len(shown)


def _check_event(answer: dict[str, Any], event: dict[str, Any], head: Checkpoint) -> None:
    leaf = str(answer["leaf"])
    body = {name: value for name, value in event.items() if name != "index"}
    same = json.loads(leaf) == body and answer["index"] == event["index"]
    proof = _nodes(answer["proof"])
    if not same or not tree.verify_inclusion(
        tree.leaf_hash(leaf.encode()), event["index"], head.size, proof, head.root
    ):
        raise AuditLogRefused(f"The event {event['id']} is not in the log that was signed.", code="event_not_proven")


def _nodes(texts: list[str]) -> list[bytes]:
    return [base64.b64decode(text, validate=True) for text in texts]


def _memory(api_url: str, path: str) -> Path:
    """The file that remembers this log: named by where it is asked for, so that two installations do not mix."""
    name = hashlib.sha256(f"{api_url.rstrip('/')} {path}".encode()).hexdigest()[:32]
    return configuration_directory() / "audit" / f"{name}.json"


def _load(path: Path) -> Seen | None:
    try:
        fields = json.loads(path.read_bytes())
        return Seen(fields["verifier_key"], fields["checkpoint"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise AuditLogRefused(f"{path} is damaged; remove it only if you know why.", code="memory_damaged") from None
