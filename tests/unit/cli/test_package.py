import stat
from pathlib import Path

import pytest

from stronghouse.audit.checkpoint import verifier_key
from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli


@pytest.fixture
def at_once(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages are made as soon as somebody asks, as the control plane's thread would."""
    monkeypatch.setattr(plane.control.packages, "wake", plane.control.packages.run_due)


def key(plane: Plane) -> str:
    signer = plane.control.audit.signer
    return verifier_key(signer.origin, signer.public_key)


def test_package_is_made_downloaded_and_verified(cli: Cli, plane: Plane, at_once: None, tmp_path: Path) -> None:
    out = tmp_path / "package.zip"
    shown = cli("package", "create", "--from", "2026-11-01", "--out", str(out))
    assert shown.err == f"Saved to {out}.\n"
    assert "2026-11-01 00:00:00 UTC" in shown.out
    made = cli("package", "list", "--json").json[0]
    assert made["state"] == "ready"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    verified = cli("package", "verify", str(out), "--key", key(plane), "--json").json
    assert (verified["verified"], verified["package"]) == (True, made["id"])
    shown = cli("package", "verify", str(out), "--key", key(plane))
    assert shown.out.startswith("Verified: ")
    again = tmp_path / "again.zip"
    assert cli("package", "download", made["id"], "--out", str(again), "--json").json["sha256"] == made["sha256"]
    assert again.read_bytes() == out.read_bytes()
    assert cli("package", "download", made["id"], "--out", str(again)).code == 1
    assert cli("package", "delete", made["id"], "--json").json == {"deleted": made["id"]}
    missing = tmp_path / "missing.zip"
    assert cli("package", "download", made["id"], "--out", str(missing)).code == 1
    assert not missing.exists()


def test_changed_package_is_refused_in_one_sentence(cli: Cli, plane: Plane, at_once: None, tmp_path: Path) -> None:
    out = tmp_path / "package.zip"
    assert cli("package", "create", "--from", "2026-11-01", "--out", str(out)).code == 0
    content = bytearray(out.read_bytes())
    content[len(content) // 2] ^= 1
    out.write_bytes(bytes(content))
    result = cli("package", "verify", str(out), "--key", key(plane))
    assert result.code == 1
    assert result.out == ""
    assert result.err.startswith("Error: Not verified: ")
    assert result.err.count("\n") == 1


def test_verifying_asks_for_a_key_from_elsewhere(cli: Cli, plane: Plane, at_once: None, tmp_path: Path) -> None:
    out = tmp_path / "package.zip"
    assert cli("package", "create", "--from", "2026-11-01", "--out", str(out)).code == 0
    refused = cli("package", "verify", str(out))
    assert refused.code == 1
    assert "--trust-package-key" in refused.err
    trusting = cli("package", "verify", str(out), "--trust-package-key")
    assert trusting.code == 0
    assert "not whose log" in trusting.out
    assert cli("package", "verify", str(tmp_path / "none.zip"), "--trust-package-key").code == 1


def test_failed_package_says_why(cli: Cli, plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane.control.packages, "wake", plane.control.packages.recover)
    result = cli("package", "create", "--from", "2026-11-01")
    assert result.code == 1
    assert "ask for it again" in result.err


def test_package_that_was_not_saved_says_how_and_a_period_is_checked_first(
    cli: Cli, plane: Plane, at_once: None
) -> None:
    assert "stronghouse package download" in cli("package", "create", "--from", "2026-11-01").err
    wrong = cli("package", "create", "--from", "last week")
    assert (wrong.code, wrong.err.count("\n"), "--from takes a time or a date" in wrong.err) == (1, 1, True)
    assert len(cli("package", "list", "--json").json) == 1
