"""Key files are private from birth, made once, and refused in any other state."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stronghouse.keys.errors import KeyFileUnusable
from stronghouse.keys.key_file import load_or_create_keys
from stronghouse.keys.local import LocalKms


def test_absent_file_is_made_private_and_then_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "machine.key"
    (key,) = load_or_create_keys(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_keys(path) == [key]
    assert len(key) == 32


def test_existing_parent_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    load_or_create_keys(tmp_path / "machine.key")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_file_that_others_can_reach_is_refused_with_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "machine.key"
    load_or_create_keys(path)
    path.chmod(mode)
    with pytest.raises(KeyFileUnusable, match=f"{mode:04o}") as caught:
        load_or_create_keys(path)
    assert caught.value.code == KeyFileUnusable.EXPOSED


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_file_of_someone_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "machine.key"
    load_or_create_keys(path)
    os.chown(path, 12345, 12345)
    with pytest.raises(KeyFileUnusable, match="12345"):
        load_or_create_keys(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 32,
        b"stronghouse-key-file-1\n",
        b"stronghouse-key-file-1\n" + base64.b64encode(bytes(31)) + b"\n",
        b"stronghouse-key-file-1\n!!!!\n",
        b"stronghouse-key-file-2\n" + base64.b64encode(bytes(32)) + b"\n",
        b"\xff\xfe\n",
    ],
)
def test_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "machine.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileUnusable) as caught:
        load_or_create_keys(path)
    assert caught.value.code == KeyFileUnusable.MALFORMED
    assert path.read_bytes() == content


def test_directory_pipe_and_dangling_link_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "link"):
        with pytest.raises(KeyFileUnusable) as caught:
            load_or_create_keys(path)
        assert caught.value.code == KeyFileUnusable.UNREADABLE


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only makes the file and ends
def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "machine.key"
    for child in range(6):
        if os.fork() == 0:
            try:
                (tmp_path / f"seen{child}").write_bytes(load_or_create_keys(path)[0])
            finally:
                os._exit(0)
    for _ in range(6):
        os.wait()
    keys = [(tmp_path / f"seen{child}").read_bytes() for child in range(6)]
    assert len(set(keys)) == 1


def test_appended_key_wraps_and_the_old_one_still_opens(tmp_path: Path) -> None:
    path = tmp_path / "machine.key"
    before = LocalKms(path)
    blob = before.wrap(b"x" * 32, context={})
    with path.open("a") as file:
        file.write(base64.b64encode(b"n" * 32).decode() + "\n")
    after = LocalKms(path)
    assert after.key_id != before.key_id
    assert after.unwrap(blob, context={}) == b"x" * 32
    with ThreadPoolExecutor(2) as pool:  # and one instance serves several threads
        assert len(set(pool.map(lambda _: after.wrap(b"x" * 32, context={}), range(50)))) == 50
