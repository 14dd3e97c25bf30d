"""An installation stays with the back end and the database that it began in, and its password stays out of sight."""

from pathlib import Path

import pytest

from stronghouse.app.control_database import (
    DATABASE_URL,
    MARKER,
    PASSWORD_FILE,
    ControlDatabase,
    database_address,
    describe_database,
    open_database,
)
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import Conflict, Invalid
from stronghouse.storage.database import Database
from tests.support.control_plane import NOW
from tests.support.databases import migrated_database
from tests.unit.audit.conftest import DoorOpened

URL = "postgresql://stronghouse@/stronghouse?host=/nowhere"
PASSWORD = "hunter2 hunter2"
OWN = Ed25519Signer("stronghouse.own", bytes(range(32)))
OTHER = Ed25519Signer("stronghouse.other", bytes(range(32)))


def password_file(tmp_path: Path, content: bytes = PASSWORD.encode() + b"\n", mode: int = 0o600) -> Path:
    path = tmp_path / "password"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_without_a_setting_the_database_is_a_file_in_the_state_directory(tmp_path: Path) -> None:
    opened = open_database(tmp_path)
    assert (opened.database.file, opened.begun) == (tmp_path / "control.db", False)
    (tmp_path / "control.db").touch()
    assert open_database(tmp_path).begun
    told, problem = describe_database(tmp_path)
    assert told.startswith("SQLite 3.")
    assert problem is None


def test_a_url_and_a_file_with_the_password_name_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_URL, URL)
    monkeypatch.setenv(PASSWORD_FILE, str(password_file(tmp_path)))
    address = database_address()
    assert address is not None
    assert address.password is not None
    assert address.password.matches(PASSWORD)
    assert PASSWORD not in repr(address)


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        (b"x", 0o640),
        (b"x", 0o604),
        (b"", 0o600),
        (b"\n", 0o600),
        (b"a\nb\n", 0o600),
        (b"\xff", 0o600),
        (b"x" * 2000, 0o600),
    ],
)
def test_a_password_file_that_others_reach_or_that_holds_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, mode: int
) -> None:
    monkeypatch.setenv(DATABASE_URL, URL)
    monkeypatch.setenv(PASSWORD_FILE, str(password_file(tmp_path, content, mode)))
    with pytest.raises(Invalid, match=PASSWORD_FILE):
        database_address()


def test_a_password_without_a_url_or_no_file_at_all_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_FILE, str(tmp_path / "nothing"))
    with pytest.raises(Invalid, match=DATABASE_URL):
        database_address()
    monkeypatch.setenv(DATABASE_URL, URL)
    with pytest.raises(Invalid, match="No such file"):
        database_address()
    monkeypatch.setenv(PASSWORD_FILE, str(tmp_path))
    with pytest.raises(Invalid, match="nobody else may reach it"):
        database_address()


def test_an_installation_does_not_change_its_back_end_by_a_slip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / MARKER).write_text("PostgreSQL database one at db:5432\n")
    with pytest.raises(Conflict, match="PostgreSQL database one at db:5432"):
        open_database(tmp_path)
    told, problem = describe_database(tmp_path)
    assert told == "not usable"
    assert DATABASE_URL in (problem or "")
    (tmp_path / MARKER).unlink()
    (tmp_path / "control.db").touch()
    monkeypatch.setenv(DATABASE_URL, URL)
    with pytest.raises(Conflict, match="cannot move"):
        open_database(tmp_path)


def test_a_server_that_does_not_answer_is_told_by_the_doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_URL, URL)
    told, problem = describe_database(tmp_path)
    assert told == "PostgreSQL database stronghouse at /nowhere"
    assert "/nowhere" in (problem or "")
    assert not (tmp_path / MARKER).exists()


def opened(database: Database, directory: Path, *, begun: bool) -> ControlDatabase:
    return ControlDatabase(database, directory, begun=begun)


def test_the_log_of_another_installation_is_refused(back_end: str, tmp_path: Path) -> None:
    database = migrated_database(tmp_path / "control.db")
    opened(database, tmp_path, begun=False).require_own_log(OWN)
    log = AuditLog(database, OWN, FixedClock(NOW))
    with log.unit_of_work(Context(SYSTEM)) as uow:
        uow.record(DoorOpened(organization_id=None, door="front"))
    opened(database, tmp_path, begun=True).require_own_log(OWN)
    opened(database, tmp_path, begun=False).require_own_log(OWN)  # a crash came before the note of it
    with pytest.raises(Conflict, match="another installation"):
        opened(database, tmp_path, begun=True).require_own_log(OTHER)
    database.close()


def test_an_empty_database_in_place_of_the_installations_own_is_refused(back_end: str, tmp_path: Path) -> None:
    database = migrated_database(tmp_path / "control.db")
    begun = opened(database, tmp_path, begun=True)
    if database.file is not None:
        begun.require_own_log(OWN)  # the first start made the file and went no further
        begun.remember()
        assert not (tmp_path / MARKER).exists()
    else:
        with pytest.raises(Conflict, match="is empty"):
            begun.require_own_log(OWN)
        opened(database, tmp_path, begun=False).remember()
        assert database.place in (tmp_path / MARKER).read_text()
    database.close()
