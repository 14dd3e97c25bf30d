"""Which evidence of a period goes into a package."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stronghouse.compliance.model import Sample
from stronghouse.compliance.store import Piece


@dataclass
class Selection:
    """The ids of what was chosen, and what expired meanwhile. Holds no bodies."""

    chosen: set[str] = field(default_factory=set)
    expired: list[Piece] = field(default_factory=list)
    seen: int = 0


def select_pieces(pieces: Iterable[Piece], sample: Sample, changes: Mapping[tuple[str, str], list[int]]) -> Selection:
    """Choose among `pieces`, which come in the order of the audit log.

    Args:
        pieces: all evidence of the period.
        sample: all of it, or the newest of each collector, place, owner and UTC day with what surrounds each change.
        changes: for a collector and a place the indexes of the events that a check's state changed, ascending.
    """
    found = Selection()
    newest: dict[tuple[str, str, str | None, str], str] = {}
    last: dict[tuple[str, str, str | None], Piece] = {}
    for piece in pieces:
        found.seen += 1
        if piece.expired_at is not None:
            found.expired.append(piece)
            continue
        if sample is Sample.ALL:
            found.chosen.add(piece.id)
            continue
        stream = (piece.collector, piece.place, piece.organization_id)
        newest[*stream, piece.collected_at.date().isoformat()] = piece.id
        before = last.get(stream)
        indexes = changes.get((piece.collector, piece.place), [])
        # A change is recorded behind the evidence that caused it: that one, and the next, show both sides.
        at = bisect_left(indexes, before.audit_index if before else -1)
        if at < len(indexes) and indexes[at] < piece.audit_index:
            found.chosen |= {piece.id} | ({before.id} if before else set())
        last[stream] = piece
    for (collector, place, _), piece in last.items():
        indexes = changes.get((collector, place), [])
        if indexes and indexes[-1] > piece.audit_index:
            found.chosen.add(piece.id)
    found.chosen.update(newest.values())
    return found
