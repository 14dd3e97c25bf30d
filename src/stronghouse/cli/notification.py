"""`stronghouse notification`: who is told of what changes."""

import sys
from typing import Annotated

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.failures import FAILED, Json
from stronghouse.cli.output import remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, find_by_name, organization_path

app = typer.Typer(name="notification", help="Who is told of what changes.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The channel's id or name.")]


@app.command("list")
def list_channels(org: Organization = None, as_json: Json = False) -> None:
    """The organization's channels and how their last delivery went."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/notificationChannels")
    if as_json:
        show_json(found)
        return
    rows = [
        (
            one["name"],
            one["address"],
            one["mode"],
            one["minimumSeverity"],
            one["state"],
            one["deliveredAt"],
            one["error"],
        )
        for one in found
    ]
    columns = ("NAME", "ADDRESS", "MODE", "FROM", "STATE", "DELIVERED", "ERROR")
    show_table(columns, rows, empty="Nobody is told of anything; add a channel with `stronghouse notification add`.")


@app.command("add")
def add_channel(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    severity: Annotated[str, typer.Option(help="Tell from this on: critical, high, medium or low.")] = "low",
    kind: Annotated[
        list[str] | None, typer.Option(help="state, finding, document or disposition; repeatable; all by default.")
    ] = None,
    mode: Annotated[str, typer.Option(help="immediate, hourly or daily.")] = "immediate",
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Add a channel. Its apprise URL is a secret: it is read from standard input, or asked for on a terminal."""
    url = typer.prompt("apprise URL", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    body: dict[str, object] = {"name": name, "url": url.strip(), "minimumSeverity": severity, "mode": mode}
    if kind:
        body["kinds"] = kind
    with connect() as client:
        new = client.post(f"{organization_path(client, org)}/notificationChannels", body)
    if as_json:
        show_json(new)
        return
    show_fields([(field, new[field]) for field in ("id", "name", "address", "mode", "minimumSeverity")])
    remark(f"Send a message with `stronghouse notification test {name}`.")


@app.command("test")
def send_test(channel: Name, org: Organization = None, as_json: Json = False) -> None:
    """Send one message now. Exit code: 0 it was accepted, 1 it was not."""
    with connect() as client:
        path = f"{organization_path(client, org)}/notificationChannels"
        found = find_by_name(client.get(path), channel, what="channel")
        result = client.post(f"{path}/{found['id']}/test", {})
    if as_json:
        show_json(result)
    else:
        remark("The message was accepted." if result["delivered"] else f"Error: {result['reason']}")
    if not result["delivered"]:
        raise typer.Exit(FAILED)


@app.command("remove")
def remove_channel(channel: Name, org: Organization = None, as_json: Json = False) -> None:
    """Remove a channel with its URL."""
    with connect() as client:
        path = f"{organization_path(client, org)}/notificationChannels"
        found = find_by_name(client.get(path), channel, what="channel")
        client.delete(f"{path}/{found['id']}")
    if as_json:
        show_json({"removed": found["id"]})
    else:
        remark(f"The channel {found['name']} is removed.")
