from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli


def test_life_of_a_key(cli: Cli) -> None:
    made = cli("key", "create", "ci", "--role", "developer", "--ip", "127.0.0.1", "--json").json
    assert made["keySecret"]
    assert made["key"]["assignedRoles"][0]["roleName"] == "Developer"
    key_id = made["key"]["id"]
    assert {key["name"] for key in cli("key", "list", "--json").json} == {"ci", "test"}
    changed = cli("key", "update", "ci", "--state", "disabled", "--expires", "2030-01-01T00:00:00Z", "--json").json
    assert (changed["state"], changed["expireAt"]) == ("disabled", "2030-01-01T00:00:00.000Z")
    assert cli("key", "update", key_id, "--never-expires", "--json").json["expireAt"] is None
    assert cli("key", "delete", "ci", "--yes", "--json").json == {"deleted": key_id}
    assert [key["name"] for key in cli("key", "list", "--json").json] == ["test"]


def test_key_without_addresses_works_from_nowhere_and_that_is_said(cli: Cli) -> None:
    result = cli("key", "create", "ci")
    assert "Nobody may use this key yet" in result.err
    assert result.out.count("key secret") == 1


def test_unknown_role_is_refused(cli: Cli) -> None:
    result = cli("key", "create", "ci", "--role", "root")
    assert result.code == 1
    assert "There is no role 'root'" in result.err
    assert len(cli("key", "list", "--json").json) == 1


def test_two_answers_to_one_question_are_refused(cli: Cli) -> None:
    assert cli("key", "update", "test", "--expires", "2030-01-01T00:00:00Z", "--never-expires").code == 1


def test_refusals_have_an_exit_code_of_their_own(cli: Cli, plane: Plane, organization_id: str, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    key_id, secret = plane.key(organization_id)
    monkeypatch.setenv("STRONGHOUSE_KEY_ID", key_id)
    monkeypatch.setenv("STRONGHOUSE_KEY_SECRET", secret)
    denied = cli("key", "list")
    assert denied.code == 4
    assert denied.err.startswith("Error: ")
    assert "FORBIDDEN" not in denied.err
    monkeypatch.setenv("STRONGHOUSE_KEY_SECRET", "wrong")
    assert cli("key", "list").code == 4


def test_a_key_is_rotated_with_an_overlap(cli: Cli, plane: Plane) -> None:
    cli("key", "create", "deploy", "--role", "Developer", "--ip", "127.0.0.0/8")
    done = cli("key", "rotate", "deploy", "--overlap", "90m", "--json").json
    assert done["keySecret"].startswith("sh_key_")
    assert done["predecessor"]["expireAt"] == "2026-11-23T13:30:00.000Z"
    shown = cli("key", "rotate", "deploy")
    assert (shown.code, done["key"]["id"] in shown.out) == (0, False)
    assert "The old key is 'deploy (until 2026-11-24 12:00)' and ends at 2026-11-24 12:00:00 UTC." in shown.err
    for wrong in ("1", "h", "1w", "-1h", "31d", "0m"):
        assert cli("key", "rotate", "deploy", f"--overlap={wrong}").code == 1


def test_how_long_keys_may_live_is_shown_and_set(cli: Cli) -> None:
    assert cli("key", "policy").out == "API keys have no maximum lifetime.\n"
    assert cli("key", "policy", "--maximum-days", "1").out == "API keys end at most 1 day after they are made.\n"
    assert cli("key", "policy", "--json").json == {"maximumLifetimeDays": 1}
    assert "at most 1 day after" in cli("key", "create", "deploy").err
    assert cli("key", "policy", "--no-maximum", "--json").json == {"maximumLifetimeDays": None}
    assert cli("key", "policy", "--no-maximum", "--maximum-days", "3").code == 1
