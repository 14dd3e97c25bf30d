import json
from pathlib import Path
from typing import Any

import pytest

from stronghouse.access.certificates import CertificateAuthority, Purpose
from stronghouse.cli import waiting
from stronghouse.cli.waiting import GONE, RUNNING, wait_for
from stronghouse.kernel.errors import NotFound, Unavailable
from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli


def create(cli: Cli, name: str, *options: str) -> dict[str, str]:
    return dict(cli("service", "create", name, "--no-wait", "--json", *options).json["service"])


def test_life_of_a_service_by_name_and_by_id(cli: Cli) -> None:
    made = cli("service", "create", "demo", "--ip", "127.0.0.0/8=here", "--no-wait", "--json").json
    assert made["password"]
    assert made["service"]["ipAccessList"] == [{"source": "127.0.0.0/8", "description": "here"}]
    service_id = made["service"]["id"]
    assert cli("service", "list", "--json").json[0]["id"] == service_id
    assert cli("service", "get", service_id.upper(), "--json").json["name"] == "demo"
    renamed = cli(
        "service", "update", "demo", "--name", "other", "--add-ip", "::1", "--remove-ip", "127.0.0.0/8", "--json"
    )
    assert (renamed.json["name"], [entry["source"] for entry in renamed.json["ipAccessList"]]) == ("other", ["::1"])
    stopping = cli("service", "stop", "other", "--no-wait", "--json")
    assert stopping.code in {0, 1}  # a service that is still being provisioned may refuse
    assert cli("service", "reset-password", "other", "--json").json["password"] != made["password"]
    assert cli("service", "get", "demo").code == 1


def test_password_is_on_standard_output_once_and_remarks_are_not(cli: Cli) -> None:
    result = cli("service", "create", "demo", "--no-wait")
    assert result.out.count("password") == 1
    assert "Nobody may connect yet" in result.err


def test_connect_gives_snippets_that_verify_the_certificate(
    cli: Cli, plane: Plane, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    create(cli, "demo")
    authority = CertificateAuthority.create("test", purpose=Purpose.SERVER, clock=plane.clock)
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRONGHOUSE_CA_FILE", "ca.pem")
    shown = cli("service", "connect", "demo", "--json").json
    assert (shown["host"], shown["port"], shown["username"], shown["secure"]) == ("localhost", 8444, "default", True)
    assert shown["ca_file"] == str(tmp_path / "ca.pem")
    assert [snippet["language"] for snippet in shown["snippets"].values()] == ["python", "javascript", "shell"]
    assert all(str(tmp_path / "ca.pem") in snippet["text"] for snippet in shown["snippets"].values())


def test_connect_prints_the_snippets_and_how_they_get_the_password(cli: Cli) -> None:
    create(cli, "demo")
    shown = cli("service", "connect", "demo")
    assert "import clickhouse_connect" in shown.out
    assert "https://localhost:8444" in shown.out
    assert "export CLICKHOUSE_PASSWORD" in shown.err


def test_connections_are_listed_as_the_region_tells_them(cli: Cli, plane: Plane) -> None:
    create(cli, "demo")
    assert cli("service", "connections", "demo").code == 1  # nobody answers
    plane.jobs.answers["connections"] = connected()
    empty = cli("service", "connections", "demo")
    assert (empty.code, empty.out, empty.err) == (0, "", "Nobody is connected.\n")
    plane.jobs.answers["connections"] = connected(("192.0.2.1", 1), ("::1", 12), complete=False)
    shown = cli("service", "connections", "demo")
    assert [line.split() for line in shown.out.splitlines()] == [
        ["ADDRESS", "CONNECTIONS"],
        ["::1", "12"],
        ["192.0.2.1", "1"],
    ]
    assert "More addresses" in shown.err
    assert cli("service", "connections", "demo", "--json").json["connections"][0] == {
        "address": "::1",
        "connections": 12,
    }


def test_dry_run_tells_what_would_change_and_who_would_be_cut_off_and_changes_nothing(cli: Cli, plane: Plane) -> None:
    create(cli, "demo", "--ip", "192.0.2.0/24=office", "--ip", "::1=here")
    plane.jobs.answers["connections"] = connected(("192.0.2.7", 2), ("::1", 1), ("203.0.113.1", 5))
    options = (
        "service",
        "update",
        "demo",
        "--add-ip",
        "0.0.0.0/2",
        "--add-ip",
        "::1=lab",
        "--remove-ip",
        "192.0.2.0/24",
    )
    shown = cli(*options, "--dry-run")
    rows = [line.rstrip().split(maxsplit=2) for line in shown.out.splitlines()[1:]]
    assert rows == [["add", "0.0.0.0/2"], ["remove", "192.0.2.0/24", "office"], ["describe", "::1", "lab (was: here)"]]
    assert "Cut off: 192.0.2.7, with 2 connections now." in shown.err
    assert "as good as open to everyone: 0.0.0.0/2" in shown.err
    assert "203.0.113.1" not in shown.err  # is not allowed now
    effect = cli(*options, "--dry-run", "--json").json
    assert effect["added"] == [{"source": "0.0.0.0/2", "description": ""}]
    assert effect["changed"] == [{"source": "::1", "before": "here", "after": "lab"}]
    assert effect["cuts_off"] == [{"address": "192.0.2.7", "connections": 2}]
    assert effect["closed"] is False
    kept = cli("service", "get", "demo", "--json").json["ipAccessList"]
    assert [entry["source"] for entry in kept] == ["192.0.2.0/24", "::1"]


def test_dry_run_does_not_claim_that_nobody_is_cut_off_when_the_region_is_silent(cli: Cli) -> None:
    create(cli, "demo", "--ip", "::1")
    options = ("service", "update", "demo", "--remove-ip", "::1", "--dry-run")
    printed = cli(*options, "--json").out
    effect = json.loads(printed[printed.index("{") :])  # before it stands the API's log: here, both are one process
    assert effect["cuts_off"] is None
    shown = cli(*options)
    assert "Who is connected is not known" in shown.err
    assert "cut off" not in shown.err.lower()
    assert "Nobody could connect any more." in shown.err


def test_dry_run_of_what_is_so_already_or_of_a_new_name(cli: Cli, plane: Plane) -> None:
    create(cli, "demo", "--ip", "::1")
    plane.jobs.answers["connections"] = connected(("::1", 1), complete=False)
    same = cli("service", "update", "demo", "--add-ip", "::1/128", "--dry-run")
    assert (same.code, same.out) == (0, "")
    assert "says so already" in same.err
    assert "not all of them" in same.err
    assert cli("service", "update", "demo", "--name", "x", "--add-ip", "::1", "--dry-run").code == 1


def connected(*pairs: tuple[str, int], complete: bool = True) -> dict[str, Any]:
    """What a region answers when it is asked who is connected."""
    listed = [{"address": address, "connections": count} for address, count in pairs]
    return {"taken_at": "2026-11-23T12:00:00.000Z", "connections": listed, "complete": complete}


def test_deleting_asks_for_the_name_and_does_nothing_for_another(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    create(cli, "demo")
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "prod")
    refused = cli("service", "delete", "demo")
    assert refused.code == 1
    assert "nothing was deleted" in refused.err
    assert [service["name"] for service in cli("service", "list", "--json").json] == ["demo"]


def test_two_services_of_one_name_are_told_apart_by_id_only(cli: Cli) -> None:
    first, _ = create(cli, "twin"), create(cli, "twin")
    ambiguous = cli("service", "get", "twin")
    assert ambiguous.code == 1
    assert "by its id" in ambiguous.err
    assert cli("service", "get", first["id"], "--json").json["id"] == first["id"]


def test_bad_address_is_refused_before_anything_is_asked_of_the_api(cli: Cli) -> None:
    result = cli("service", "create", "demo", "--ip", "10.0.0.1/8")
    assert result.code == 1
    assert "not an IP address or CIDR block" in result.err
    assert cli("service", "list", "--json").json == []


def test_nothing_to_change_is_an_error(cli: Cli) -> None:
    assert cli("service", "update", "demo").code == 1


def test_name_cannot_steer_the_terminal(cli: Cli, plane: Plane) -> None:
    create(cli, "[bold]x[/bold]")
    assert "[bold]x[/bold]" in cli("service", "list").out
    assert json.loads(cli("service", "list", "--json").out)[0]["name"] == "[bold]x[/bold]"


class Answers:
    """A client whose service goes through states."""

    def __init__(self, *states: str | None) -> None:
        self.states = list(states)

    def get(self, _path: str) -> dict[str, str]:
        state = self.states.pop(0)
        if state is None:
            raise NotFound("There is no such service.")
        return {"state": state}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0)


def test_waiting_ends_when_the_state_is_reached_or_cannot_be() -> None:
    assert wait_for(Answers("provisioning", "starting", "idle"), "/s", RUNNING)["state"] == "idle"  # type: ignore[arg-type]
    assert wait_for(Answers("terminating", None), "/s", GONE) == {}  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="failed"):
        wait_for(Answers("starting", "failed"), "/s", RUNNING)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        wait_for(Answers(None), "/s", RUNNING)  # type: ignore[arg-type]


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SECONDS", 0)
    with pytest.raises(Unavailable, match="still"):
        wait_for(Answers("starting"), "/s", RUNNING)  # type: ignore[arg-type]
