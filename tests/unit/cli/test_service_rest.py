"""What there is not yet, on the command line."""

from tests.unit.cli.conftest import Cli


def test_nothing_is_there_and_it_is_said(cli: Cli) -> None:
    cli("service", "create", "demo", "--no-wait")
    assert cli("service", "backups", "demo", "--json").json == []
    assert "makes none" in cli("service", "backups", "demo").err
    assert cli("service", "backup-config", "demo", "--json").json == {}
    assert "No backups are made" in cli("service", "backup-config", "demo").err
    assert cli("service", "private-endpoint", "demo").out.split() == ["address", "localhost:8444", "host", "localhost"]
    assert cli("service", "private-endpoint", "demo", "--json").json["privateDnsHostname"] == "localhost"
