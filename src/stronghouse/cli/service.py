"""`stronghouse service`: ClickHouse services."""

from typing import Annotated, Any

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.connection import connection_fields, connection_of
from stronghouse.cli.failures import Json
from stronghouse.cli.ip_access import show_change
from stronghouse.cli.output import remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, find_service, organization_path
from stronghouse.cli.sources import parse_entries
from stronghouse.cli.waiting import GONE, RUNNING, STOPPED, wait_for
from stronghouse.kernel.errors import Conflict, Invalid
from stronghouse.services.connecting import PASSWORD, snippets

app = typer.Typer(name="service", help="ClickHouse services.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The service's id or name.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done.")]


@app.command("list")
def list_services(org: Organization = None, as_json: Json = False) -> None:
    """The organization's services."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/services")
    if as_json:
        show_json(found)
        return
    rows = [(entry["id"], entry["name"], entry["state"], entry["region"], _address(entry)) for entry in found]
    show_table(
        ("ID", "NAME", "STATE", "REGION", "ADDRESS"), rows, empty="There are no services; make one with `create`."
    )


@app.command("create")
def create_service(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    ip: Annotated[
        list[str] | None, typer.Option(help="Address or block that may connect, as 127.0.0.0/8=here; repeatable.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Where; needed when there are several regions.")] = None,
    idle_minutes: Annotated[int, typer.Option(help="Sleep after so many minutes without a query.")] = 15,
    no_idle: Annotated[bool, typer.Option("--no-idle", help="Never sleep.")] = False,
    memory_gb: Annotated[int | None, typer.Option(help="Memory limit in GB.")] = None,
    wait: Wait = True,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Make a service. Its password is shown this once."""
    body: dict[str, object] = {
        "name": name,
        "ipAccessList": parse_entries(ip or []),
        "idleScaling": not no_idle,
        "idleTimeoutMinutes": idle_minutes,
    }
    if region is not None:
        body["region"] = region
    if memory_gb is not None:
        body |= {"minReplicaMemoryGb": memory_gb, "maxReplicaMemoryGb": memory_gb}
    with connect() as client:
        path = organization_path(client, org)
        result = client.post(f"{path}/services", body)
        # The password exists only in this answer: show it before anything else can go wrong.
        if not as_json:
            service = result["service"]
            show_fields([("id", service["id"]), ("username", _username(service)), ("password", result["password"])])
            remark("The password is shown this once.")
        if not ip:
            remark("Nobody may connect yet: say who with `stronghouse service update --add-ip`.")
        try:
            if wait:
                result["service"] = wait_for(client, f"{path}/services/{result['service']['id']}", RUNNING)
        finally:
            if as_json:
                show_json(result)
    if not as_json:
        show_fields([("state", result["service"]["state"]), ("address", _address(result["service"]))])


@app.command("get")
def get_service(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """One service."""
    with connect() as client:
        found = find_service(client, organization_path(client, org), service)
    _show(found, as_json=as_json)


@app.command("connect")
def connect_service(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """How to connect to a service, for several clients. Its password is not known to anyone but you."""
    with connect() as client:
        found = find_service(client, organization_path(client, org), service)
        connection = connection_of(found, client.credentials.ca_file)
    if as_json:
        show_json(connection_fields(connection))
        return
    for title, snippet in snippets(connection).items():
        typer.echo(f"# {title}\n{snippet.text}")
    remark(f"They read the password from the environment: read -rs {PASSWORD} && export {PASSWORD}")


@app.command("connections")
def list_connections(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """Who is connected to a service now: addresses, and how many connections each has."""
    with connect() as client:
        path = organization_path(client, org)
        found = client.get(f"{path}/services/{find_service(client, path, service)['id']}/connections")
    if as_json:
        show_json(found)
        return
    rows = [(entry["address"], entry["connections"]) for entry in found["connections"]]
    show_table(("ADDRESS", "CONNECTIONS"), rows, empty="Nobody is connected.")
    if not found["complete"]:
        remark(f"More addresses are connected than the {len(rows)} that are shown.")


@app.command("start")
def start_service(service: Name, wait: Wait = True, org: Organization = None, as_json: Json = False) -> None:
    """Start a stopped service."""
    _command(service, "start", RUNNING, wait=wait, org=org, as_json=as_json)


@app.command("wake")
def wake_service(service: Name, wait: Wait = True, org: Organization = None, as_json: Json = False) -> None:
    """Wake a service that sleeps, before somebody asks it something; a running one stays as it is."""
    _command(service, "awake", RUNNING, wait=wait, org=org, as_json=as_json)


@app.command("stop")
def stop_service(service: Name, wait: Wait = True, org: Organization = None, as_json: Json = False) -> None:
    """Stop a service; it keeps its data and takes no connections."""
    _command(service, "stop", STOPPED, wait=wait, org=org, as_json=as_json)


@app.command("update")
def update_service(
    service: Name,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    add_ip: Annotated[list[str] | None, typer.Option(help="Let in, as 203.0.113.0/24=office; repeatable.")] = None,
    remove_ip: Annotated[list[str] | None, typer.Option(help="Let in no longer; repeatable.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what --add-ip and --remove-ip would do, and do nothing.")
    ] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Rename a service, or change who may connect to it."""
    added, removed = parse_entries(add_ip or []), parse_entries(remove_ip or [])
    body: dict[str, object] = {} if name is None else {"name": name}
    if added or removed:
        body["ipAccessList"] = {"add": added, "remove": [{"source": entry["source"]} for entry in removed]}
    if not body:
        raise Invalid("Nothing to change: name at least one option.")
    if dry_run and name is not None:
        raise Invalid("--dry-run is about --add-ip and --remove-ip; leave --name out.")
    with connect() as client:
        path = organization_path(client, org)
        found = find_service(client, path, service)
        place = f"{path}/services/{found['id']}"
        if dry_run:
            show_change(client, place, found["ipAccessList"], add=added, remove=removed, as_json=as_json)
            return
        result = client.patch(place, body)
    _show(result, as_json=as_json)


@app.command("reset-password")
def reset_password(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """Give a service's owner a new password. It is shown this once; the old one stops working."""
    with connect() as client:
        path = organization_path(client, org)
        found = find_service(client, path, service)
        result = client.patch(f"{path}/services/{found['id']}/password", {})
    if as_json:
        show_json(result)
        return
    show_fields([("username", _username(found)), ("password", result["password"])])
    remark("The password is shown this once.")


@app.command("delete")
def delete_service(
    service: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Stop it first if it runs.")] = False,
    wait: Wait = True,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Delete a service with its data and its key, for good."""
    with connect() as client:
        path = organization_path(client, org)
        found = find_service(client, path, service)
        if not yes:
            _confirm(found["name"])
        place = f"{path}/services/{found['id']}"
        if force and found["state"] not in {"stopped", "idle"}:
            client.patch(f"{place}/state", {"command": "stop"})
            wait_for(client, place, STOPPED)
        client.delete(place)
        if wait:
            wait_for(client, place, GONE)
    if as_json:
        show_json({"deleted": found["id"]})
    else:
        remark(f"The service {found['name']} is deleted.")


def _command(service: str, command: str, goal: str, *, wait: bool, org: str | None, as_json: bool) -> None:
    with connect() as client:
        path = organization_path(client, org)
        place = f"{path}/services/{find_service(client, path, service)['id']}"
        result = client.patch(f"{place}/state", {"command": command})
        if wait:
            result = wait_for(client, place, goal)
    _show(result, as_json=as_json)


def _confirm(name: str) -> None:
    remark(f"This deletes the service {name} with all its data and its key. It cannot be undone.")
    if typer.prompt("Type the service's name to go on", err=True) != name:
        raise Conflict("That is another name; nothing was deleted.", code="name_mismatch")


def _show(service: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(service)
        return
    names = ("id", "name", "state", "region", "createdAt", "clickhouseVersion", "idleTimeoutMinutes")
    fields = [(name, service.get(name)) for name in names]
    addresses = ", ".join(entry["source"] for entry in service["ipAccessList"]) or "nobody"
    show_fields([*fields, ("address", _address(service)), ("may connect", addresses)])


def _address(service: dict[str, Any]) -> str:
    endpoint = service["endpoints"][0]
    return f"https://{endpoint['host']}:{endpoint['port']}"


def _username(service: dict[str, Any]) -> str:
    return str(service["endpoints"][0]["username"])
