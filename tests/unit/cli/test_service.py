import json

import pytest

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
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    create(cli, "demo")
    shown = cli("service", "connect", "demo", "--json").json
    assert (shown["host"], shown["port"], shown["username"], shown["secure"]) == ("localhost", 8444, "default", True)
    (python,) = [text for title, text in shown["snippets"].items() if "clickhouse-connect" in title]
    compile(python, "snippet", "exec")
    assert "secure=True" in python
    assert not any("--insecure" in text or "verify=False" in text for text in shown["snippets"].values())


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
