"""`stronghouse service scale` and `stronghouse service schedule`: memory, sleep, and when they change by themselves."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.json_file import read_json
from stronghouse.cli.output import remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, service_path
from stronghouse.cli.service import Name
from stronghouse.kernel.errors import Invalid

app = typer.Typer(name="schedule", help="Limits that hold at certain hours of the week.", no_args_is_help=True)
DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


def scale_service(
    service: Name,
    memory_gb: Annotated[int | None, typer.Option(help="Memory limit in GB; 8 to 356 in steps of 4.")] = None,
    idle_minutes: Annotated[int | None, typer.Option(help="Sleep after so many minutes without a query.")] = None,
    idle: Annotated[bool | None, typer.Option("--idle/--no-idle", help="Sleep, or never.")] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Change a service's memory limit, or when it sleeps. Another memory limit starts its engine anew."""
    body: dict[str, object] = {}
    if memory_gb is not None:
        body |= {"minReplicaMemoryGb": memory_gb, "maxReplicaMemoryGb": memory_gb}
    if idle_minutes is not None:
        body["idleTimeoutMinutes"] = idle_minutes
    if idle is not None:
        body["idleScaling"] = idle
    if not body:
        raise Invalid("Nothing to change: name at least one option.")
    with connect() as client:
        changed = client.patch(f"{service_path(client, org, service)}/replicaScaling", body)
    if as_json:
        show_json(changed)
        return
    current = changed["currentScaling"]
    show_fields(
        [
            ("memory", f"{changed['maxReplicaMemoryGb']} GB"),
            ("sleeps", f"after {changed['idleTimeoutMinutes']} minutes" if changed["idleScaling"] else "never"),
        ]
    )
    if "activeEntryId" in current:
        remark(f"An entry of its schedule is active: {current['effectiveMaxReplicaMemoryGb']} GB until it ends.")


@app.command("get")
def get_schedule(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """A service's schedule."""
    with connect() as client:
        _show(client.get(f"{service_path(client, org, service)}/scalingSchedule"), as_json=as_json)


@app.command("set")
def set_schedule(
    service: Name,
    file: Annotated[Path, typer.Argument(help="JSON with a list of `entries`, as the API takes it; - to read input.")],
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Replace a service's schedule. Hours are UTC, 0 is Sunday, and no two entries may share an hour."""
    body = read_json(file)
    entries = body.get("entries") if isinstance(body, dict) else body
    with connect() as client:
        _show(
            client.post(f"{service_path(client, org, service)}/scalingSchedule", {"entries": entries}), as_json=as_json
        )


@app.command("delete")
def delete_schedule(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """Remove a service's schedule; its own limits hold at once."""
    with connect() as client:
        client.delete(f"{service_path(client, org, service)}/scalingSchedule")
    if as_json:
        show_json({"deleted": True})
    else:
        remark("The schedule is gone.")


def _show(schedule: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(schedule)
        return
    rows = [
        (
            entry["name"],
            " ".join(DAYS[day] for day in entry["weekdays"]),
            f"{entry['startHourUtc']}-{entry['endHourUtc']}",
            entry.get("maxReplicaMemoryGb"),
            {None: None, True: "yes", False: "no"}[entry.get("idleScaling")],
            entry.get("idleTimeoutMinutes"),
            "yes" if entry["isActiveNow"] else "no",
        )
        for entry in schedule["entries"]
    ]
    columns = ("ENTRY", "DAYS", "HOURS UTC", "MEMORY GB", "SLEEPS", "AFTER MINUTES", "ACTIVE")
    show_table(columns, rows, empty="The schedule is empty.")
