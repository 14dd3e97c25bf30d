"""`stronghouse key`: API keys."""

import re
from enum import StrEnum
from typing import Annotated, Any

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.confirmation import confirm
from stronghouse.cli.dates import checked_moment
from stronghouse.cli.failures import Json
from stronghouse.cli.output import counted, for_people, remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, find_key, organization_path, role_ids
from stronghouse.cli.sources import parse_entries
from stronghouse.kernel.errors import Invalid

app = typer.Typer(name="key", help="API keys.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The key's id or name.")]
Roles = Annotated[list[str] | None, typer.Option("--role", help="A role's name or id; repeatable.")]
Addresses = Annotated[
    list[str] | None,
    typer.Option("--ip", help="Address or block it may be used from, as 10.0.0.0/8=office; repeatable."),
]
Expiry = Annotated[str | None, typer.Option(help="When it ends, as 2027-01-31T00:00:00Z.")]


class State(StrEnum):
    """Whether a key works."""

    ENABLED = "enabled"
    DISABLED = "disabled"


@app.command("list")
def list_keys(org: Organization = None, as_json: Json = False) -> None:
    """The organization's API keys."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/keys")
    if as_json:
        show_json(found)
        return
    rows = [
        (key["id"], key["name"], key["state"], _roles(key), f"…{key['keySuffix']}", key["expireAt"], key.get("usedAt"))
        for key in found
    ]
    show_table(("ID", "NAME", "STATE", "ROLES", "KEY ID", "EXPIRES", "LAST USED"), rows, empty="There are no API keys.")


@app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    role: Roles = None,
    ip: Addresses = None,
    expires: Expiry = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Make an API key. Its secret is shown this once."""
    body: dict[str, object] = {
        "name": name,
        "ipAccessList": parse_entries(ip or []),
    }
    if expires is not None:
        body["expireAt"] = checked_moment("--expires", expires)
    with connect() as client:
        path = organization_path(client, org)
        body["assignedRoleIds"] = role_ids(client, path, role or [])
        result = client.post(f"{path}/keys", body)
    if not ip:
        remark("Nobody may use this key yet: say from where with `stronghouse key update --ip`.")
    if as_json:
        show_json(result)
        return
    show_fields([("id", result["key"]["id"]), ("key id", result["keyId"]), ("key secret", result["keySecret"])])
    remark("The secret is shown this once.")


@app.command("update")
def update_key(
    key: Name,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    state: Annotated[State | None, typer.Option(help="Whether it works.")] = None,
    role: Roles = None,
    ip: Addresses = None,
    expires: Expiry = None,
    never_expires: Annotated[bool, typer.Option("--never-expires", help="Take its end away.")] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Change an API key. Lists replace what was there."""
    if expires is not None and never_expires:
        raise Invalid("Choose one of --expires and --never-expires.")
    body: dict[str, object] = {}
    if name is not None:
        body["name"] = name
    if state is not None:
        body["state"] = state.value
    if ip:
        body["ipAccessList"] = parse_entries(ip)
    if expires is not None or never_expires:
        body["expireAt"] = checked_moment("--expires", expires)
    if not (body or role):
        raise Invalid("Nothing to change: name at least one option.")
    with connect() as client:
        path = organization_path(client, org)
        if role:
            body["assignedRoleIds"] = role_ids(client, path, role)
        result = client.patch(f"{path}/keys/{find_key(client, path, key)['id']}", body)
    if as_json:
        show_json(result)
    else:
        show_fields(
            [("id", result["id"]), ("name", result["name"]), ("state", result["state"]), ("roles", _roles(result))]
        )


@app.command("rotate")
def rotate_key(
    key: Name,
    overlap: Annotated[
        str, typer.Option(help="How long the old key works beside the new one, as 30m, 24h or 7d; at most 30d.")
    ] = "24h",
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Make a successor with the same name, roles and addresses. The old key ends after the overlap."""
    minutes = _minutes(overlap)
    with connect() as client:
        path = organization_path(client, org)
        result = client.post(f"{path}/keys/{find_key(client, path, key)['id']}/rotate", {"overlapMinutes": minutes})
    if as_json:
        show_json(result)
        return
    show_fields([("id", result["key"]["id"]), ("key id", result["keyId"]), ("key secret", result["keySecret"])])
    old = result["predecessor"]
    remark(f"The secret is shown this once. The old key is {old['name']!r} and ends at {for_people(old['expireAt'])}.")


@app.command("policy")
def policy(
    maximum_days: Annotated[
        int | None, typer.Option(help="New keys end at most so many days after they are made.", min=1)
    ] = None,
    no_maximum: Annotated[bool, typer.Option("--no-maximum", help="Lift the maximum.")] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Show how long API keys may live, or set it."""
    if maximum_days is not None and no_maximum:
        raise Invalid("Choose one of --maximum-days and --no-maximum.")
    with connect() as client:
        path = f"{organization_path(client, org)}/keyPolicy"
        if maximum_days is None and not no_maximum:
            result = client.get(path)
        else:
            result = client.put(path, {"maximumLifetimeDays": maximum_days})
    days = result["maximumLifetimeDays"]
    if as_json:
        show_json(result)
    elif days is None:
        typer.echo("API keys have no maximum lifetime.")
    else:
        typer.echo(f"API keys end at most {counted(days, 'day')} after they are made.")


@app.command("delete")
def delete_key(
    key: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Delete an API key, at once and for good."""
    with connect() as client:
        path = organization_path(client, org)
        found = find_key(client, path, key)
        if not yes:
            confirm(f"Delete the API key {found['name']}? Whatever uses it stops working")
        client.delete(f"{path}/keys/{found['id']}")
    if as_json:
        show_json({"deleted": found["id"]})
    else:
        remark(f"The API key {found['name']} is deleted.")


def _minutes(text: str) -> int:
    """Minutes in `30m`, `24h` or `7d`; raises Invalid."""
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text.strip())
    if found is None:
        raise Invalid("--overlap takes a time as 30m, 24h or 7d.")
    return int(found[1]) * {"m": 1, "h": 60, "d": 1440}[found[2]]


def _roles(key: dict[str, Any]) -> str:
    return ", ".join(role["roleName"] for role in key["assignedRoles"]) or "-"
