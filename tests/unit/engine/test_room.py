import os
from pathlib import Path

import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.room import LEFT_BYTES, NEEDED_BYTES, Room

FILE_SYSTEM_BLOCK = 4096


def disk_with(monkeypatch: pytest.MonkeyPatch, free: int, *, flags: int = 0) -> Room:
    blocks = free // FILE_SYSTEM_BLOCK
    # In the order of the manual page: the last but one are the flags, the fifth what others than root may use.
    answer = os.statvfs_result((FILE_SYSTEM_BLOCK, FILE_SYSTEM_BLOCK, 1 << 30, 1 << 20, blocks, 1, 1, 1, flags, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: answer)
    return Room(Path("/anywhere"))


def test_a_disk_with_space_takes_everything(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.need()
    room.check_left()


def test_nothing_begins_with_too_little_space(monkeypatch: pytest.MonkeyPatch) -> None:
    disk_with(monkeypatch, NEEDED_BYTES).need()
    with pytest.raises(DatabaseError) as refused:
        disk_with(monkeypatch, NEEDED_BYTES - FILE_SYSTEM_BLOCK).need()
    assert refused.value.number == 243


def test_nothing_is_done_when_no_space_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    disk_with(monkeypatch, LEFT_BYTES).check_left()
    with pytest.raises(DatabaseError) as refused:
        disk_with(monkeypatch, LEFT_BYTES - FILE_SYSTEM_BLOCK).check_left()
    assert refused.value.number == 243


def test_a_read_only_disk_is_told_from_a_full_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatabaseError) as refused:
        disk_with(monkeypatch, NEEDED_BYTES, flags=os.ST_RDONLY).need()
    assert refused.value.number == 76
    assert "read-only" in refused.value.public


def test_a_disk_that_is_gone_takes_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path / "absent")
    for ask in (room.need, room.check_left):
        with pytest.raises(DatabaseError) as refused:
            ask()
        assert refused.value.number == 76
