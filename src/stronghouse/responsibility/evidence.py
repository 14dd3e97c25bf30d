"""Evidence: facts kept as canonical JSON under their SHA-256, which the audit log commits to.

Reading checks all of it again: a body that no longer has its hash, or a hash that the log does not know, is an error.
"""

import hashlib
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection

from stronghouse.audit import store as audit
from stronghouse.audit import tree
from stronghouse.kernel.canonical import Json, canonical_json, parse_json
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.responsibility import store
from stronghouse.responsibility.events import EvidenceRecorded
from stronghouse.responsibility.facts import Facts

MAX_BODY_BYTES = 8 * 1024 * 1024


class EvidenceAltered(Invalid):
    """Kept evidence is not what was recorded. Codes: `evidence_altered`, `evidence_unrecorded`."""


@dataclass(frozen=True)
class Sealed:
    """Evidence before it is kept: canonical JSON and its hash."""

    id: str
    body: str


def seal(facts: Facts, *, place: str) -> Sealed:
    """The canonical form of `facts` and its hash; raises Invalid when it is longer than 8 MB."""
    try:
        body = canonical_json({**facts.to_json(), "place": place})
    except ValueError as error:
        raise Invalid("The facts have no canonical form.", code="facts_malformed", detail=str(error)) from error
    if len(body) > MAX_BODY_BYTES:
        raise Invalid("The facts are longer than 8 MB.", code="facts_malformed")
    return Sealed(hashlib.sha256(body).hexdigest(), body.decode())


def read(kept: store.StoredEvidence) -> Facts:
    """The facts in kept evidence.

    Raises:
        EvidenceAltered: they no longer have their hash.
        NotFound: it expired (code `evidence_expired`).
    """
    if kept.expired_at is not None:
        raise NotFound(
            f"Evidence {kept.id[:16]} expired on {kept.expired_at.date()}: it was removed after its time of retention; "
            "the audit log still commits to its hash.",
            code="evidence_expired",
        )
    if hashlib.sha256(kept.body.encode()).hexdigest() != kept.id:
        raise EvidenceAltered(f"Evidence {kept.id[:16]} was altered.", code="evidence_altered")
    return Facts.from_json(parse_json(kept.body))


def recorded_entry(connection: Connection, kept: store.StoredEvidence) -> audit.Entry:
    """The audit entry whose leaf commits to the evidence; raises EvidenceAltered if there is none."""
    for entry in audit.entries(connection, start=kept.audit_index, count=1):
        data = cast("dict[str, Json]", entry.event()["data"])
        if entry.index == kept.audit_index and entry.code == EvidenceRecorded.code and data["evidence"] == kept.id:
            return entry
    raise EvidenceAltered(f"The audit log does not know evidence {kept.id[:16]}.", code="evidence_unrecorded")


def open_evidence(connection: Connection, *, organization_id: str, evidence_id: str) -> dict[str, Json]:
    """Evidence for its viewer, as JSON: the document, and the proof that the audit log commits to it.

    Raises:
        NotFound: there is none with this hash, or it is another organization's.
        EvidenceAltered: it is not what was recorded.
    """
    kept = store.find_evidence(connection, evidence_id)
    if kept is None or kept.organization_id not in {None, organization_id}:
        raise NotFound("There is no such evidence.")
    read(kept)
    entry = recorded_entry(connection, kept)
    size = audit.size(connection)
    proof = tree.inclusion_proof(entry.index, size, audit.nodes(connection))
    return {
        "id": kept.id,
        "collector": kept.collector,
        "place": kept.place,
        "collectedAt": rfc3339(kept.collected_at),
        "document": parse_json(kept.body),
        "checks": list(store.checks_on(connection, kept.id)),
        "audit": {
            "eventId": entry.event_id,
            "index": entry.index,
            "leafHash": entry.leaf_hash.hex(),
            "treeSize": size,
            "inclusionProof": [node.hex() for node in proof],
            "checkpoint": audit.latest_checkpoint(connection),
        },
    }
