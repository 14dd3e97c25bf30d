"""Daily sampling: the newest piece of each day, and both sides of each change."""

from datetime import timedelta

from stronghouse.compliance.model import Sample
from stronghouse.compliance.selection import select_pieces
from stronghouse.compliance.store import Piece
from tests.support.control_plane import NOW


def piece(index: int, hours: int, *, owner: str | None = None, expired: bool = False) -> Piece:
    return Piece(f"{index}", owner, "disk", "control", NOW + timedelta(hours=hours), index, NOW if expired else None)


def test_newest_of_each_day_and_owner() -> None:
    pieces = [piece(1, 0), piece(2, 1), piece(3, 2, owner="a"), piece(4, 11), piece(5, 12), piece(6, 13)]
    assert select_pieces(pieces, Sample.DAILY, {}).chosen == {"3", "4", "6"}
    assert select_pieces(pieces, Sample.ALL, {}).chosen == {"1", "2", "3", "4", "5", "6"}


def test_both_sides_of_a_change() -> None:
    pieces = [piece(index, index // 10) for index in range(0, 60, 10)]
    changes = {("disk", "control"): [21], ("disk", "elsewhere"): [1, 31]}
    assert select_pieces(pieces, Sample.DAILY, changes).chosen == {"20", "30", "50"}


def test_change_before_the_first_and_behind_the_last_piece() -> None:
    pieces = [piece(10, 0), piece(20, 1), piece(30, 2)]
    assert select_pieces(pieces, Sample.DAILY, {("disk", "control"): [5, 31]}).chosen == {"10", "30"}


def test_expired_pieces_are_told_apart() -> None:
    found = select_pieces([piece(1, 0, expired=True), piece(2, 1)], Sample.ALL, {})
    assert (found.chosen, [one.id for one in found.expired], found.seen) == ({"2"}, ["1"], 2)
