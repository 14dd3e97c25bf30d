"""`stronghouse audit`: read the audit log, and check it against what it signed before."""

import time
from typing import Annotated, Any

import typer

from stronghouse.cli import audit_list
from stronghouse.cli.client import ApiClient, connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import for_people, printable, remark, show_fields, show_json
from stronghouse.cli.resources import Organization, organization_path

app = typer.Typer(name="audit", help="The audit log.", no_args_is_help=True)
app.command("list")(audit_list.list_events)
app.command("show")(audit_list.show_event)
app.command("export")(audit_list.export_events)
POLL_SECONDS = 1.0
PAGE = 1000


@app.command("tail")
def tail(
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many events to begin with.", min=1, max=PAGE)] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens next.")] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """The newest events, the newest last; with --json one event a line."""
    with connect() as client:
        path = f"{organization_path(client, org)}/auditLog"
        events = client.get(path, limit=limit)
        _show(events, as_json=as_json)
        last = events[0]["index"] if events else -1
        while follow:
            time.sleep(POLL_SECONDS)
            fresh = _newer_than(client, path, last)
            _show(fresh, as_json=as_json)
            last = fresh[0]["index"] if fresh else last


@app.command("verify")
def verify(
    events: Annotated[
        int, typer.Option(help="Prove that so many of the newest events are in the log.", min=0, max=PAGE)
    ] = 20,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Check the log's signature, that it only grew since you last looked, and that its newest events are in it.

    The key that signs the log, and the head seen last, are kept in your configuration directory.
    """
    from stronghouse.cli.audit_check import check_log

    with connect() as client:
        found = check_log(client, f"{organization_path(client, org)}/auditLog", events=events)
    if as_json:
        show_json(found)
        return
    show_fields([("intact", "yes"), *found.items()])
    if found["grown_from"] is None:
        remark("This was the first look: the key is kept now, and the next run will notice any change of the past.")


def _newer_than(client: ApiClient, path: str, last: int) -> list[dict[str, Any]]:
    """Events after index `last`, newest first; all of them, however many happened at once."""
    fresh: list[dict[str, Any]] = []
    while True:
        before = {"before": fresh[-1]["index"]} if fresh else {}
        page = client.get(path, limit=100, **before)
        fresh += [event for event in page if event["index"] > last]
        if len(page) < 100 or page[-1]["index"] <= last + 1:  # noqa: PLR2004 - the limit above
            return fresh


def _show(events: list[dict[str, Any]], *, as_json: bool) -> None:
    import json

    for event in reversed(events):
        if as_json:
            typer.echo(json.dumps(event, ensure_ascii=False))
            continue
        who = event["actor"]["details"] or event["actor"]["id"]
        where = f" from {event['address']}" if event["address"] else ""
        outcome = "" if event["outcome"] == "success" else f" [{event['outcome']}]"
        typer.echo(
            printable(f"{for_people(event['time'])}  {event['code']:<28} {who}{where}: {event['summary']}{outcome}")
        )
