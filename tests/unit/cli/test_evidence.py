"""`stronghouse evidence`: shown, saved so that its hash can be computed, refused when it is not what was asked for."""

import hashlib
import stat
from pathlib import Path

import pytest

from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli
from tests.unit.responsibility.findings.looks import Scene


@pytest.fixture
def evidence_id(cli: Cli, plane: Plane, organization_id: str) -> str:
    Scene(plane.control.audit, plane.clock, organization_id, "").look(a="F")
    rows = cli("matrix", "--json").json["rows"]
    checks = [check for row in rows for control in row["controls"] for check in control["checks"]]
    results = [result for check in checks for place in check["places"] for result in place["results"]]
    (found,) = {result["evidenceId"] for result in results}
    return str(found)


def test_evidence_is_shown_with_its_place_in_the_audit_log(cli: Cli, evidence_id: str) -> None:
    shown = cli("evidence", evidence_id)
    assert shown.code == 0, shown.err
    document = cli("evidence", evidence_id.upper(), "--json").json
    for word in ("disk_encryption", "region/local", "2026-11-23 12:00:00 UTC", "rest_files_encrypted"):
        assert word in shown.out
    assert f"{document['audit']['index']} of {document['audit']['treeSize']}" in shown.out


def test_saved_evidence_has_its_id_as_hash_and_overwrites_nothing(cli: Cli, evidence_id: str, tmp_path: Path) -> None:
    out = tmp_path / "evidence.json"
    saved = cli("evidence", evidence_id, "--out", str(out))
    assert (saved.code, "Saved as" in saved.err) == (0, True)
    assert hashlib.sha256(out.read_bytes()).hexdigest() == evidence_id
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    again = cli("evidence", evidence_id, "--out", str(out))
    assert (again.code, "exists already" in again.err) == (1, True)
    assert cli("evidence", evidence_id, "--out", str(tmp_path / "no" / "where")).code == 1


def test_what_is_no_evidence_is_one_sentence(cli: Cli) -> None:
    for wrong, words in (("../keys", "64 hexadecimal digits"), ("0" * 64, "no such evidence")):
        refused = cli("evidence", wrong)
        assert (refused.code, refused.err.count("\n"), words in refused.err) == (1, 1, True)
