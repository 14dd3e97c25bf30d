import errno
import json
import os
import queue
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.logs.journal import FLUSH_SECONDS, HEADER, Journal
from tests.unit.engine.logs.test_records import query, session

KEY = bytes(range(32))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal", KEY, "service")
    yield journal
    journal.close()


def filled(directory: Path, *, count: int = 3, key: bytes = KEY, service: str = "service") -> Path:
    """The file of a segment that another process left, with records `0` … and its last frame."""
    journal = Journal(directory, key, service)
    for number in range(count):
        journal.append(query(query=str(number)))
    journal.close()
    (segment,) = journal.segments()
    return segment.path


def queries(journal: Journal) -> list[str]:
    found = []
    for segment in journal.segments():
        contents = journal.read(segment)
        assert not contents.damaged
        found += [json.loads(record[1:])[11] for record in contents.records]
    return found


def frames(path: Path) -> list[bytes]:
    content, found = path.read_bytes().removeprefix(HEADER), []
    while content:
        end = 4 + int.from_bytes(content[:4], "little")
        found.append(content[:end])
        content = content[end:]
    return found


def test_records_come_back_in_order(journal: Journal) -> None:
    for number in range(5):
        journal.append(query(query=str(number)))
        if number == 2:
            journal.rotate()
    assert journal.segments()[0].frames == 3
    journal.rotate()
    assert queries(journal) == ["0", "1", "2", "3", "4"]


def test_a_record_is_in_the_file_when_append_returns(journal: Journal, tmp_path: Path) -> None:
    journal.append(query(query="canary"))
    (file,) = (tmp_path / "journal").iterdir()
    left = Journal(tmp_path / "journal", KEY, "service")  # as another process after a kill sees it
    assert queries(left) == ["canary"]
    assert b"canary" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    left.close()


def test_the_disk_is_asked_to_keep_a_record_soon_after_it_was_written(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept: queue.Queue[int] = queue.Queue()
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: kept.put(os.fstat(descriptor).st_size))
    for number in range(10):
        journal.append(query(query=str(number)))
    (file,) = (tmp_path / "journal").iterdir()
    while kept.get(timeout=1) < file.stat().st_size:
        pass
    assert FLUSH_SECONDS <= 0.1 / 2


def test_a_disk_that_does_not_keep_a_record_is_told_of(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    called = threading.Event()

    def fdatasync(_: int) -> None:
        called.set()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    journal.append(query())
    assert called.wait(1)
    journal.close()
    assert journal.flush_failure == os.strerror(errno.EIO)


def test_a_long_segment_is_closed_and_another_begun(tmp_path: Path) -> None:
    journal = Journal(tmp_path, KEY, "service", segment_bytes=500)
    for number in range(20):
        journal.append(query(query=str(number)))
    assert len(journal.segments()) > 3
    journal.close()
    assert queries(journal) == [str(number) for number in range(20)]


def test_records_of_many_threads_are_all_there(journal: Journal) -> None:
    def append(name: int) -> None:
        for number in range(50):
            journal.append(query(query=f"{name}-{number}"))

    threads = [threading.Thread(target=append, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.rotate()
    found = queries(journal)
    assert sorted(found) == sorted(f"{name}-{number}" for name in range(8) for number in range(50))
    own = [each for each in found if each.startswith("3-")]
    assert own == [f"3-{number}" for number in range(50)]


@pytest.mark.parametrize("missing", [1, 3, 20, 60])
def test_an_end_that_a_killed_worker_did_not_write_is_no_damage(tmp_path: Path, missing: int) -> None:
    path = filled(tmp_path)
    last = len(frames(path)[-1])
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - last - missing)
    journal = Journal(tmp_path, KEY, "service")
    assert queries(journal) == ["0", "1"]
    journal.close()


def test_zeros_after_a_power_cut_are_no_damage(tmp_path: Path) -> None:
    path = filled(tmp_path)
    whole = frames(path)
    path.write_bytes(HEADER + b"".join(whole[:2]) + bytes(5000))
    journal = Journal(tmp_path, KEY, "service")
    assert queries(journal) == ["0", "1"]
    journal.close()


@pytest.mark.parametrize("order", [[0, 2, 3], [1, 0, 2, 3], [0, 0, 1, 2, 3], [1, 2, 3], [0, 1, 2, 3, 0]])
def test_frames_that_were_dropped_or_moved_are_damage(tmp_path: Path, order: list[int]) -> None:
    path = filled(tmp_path)
    whole = frames(path)
    path.write_bytes(HEADER + b"".join(whole[place] for place in order))
    journal = Journal(tmp_path, KEY, "service")
    assert journal.read(journal.segments()[0]).damaged
    journal.close()


def test_a_changed_bit_is_damage_wherever_it_is_in_a_frame(tmp_path: Path) -> None:
    path = filled(tmp_path)
    content = path.read_bytes()
    journal = Journal(tmp_path, KEY, "service")
    (segment,) = journal.segments()
    for place in range(len(HEADER) + 4, len(HEADER) + len(frames(path)[0]), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        contents = journal.read(segment)
        assert contents.damaged
        assert contents.records == ()
    journal.close()


def test_frames_of_another_segment_key_or_service_do_not_open(tmp_path: Path) -> None:
    path = filled(tmp_path / "one")
    other = filled(tmp_path / "two")
    path.write_bytes(other.read_bytes())
    for key, service in ((KEY, "service"), (bytes(32), "service"), (KEY, "other")):
        journal = Journal(tmp_path / "one", key, service)
        assert journal.read(journal.segments()[0]).damaged
        journal.close()
    for key, service in ((bytes(32), "service"), (KEY, "other")):
        journal = Journal(tmp_path / "two", key, service)
        assert journal.read(journal.segments()[0]).damaged
        journal.close()


def test_a_segment_of_this_process_that_lost_its_end_is_damaged(journal: Journal) -> None:
    for number in range(3):
        journal.append(query(query=str(number)))
    journal.rotate()
    (segment,) = journal.segments()
    whole = frames(segment.path)
    segment.path.write_bytes(HEADER + b"".join(whole[:2]))
    contents = journal.read(segment)
    assert contents.damaged
    assert len(contents.records) == 2


def test_without_space_the_query_is_refused_and_records_before_it_stay(tmp_path: Path) -> None:
    journal = Journal(tmp_path, KEY, "service")
    journal.append(query(query="before"))
    (file,) = tmp_path.iterdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 50, hard))
        with pytest.raises(DatabaseError) as caught:
            journal.append(query(query="lost"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (caught.value.number, caught.value.name) == (243, "NOT_ENOUGH_SPACE")
    journal.append(query(query="after"))
    journal.close()
    assert queries(journal) == ["before", "after"]


def test_a_journal_whose_tables_take_nothing_does_not_grow_for_ever(tmp_path: Path) -> None:
    journal = Journal(tmp_path, KEY, "service", capacity_bytes=2000)
    with pytest.raises(DatabaseError, match="243"):
        for _ in range(50):
            journal.append(query(query="x"))
    journal.rotate()
    for segment in journal.segments():
        journal.remove(segment)
    assert journal.waiting_bytes == 0
    journal.append(query(query="y"))
    journal.close()


def test_a_write_that_fails_otherwise_is_an_error_of_its_own(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        with pytest.raises(DatabaseError, match="75"):
            journal.append(query())
    journal.append(query(query="after"))
    journal.rotate()
    assert queries(journal) == ["after"]


def test_what_is_moved_is_forgotten_and_what_is_damaged_is_kept(journal: Journal, tmp_path: Path) -> None:
    journal.append(query())
    journal.rotate()
    journal.append(session())
    journal.rotate()
    first, second = journal.segments()
    journal.remove(first)
    journal.remove(second, damaged=True)
    assert journal.segments() == ()
    assert journal.damaged_segments() == 1
    assert [path.name for path in (tmp_path / "journal").iterdir()] == [f"{second.name}.damaged"]


def test_nothing_is_taken_after_the_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path, KEY, "service")
    journal.close()
    with pytest.raises(DatabaseError, match="236"):
        journal.append(query())


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x")
    (tmp_path / f"{0:032x}.segment").symlink_to(tmp_path / "elsewhere")
    journal = Journal(tmp_path, KEY, "service")
    assert journal.segments() == ()
    journal.close()
