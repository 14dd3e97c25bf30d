"""Inclusion proofs for many leaves of the audit log under one signed head."""

import json
from functools import lru_cache
from typing import TextIO

from sqlalchemy import Connection

from stronghouse.audit import store as audit
from stronghouse.audit import tree
from stronghouse.compliance.verifier import encoded
from stronghouse.kernel.errors import Conflict

CACHED_NODES = 65_536


class Prover:
    """Proves leaves under the newest head of a snapshot. Neighbours share most of their path, so nodes are cached.

    Raises:
        Conflict: the log is empty.
    """

    def __init__(self, connection: Connection) -> None:
        note = audit.latest_checkpoint(connection)
        if note is None:
            raise Conflict("Nothing was recorded yet, so there is nothing to hand over.", code="nothing_recorded")
        self.note = note
        self.size = audit.size(connection)
        self._nodes = lru_cache(maxsize=CACHED_NODES)(audit.nodes(connection))

    def path(self, index: int) -> list[bytes]:
        """The audit path of a leaf, nearest sibling first."""
        return tree.inclusion_proof(index, self.size, self._nodes)

    def write(self, file: TextIO, *, index: int, leaf: str, evidence: str | None = None) -> None:
        """Write an event with its proof as one line of JSON."""
        line: dict[str, object] = {"index": index, "leaf": leaf, "proof": [encoded(node) for node in self.path(index)]}
        if evidence is not None:
            line["evidence"] = evidence
        file.write(json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n")

    def since(self, older: int) -> list[bytes]:
        """Proof that the log of `older` entries is the beginning of this one."""
        return tree.consistency_proof(older, self.size, self._nodes)
