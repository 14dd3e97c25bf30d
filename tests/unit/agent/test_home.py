"""A service's directory on disk: the order of its steps, and what a cut between two of them leaves."""

import base64
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from stronghouse.agent import home as home_module
from stronghouse.agent.home import USERS, ServiceHome, free_user
from stronghouse.kernel.errors import Conflict, Unavailable
from stronghouse.keys.data_keys import open_data_key
from stronghouse.keys.local import LocalKms

SERVICE = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def kms(tmp_path: Path) -> LocalKms:
    return LocalKms(tmp_path / "machine.key")


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    made = tmp_path / "services"
    made.mkdir()
    return made


class SilentKms(LocalKms):
    """Its service is away."""

    def wrap(self, _plaintext: bytes, *, context: Mapping[str, str]) -> bytes:
        """Never answers."""
        raise Unavailable("The key management does not answer.", detail=str(context))


def test_without_a_key_there_is_no_data_directory(parent: Path, tmp_path: Path) -> None:
    home = ServiceHome(parent, SERVICE)
    with pytest.raises(Unavailable):
        home.create(SilentKms(tmp_path / "machine.key"), slot=0)
    assert not home.data.exists()
    assert not home.wrapped_key.exists()


def test_making_it_again_keeps_the_key(parent: Path, kms: LocalKms) -> None:
    first = ServiceHome(parent, SERVICE).create(kms, slot=0)
    again = ServiceHome(parent, SERVICE).create(kms, slot=0)
    assert (again.blob, again.fingerprint) == (first.blob, first.fingerprint)


def test_files_are_private_and_hold_no_plaintext_key(parent: Path, kms: LocalKms) -> None:
    home = ServiceHome(parent, SERVICE)
    key = open_data_key(kms, home.create(kms, slot=0), service_id=SERVICE)
    for file in home.directory.iterdir():
        if file.is_file():
            assert file.stat().st_mode & 0o077 == 0
            content = file.read_bytes()
            assert not any(form in content for form in (key, key.hex().encode(), base64.b64encode(key)))
    assert home.data.stat().st_mode & 0o777 == 0o700


def test_the_data_belongs_to_a_user_of_its_own_where_we_may_give_it_away(parent: Path, kms: LocalKms) -> None:
    one, two = ServiceHome(parent, SERVICE), ServiceHome(parent, SERVICE.replace("1", "2"))
    one.create(kms, slot=0)
    two.create(kms, slot=1)
    users = [one.record.user_id, two.record.user_id]
    if os.geteuid() == 0:
        assert users == [one.data.stat().st_uid, two.data.stat().st_uid]
        assert len({*users, 0}) == 3
    else:
        assert users == [None, None]
    (one.directory / "service.json").unlink()
    assert ServiceHome(parent, SERVICE).record.user_id == one.record.user_id


def test_the_key_is_destroyed_before_the_data(parent: Path, kms: LocalKms, monkeypatch: pytest.MonkeyPatch) -> None:
    home = ServiceHome(parent, SERVICE)
    home.create(kms, slot=0)
    (home.data / "part").write_bytes(b"x")

    def cut_off(_path: Path) -> None:
        raise OSError("cut off")

    monkeypatch.setattr(shutil, "rmtree", cut_off)
    with pytest.raises(OSError, match="cut off"):
        home.destroy()
    assert not home.wrapped_key.exists()
    assert (home.data / "part").exists()
    monkeypatch.undo()
    again = ServiceHome(parent, SERVICE)
    with pytest.raises(Conflict):
        again.create(kms, slot=0)
    again.destroy()
    again.destroy()
    assert not again.data.exists()
    again.forget()
    assert not again.directory.exists()


def test_the_wrapped_key_is_overwritten_in_place(parent: Path, kms: LocalKms) -> None:
    home = ServiceHome(parent, SERVICE)
    blob = home.create(kms, slot=0).blob
    with home.wrapped_key.open("rb") as still_open:
        home.destroy()
        assert base64.b64encode(blob) not in still_open.read()


def test_what_was_not_deleted_is_never_forgotten(parent: Path, kms: LocalKms) -> None:
    home = ServiceHome(parent, SERVICE)
    home.create(kms, slot=0)
    home.forget()
    assert home.wrapped_key.exists()


def test_a_taken_user_is_not_given_twice() -> None:
    first = free_user(SERVICE, [])
    assert free_user(SERVICE, [first]) != first
    everyone_else = {home_module.FIRST_USER + step for step in range(USERS)} - {first}
    assert free_user(SERVICE, everyone_else) == first
