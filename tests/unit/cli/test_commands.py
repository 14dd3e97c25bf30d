"""The commands as a whole: what they import, what they print, how they end."""

import subprocess
import sys
from pathlib import Path

import pytest

from stronghouse.audit.checkpoint import verifier_key
from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli

HEAVY = {"alembic", "aiohttp", "chdb", "clickhouse_connect", "cryptography", "fastapi", "httpx", "pandas", "sqlalchemy"}


def test_supervisor_and_command_line_import_nothing_heavy() -> None:
    script = (
        "import sys, stronghouse.cli.main, stronghouse.app.supervisor, stronghouse.app.supervisor_screen;"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_wrong_usage_and_missing_commands_end_with_two(run: Cli) -> None:
    assert run("service", "create").code == 2
    assert run("no-such-noun").code == 2
    assert run("up", "--port-base", "many").code == 2
    assert run("--version").out.startswith("stronghouse ")


def test_up_refuses_what_it_cannot_do_in_one_sentence(run: Cli, tmp_path: Path) -> None:
    result = run("up", "--state-dir", str(tmp_path / "s"), "--domain", "example.com")
    assert result.code == 1
    assert result.err.count("\n") == 1
    assert "--domain is not supported" in result.err
    assert not (tmp_path / "s").exists()


def test_matrix_shows_every_row_and_the_checks_of_one(cli: Cli) -> None:
    document = cli("matrix", "--json").json
    assert len(document["rows"]) == 34
    text = cli("matrix").out
    assert all(row["id"] in text for row in document["rows"])
    checked = next(row for row in document["rows"] if any(control["checks"] for control in row["controls"]))
    assert len(cli("matrix", checked["id"], "--json").json["rows"]) == 1
    assert checked["controls"][0]["checks"][0]["id"] in cli("matrix", checked["id"]).out


def test_organization_must_be_named_when_there_are_several(cli: Cli, organization_id: str) -> None:
    assert cli("service", "list", "--org", organization_id, "--json").json == []
    assert cli("service", "list", "--org", "not-an-id").code == 1


def test_audit_log_on_disk_is_verified_without_anything_running(
    run: Cli, plane: Plane, organization_id: str, tmp_path: Path
) -> None:
    signer = plane.control.audit.signer
    database, key = tmp_path / "control.db", tmp_path / "audit.pub"
    key.write_text(verifier_key(signer.origin, signer.public_key) + "\n")
    facts = run("verify-audit", "--database", str(database), "--key", str(key), "--json").json
    assert facts["size"] == 2
    with plane.control.audit.bookkeeping("a test breaks it on purpose") as connection:
        connection.exec_driver_sql(
            "UPDATE audit_entry SET body = replace(body, 'success', 'failure') WHERE \"index\" = 1"
        )
    broken = run("verify-audit", "--database", str(database), "--key", str(key))
    assert broken.code == 1
    assert broken.err == "Error: Entry 1 of the audit log was altered.\n"
    other = verifier_key(signer.origin, bytes(32))
    key.write_text(other)
    assert run("verify-audit", "--database", str(database), "--key", str(key)).code == 1


def test_missing_database_is_not_made(run: Cli, tmp_path: Path) -> None:
    key = tmp_path / "audit.pub"
    key.write_text(verifier_key("x", bytes(32)))
    result = run("verify-audit", "--database", str(tmp_path / "none.db"), "--key", str(key))
    assert result.code == 1
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "command", ["up", "service", "key", "audit", "matrix", "doctor", "verify-audit", "auth", "org"]
)
def test_help_is_there(run: Cli, command: str) -> None:
    assert run(command, "--help").code == 0
