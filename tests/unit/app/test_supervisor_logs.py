import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stronghouse.app.supervisor_logs import MAX_LINE_BYTES, ProcessLog, RotatingLog
from stronghouse.kernel.clock import FixedClock

CLOCK = FixedClock(datetime(2026, 11, 23, tzinfo=UTC))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.log"


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_line_is_json_whatever_a_process_writes_and_however_it_is_cut(path: Path) -> None:
    log = ProcessLog("agent", RotatingLog(path), CLOCK)
    said = b'{"event":"one"}\nTraceback (most recent call last):\n\xff\xfe not text\n[1, 2]\nno end of line'
    for index in range(len(said)):
        log.feed(said[index : index + 1])
    log.end()
    events = lines(path)
    assert events[0] == {"event": "one"}
    texts = [event["text"] for event in events[1:]]
    assert texts == [
        "Traceback (most recent call last):",
        "\N{REPLACEMENT CHARACTER}" * 2 + " not text",
        "[1, 2]",
        "no end of line",
    ]
    assert all(event["process"] == "agent" for event in events[1:])


def test_line_without_end_is_written_before_it_fills_the_memory(path: Path) -> None:
    log = ProcessLog("agent", RotatingLog(path), CLOCK)
    for _ in range(3):
        log.feed(b"x" * MAX_LINE_BYTES)
    assert len(lines(path)) >= 1


def test_files_are_private_and_their_total_size_is_bounded(path: Path) -> None:
    log = RotatingLog(path, max_bytes=1000, kept=3)
    for number in range(500):
        log.write(f'{{"number":{number:>40}}}\n'.encode())
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["agent.log", "agent.log.1", "agent.log.2", "agent.log.3"]
    assert all(file.stat().st_size <= 1000 for file in files)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert '"number":                                     499' in path.read_text()


def test_reopened_file_goes_on_where_it_was(path: Path) -> None:
    RotatingLog(path, max_bytes=100).write(b"a" * 60)
    RotatingLog(path, max_bytes=100).write(b"b" * 60)
    assert path.read_bytes() == b"b" * 60
    assert path.with_name("agent.log.1").read_bytes() == b"a" * 60


def test_link_in_place_of_a_log_is_not_followed(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))
    with pytest.raises(OSError, match="symbolic links"):
        RotatingLog(path)


def test_last_words_are_those_of_the_newest_process(path: Path) -> None:
    log = ProcessLog("agent", RotatingLog(path), CLOCK)
    log.feed(b"Error: the key file is exposed\n")
    assert log.last_words() == "the key file is exposed"
    log.forget()
    assert log.last_words() == ""
