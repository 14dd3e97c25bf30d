"""`stronghouse service settings`: ClickHouse settings that the sessions of a service begin with."""

from typing import Annotated

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import remark, show_json, show_table
from stronghouse.cli.resources import Organization, service_path
from stronghouse.cli.service import Name
from stronghouse.kernel.errors import Invalid

app = typer.Typer(name="settings", help="ClickHouse settings that sessions begin with.", no_args_is_help=True)
Setting = Annotated[str, typer.Argument(help="The setting's name.")]


@app.command("list")
def list_settings(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """What a service sets."""
    with connect() as client:
        found = client.get(f"{service_path(client, org, service)}/clickhouseSettings")
    if as_json:
        show_json(found)
        return
    rows = [(setting["name"], setting["value"]) for setting in found["settings"]]
    show_table(("SETTING", "VALUE"), rows, empty="The service sets nothing; the engine's defaults hold.")


@app.command("schema")
def show_schema(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """Every setting that may be set."""
    with connect() as client:
        found = client.get(f"{service_path(client, org, service)}/clickhouseSettings/schema")
    if as_json:
        show_json(found)
        return
    rows = [(setting["name"], setting["type"], setting["description"]) for setting in found["settings"]]
    show_table(("SETTING", "TYPE", "VALUES"), rows, empty="Nothing may be set.")


@app.command("get")
def get_setting(service: Name, setting: Setting, org: Organization = None, as_json: Json = False) -> None:
    """One setting of a service."""
    with connect() as client:
        found = client.get(f"{service_path(client, org, service)}/clickhouseSettings/{setting}")
    if as_json:
        show_json(found)
    else:
        typer.echo(found["value"])


@app.command("set")
def set_settings(
    service: Name,
    settings: Annotated[list[str], typer.Argument(help="As max_threads=8; several at once are all set, or none.")],
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Change settings of a service; the engine looks at the values first. Sessions for whom it changes end."""
    wanted = {}
    for typed in settings:
        name, equals, value = typed.partition("=")
        if not equals:
            raise Invalid(f"{typed[:64]!r} is no setting: write NAME=VALUE.")
        wanted[name.strip()] = value
    with connect() as client:
        changed = client.patch(f"{service_path(client, org, service)}/clickhouseSettings", {"settings": wanted})
    if as_json:
        show_json(changed)
    else:
        remark("They are in force as soon as the region has them.")


@app.command("unset")
def unset_setting(service: Name, setting: Setting, org: Organization = None, as_json: Json = False) -> None:
    """Give a setting back to the engine's default."""
    with connect() as client:
        client.delete(f"{service_path(client, org, service)}/clickhouseSettings/{setting}")
    if as_json:
        show_json({"reset": setting})
    else:
        remark(f"The engine's default of {setting} holds again.")
