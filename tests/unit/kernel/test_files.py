"""Private files are private from birth and replaced whole."""

import stat
from pathlib import Path

import pytest

from stronghouse.kernel.files import create_private, is_private, private_directory, write_private


def test_a_file_is_private_and_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_private(path, b"one")
    before = path.stat().st_ino
    write_private(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_ino != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert is_private(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]


def test_create_does_not_replace(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert create_private(path, b"first")
    assert not create_private(path, b"second")
    assert path.read_bytes() == b"first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


def test_a_link_in_place_of_the_temporary_file_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    monkeypatch.setattr("os.getpid", lambda: 1)
    (tmp_path / ".state.1.new").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"):
        write_private(tmp_path / "state", b"x")
    assert victim.read_text() == "untouched"


def test_readable_by_others_is_not_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_private(path, b"x", mode=0o640)
    assert not is_private(path)


def test_a_directory_is_closed_to_others_even_if_it_was_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert stat.S_IMODE(private_directory(tmp_path).stat().st_mode) == 0o700
