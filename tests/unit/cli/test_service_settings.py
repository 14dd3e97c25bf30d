"""A service's ClickHouse settings on the command line."""

from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli


def test_settings_are_set_shown_and_given_back(cli: Cli, plane: Plane) -> None:
    cli("service", "create", "demo", "--no-wait")
    plane.jobs.answers["check_settings"] = None
    assert "defaults hold" in cli("service", "settings", "list", "demo").err
    changed = cli("service", "settings", "set", "demo", "max_threads=4", "join_algorithm=hash,direct", "--json").json
    assert changed["settings"] == {"max_threads": "4", "join_algorithm": "hash,direct"}
    assert cli("service", "settings", "get", "demo", "max_threads").out == "4\n"
    shown = cli("service", "settings", "list", "demo").out.splitlines()
    assert [line.split() for line in shown[1:]] == [["join_algorithm", "hash,direct"], ["max_threads", "4"]]
    assert cli("service", "settings", "unset", "demo", "max_threads", "--json").json == {"reset": "max_threads"}
    assert cli("service", "settings", "get", "demo", "max_threads").code == 1
    assert any(
        line.startswith("max_threads ") for line in cli("service", "settings", "schema", "demo").out.splitlines()
    )


def test_what_is_wrong_is_said(cli: Cli, plane: Plane) -> None:
    cli("service", "create", "demo", "--no-wait")
    assert "NAME=VALUE" in cli("service", "settings", "set", "demo", "max_threads").err
    assert "no setting" in cli("service", "settings", "set", "demo", "none=1").err
    plane.jobs.answers["check_settings"] = "Cannot parse it."
    assert "Cannot parse it." in cli("service", "settings", "set", "demo", "max_block_size=x").err
