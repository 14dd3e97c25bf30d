from pathlib import Path

import pytest

from stronghouse.settings import environment, locations


def test_children_get_no_secret_that_somebody_exported() -> None:
    given = {
        "PATH": "/bin",
        "HOME": "/h",
        "STRONGHOUSE_KEY_SECRET": "s",
        "AWS_SECRET_ACCESS_KEY": "s",
        "LD_PRELOAD": "x",
    }
    child = environment.child_environment(given)
    assert child["PATH"] == "/bin"
    assert "s" not in child.values()
    assert "LD_PRELOAD" not in child


def test_empty_variable_is_like_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGHOUSE_API_URL", "")
    assert environment.variable(environment.API_URL) is None


def test_secret_from_the_environment_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGHOUSE_KEY_SECRET", "sh_hidden")
    secret = environment.secret_variable(environment.KEY_SECRET)
    assert secret is not None
    assert "sh_hidden" not in repr(secret)
    assert secret.matches("sh_hidden")


def test_places_follow_the_base_directories_and_keep_the_key_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/var/s")
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", "/home/u")
    assert locations.state_directory() == Path("/var/s/stronghouse")
    assert locations.machine_key_file() == Path("/home/u/.config/stronghouse/machine.key")
    assert not locations.machine_key_file().is_relative_to(locations.state_directory())
