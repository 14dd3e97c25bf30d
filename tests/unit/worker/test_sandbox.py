import os
from pathlib import Path

import pytest

from stronghouse.worker import landlock, sandbox
from stronghouse.worker.sandbox import SandboxError, allowed, confine
from stronghouse.worker.specification import Launch


def launch(directory: Path, uid: int | None = 70_000) -> Launch:
    return Launch("m", str(directory), uid, 3, None, 1)


@pytest.fixture(autouse=True)
def harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may confine the test's own process."""
    for name in ("become", "drop_capabilities", "limit_resources", "load_filter"):
        monkeypatch.setattr(sandbox, name, lambda *_, **__: None)
    monkeypatch.setattr(landlock, "restrict", lambda *_, **__: None)
    monkeypatch.setattr(os, "umask", lambda _: 0o022)


def test_a_capability_to_pass_directories_is_given_with_landlock_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sandbox, "others_may_read", lambda _: False)
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    with pytest.raises(SandboxError, match="without Landlock"):
        confine(launch(tmp_path))
    kept: list[bool] = []
    monkeypatch.setattr(landlock, "abi", lambda: 7)
    monkeypatch.setattr(sandbox, "become", lambda _, *, read_search: kept.append(read_search))
    confine(launch(tmp_path))
    monkeypatch.setattr(sandbox, "others_may_read", lambda _: True)
    monkeypatch.setattr(sandbox, "others_may_pass", lambda _: True)
    confine(launch(tmp_path))
    assert kept == [True, False]


def test_only_root_can_change_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SandboxError, match="only root"):
        confine(launch(tmp_path))


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ImportError

    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(sandbox, "load_filter", missing)
    report = confine(launch(tmp_path, uid=None))
    assert report.missing == ("Landlock", "seccomp", "separate user")
    assert (report.landlock_abi, report.seccomp, report.separate_uid) == (0, False, False)


def test_only_the_services_own_directory_can_be_written_and_only_python_run(tmp_path: Path) -> None:
    rules = allowed(tmp_path, 7)
    writable = {rule.path for rule in rules if rule.rights & ~(landlock.READ | landlock.EXECUTE)}
    assert writable == {tmp_path, Path("/dev/null")}
    runnable = {rule.path for rule in rules if rule.rights & landlock.EXECUTE}
    assert all(path.is_file() for path in runnable)
    assert len(runnable) in {1, 2}
    assert not [rule for rule in rules if rule.path in {Path("/"), Path("/etc"), Path("/proc"), Path("/tmp")}]
