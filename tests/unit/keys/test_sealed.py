"""Sealed secrets open only under their own name and key, and their files show nothing."""

import stat
from pathlib import Path

import pytest

from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret
from stronghouse.keys.errors import KeyRefused
from stronghouse.keys.sealed import SealedStore


def test_secret_comes_back_after_a_restart_and_its_file_is_private_and_unreadable(tmp_path: Path) -> None:
    SealedStore(tmp_path / "sealed", tmp_path / "key").save("audit-key", Secret("geheim \u00fc"))
    found = SealedStore(tmp_path / "sealed", tmp_path / "key").load("audit-key")
    assert found is not None
    assert found.reveal() == "geheim \u00fc"
    (file,) = (tmp_path / "sealed").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"geheim" not in file.read_bytes()


def test_absent_secret_is_none(tmp_path: Path) -> None:
    assert SealedStore(tmp_path / "sealed", tmp_path / "key").load("nothing") is None


def test_file_put_under_another_name_does_not_open(tmp_path: Path) -> None:
    store = SealedStore(tmp_path / "sealed", tmp_path / "key")
    store.save("edge-ca", Secret("a"))
    (tmp_path / "sealed" / "edge-ca.sealed").rename(tmp_path / "sealed" / "agents-ca.sealed")
    with pytest.raises(KeyRefused):
        store.load("agents-ca")


def test_other_key_file_does_not_open_it(tmp_path: Path) -> None:
    SealedStore(tmp_path / "sealed", tmp_path / "key").save("edge-ca", Secret("a"))
    with pytest.raises(KeyRefused):
        SealedStore(tmp_path / "sealed", tmp_path / "other").load("edge-ca")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", ".hidden", "a.b", "x" * 64, "a\n"])
def test_names_that_could_leave_the_directory_are_refused(tmp_path: Path, name: str) -> None:
    store = SealedStore(tmp_path / "sealed", tmp_path / "key")
    with pytest.raises(Invalid):
        store.save(name, Secret("a"))
