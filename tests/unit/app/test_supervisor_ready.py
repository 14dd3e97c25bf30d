import json
import stat
from pathlib import Path
from typing import cast

import pytest

from stronghouse.app.supervisor_guide import guide
from stronghouse.app.supervisor_ports import PortPlan
from stronghouse.app.supervisor_ready import RunningService, known_services, ready_document, write_ready_file
from stronghouse.app.supervisor_report import ControlReport
from stronghouse.app.supervisor_settings import UpSettings
from stronghouse.kernel.errors import Internal
from stronghouse.kernel.secret import Secret

REPORT = {"organization_id": "o", "admin_email": "a@b", "edge_ca_pem": "pem", "login_url": None, "api_key_id": None}
CONTRACT = {
    "api_url", "console_url", "queries_url", "ca_file", "organization_id", "admin_email", "login_url", "api_key_id",
    "api_key_secret", "services", "pids",
}  # fmt: skip
SERVICE_CONTRACT = {"id", "name", "https_url", "native_host", "native_port", "username", "password", "state_dir"}


@pytest.fixture
def settings(tmp_path: Path) -> UpSettings:
    return UpSettings(state_directory=tmp_path / "state", machine_key_file=tmp_path / "key", plan=PortPlan(20_000))


def report(**secrets: str) -> ControlReport:
    return ControlReport.parse(json.dumps(REPORT | secrets).encode())


def test_document_keeps_the_contract_with_scripts(settings: UpSettings, tmp_path: Path) -> None:
    service = RunningService("s-1", "demo", 20_004, "default", Secret("p"))
    document = ready_document(settings, report(api_key_id="id", api_key_secret="secret"), [service], {"supervisor": 1})
    assert set(document) == CONTRACT
    (shown,) = cast("list[dict[str, object]]", document["services"])
    assert set(shown) == SERVICE_CONTRACT
    assert shown["https_url"] == "https://localhost:20004"
    assert shown["password"] == "p"
    assert (document["api_key_secret"], document["login_url"]) == ("secret", None)
    write_ready_file(tmp_path / "ready.json", document)
    assert stat.S_IMODE((tmp_path / "ready.json").stat().st_mode) == 0o600
    assert json.loads((tmp_path / "ready.json").read_text()) == document


def test_known_services_leave_out_the_deleted_and_survive_a_damaged_file(tmp_path: Path) -> None:
    def entry(slot: int, state: str) -> dict[str, object]:
        service = {"id": f"s-{slot}", "name": f"n{slot}", "slot": slot, "username": "default", "state": state}
        return {"kind": "service", "id": f"s-{slot}", "document": service}

    desired = {"version": 3, "documents": [entry(2, "running"), entry(0, "stopped"), entry(1, "deleted")]}
    path = tmp_path / "desired.json"
    path.write_text(json.dumps({"sha256": "x", "desired": json.dumps(desired)}))
    found = known_services(path, PortPlan(20_000))
    assert [(service.name, service.port, service.wanted) for service in found] == [
        ("n0", 20_004, "stopped"),
        ("n2", 20_006, "running"),
    ]
    for damaged in ("", "{}", '{"desired": "[]"}', '{"desired": "{\\"documents\\": [1]}"}'):
        path.write_text(damaged)
        assert known_services(path, PortPlan(20_000)) == []


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"organization_id": 1, "admin_email": "a", "edge_ca_pem": "p"}'])
def test_malformed_report_is_refused_without_repeating_it(line: bytes) -> None:
    with pytest.raises(Internal):
        ControlReport.parse(line)


def test_report_hides_its_secrets() -> None:
    assert "sh_hidden" not in repr(report(api_key_secret="sh_hidden", join_token="sh_hidden"))


def test_guide_shows_secrets_on_the_first_start_only(settings: UpSettings) -> None:
    service = RunningService("s-1", "demo", 20_004, "default", Secret("the password"))
    first = guide(
        settings, report(login_url="https://x/once", api_key_id="id", api_key_secret="key's secret"), [service], 7.31
    )
    assert "ready in 7.3 s" in first
    assert "https://x/once" in first
    assert """STRONGHOUSE_KEY_SECRET='key'"'"'s secret'""" in first  # quoted for a shell
    assert "'the password'" in first
    later = guide(settings, report(), [RunningService("s-1", "demo", 20_004, "default")], 1.0)
    assert "KEY_SECRET" not in later
    assert "Sign in" not in later
    assert f"export SSL_CERT_FILE={settings.ca_file}" in later
    compile(later.partition("clickhouse-connect):\n\n")[2], "snippet", "exec")
