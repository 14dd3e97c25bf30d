import io
import json
import stat

import pytest

from stronghouse.cli.credentials import credentials_file
from tests.support.control_plane import Plane
from tests.unit.cli.conftest import URL, Cli, through


@pytest.fixture
def key(plane: Plane, organization_id: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    through(plane, monkeypatch)
    return plane.admin(organization_id)


def log_in(run: Cli, key: tuple[str, str], monkeypatch: pytest.MonkeyPatch, secret: str | None = None):  # type: ignore[no-untyped-def]  # noqa: ANN201
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{key[1] if secret is None else secret}\n"))
    return run("auth", "login", "--url", URL, "--key-id", key[0])


def test_key_is_tried_then_kept_privately_and_forgotten_on_request(
    run: Cli, key: tuple[str, str], monkeypatch: pytest.MonkeyPatch, organization_id: str
) -> None:
    assert log_in(run, key, monkeypatch).code == 0
    assert stat.S_IMODE(credentials_file().stat().st_mode) == 0o600
    assert run("auth", "whoami", "--json").json["organizationId"] == organization_id
    assert run("org", "list", "--json").json[0]["id"] == organization_id
    assert run("auth", "logout").code == 0
    result = run("auth", "whoami")
    assert result.code == 4
    assert "stronghouse auth login" in result.err


def test_key_that_does_not_hold_is_not_kept(run: Cli, key: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert log_in(run, key, monkeypatch, secret="wrong").code == 4
    assert log_in(run, key, monkeypatch, secret="").code == 1
    assert not credentials_file().exists()


def test_credentials_that_others_can_read_are_refused(
    run: Cli, key: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(run, key, monkeypatch)
    credentials_file().chmod(0o644)
    result = run("auth", "whoami")
    assert result.code == 1
    assert "can be read by other users" in result.err


def test_key_never_goes_over_plain_http(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("API_URL", "http://localhost:8440"), ("KEY_ID", "i"), ("KEY_SECRET", "s")):
        monkeypatch.setenv(f"STRONGHOUSE_{name}", value)
    result = run("org", "list")
    assert result.code == 1
    assert "not an https URL" in result.err


def test_environment_goes_before_what_is_stored(
    run: Cli, key: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(run, key, monkeypatch)
    monkeypatch.setenv("STRONGHOUSE_KEY_SECRET", "wrong")
    assert run("auth", "whoami").code == 4
    assert json.loads(credentials_file().read_text())["key_secret"] == key[1]
