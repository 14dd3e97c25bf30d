import dataclasses
import stat
from pathlib import Path

from stronghouse.app.supervisor_first_start import FirstStart
from stronghouse.app.supervisor_report import ControlReport
from stronghouse.kernel.secret import Secret

WITHOUT = ControlReport("org", "a@b", "pem", None, None, None, None)
WITH = dataclasses.replace(WITHOUT, login_url=Secret("link"), api_key_id=Secret("id"), api_key_secret=Secret("secret"))


def test_secrets_wait_in_a_private_file_until_they_were_shown(tmp_path: Path) -> None:
    key_file = tmp_path / "not-made-yet" / "machine.key"
    first = FirstStart(key_file, "org")
    assert first.complete(WITH) is WITH
    (kept,) = key_file.parent.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    again = FirstStart(key_file, "org").complete(WITHOUT)
    assert again.api_key_secret is not None
    assert again.api_key_secret.matches("secret")
    first.shown()
    assert not list(key_file.parent.iterdir())
    assert FirstStart(key_file, "org").complete(WITHOUT).api_key_secret is None


def test_secrets_of_another_installation_are_not_taken(tmp_path: Path) -> None:
    FirstStart(tmp_path / "machine.key", "org").complete(WITH)
    assert FirstStart(tmp_path / "machine.key", "other").complete(WITHOUT).api_key_secret is None


def test_file_that_others_could_have_written_is_not_trusted(tmp_path: Path) -> None:
    first = FirstStart(tmp_path / "machine.key", "org")
    first.complete(WITH)
    (kept,) = tmp_path.iterdir()
    kept.chmod(0o666)
    assert first.complete(WITHOUT).api_key_secret is None
