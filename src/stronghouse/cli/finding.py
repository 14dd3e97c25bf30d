"""`stronghouse finding`: what is wrong, who mends it until when, and what is accepted for a while."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from stronghouse.cli.client import ApiClient, connect
from stronghouse.cli.dates import checked_moment
from stronghouse.cli.failures import Json
from stronghouse.cli.output import for_people, remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, organization_path
from stronghouse.kernel.errors import Conflict

app = typer.Typer(name="finding", help="What is wrong, who mends it, what is accepted.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="The finding's id, or its first twelve digits.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept for the auditor.")]
Days = Annotated[int, typer.Option(min=1, max=365, help="For how many days; the severity sets the most.")]
SHORT = 12
DAY = len("2027-01-31")
RESOURCE_WIDTH = 24


class Kind(StrEnum):
    """Why a finding is left as it is."""

    FALSE_POSITIVE = "false_positive"
    RISK_ACCEPTED = "risk_accepted"
    SUPPRESSED = "suppressed"
    DUPLICATE = "duplicate"


@app.command("list")
def list_findings(
    severity: Annotated[str | None, typer.Option(help="critical, high, medium or low.")] = None,
    status: Annotated[str | None, typer.Option(help="open, triaged, in_progress or resolved.")] = None,
    check: Annotated[str | None, typer.Option(help="Of this check.")] = None,
    row: Annotated[str | None, typer.Option(help="Of the checks of this responsibility.")] = None,
    disposition: Annotated[str | None, typer.Option(help="none, requested, in_force, or a kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 100,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Findings, the worst and most urgent first; without --status those that are not resolved."""
    wanted = {"severity": severity, "status": status, "check": check, "row": row, "disposition": disposition}
    parameters: dict[str, str | int] = {name: value for name, value in wanted.items() if value is not None}
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/findings", **parameters, limit=limit)
    if as_json:
        show_json(found)
        return
    columns = ("ID", "SEVERITY", "DUE", "WHAT", "RESOURCE")
    rows = [_line(one) for one in found]
    show_table(columns, rows, empty="There are no such findings.", whole=columns[:3])
    if len(found) == limit:
        remark(f"These are the first {limit}; there may be more.")


@app.command("show")
def show_finding(finding: Id, org: Organization = None, as_json: Json = False) -> None:
    """One finding: why, what to do, and what happened to it."""
    with connect() as client:
        _show(client.get(f"{organization_path(client, org)}/findings/{finding}"), as_json=as_json)


@app.command("triage")
def triage(finding: Id, org: Organization = None, as_json: Json = False) -> None:
    """Say that someone has looked at it."""
    _update(finding, {"status": "triaged"}, org=org, as_json=as_json)


@app.command("start")
def start(finding: Id, org: Organization = None, as_json: Json = False) -> None:
    """Say that someone is mending it."""
    _update(finding, {"status": "in_progress"}, org=org, as_json=as_json)


@app.command("assign")
def assign(
    finding: Id,
    email: Annotated[str, typer.Argument(help="The e-mail address of a member.")],
    due: Annotated[str | None, typer.Option(help="When it is due, as 2027-01-31T00:00:00Z.")] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Say which member mends it, and until when."""
    body: dict[str, object] = {"assignee": email}
    if due is not None:
        body["dueAt"] = checked_moment("--due", due)
    _update(finding, body, org=org, as_json=as_json)


@app.command("accept")
def accept(finding: Id, reason: Reason, days: Days = 30, org: Organization = None, as_json: Json = False) -> None:
    """Accept the risk for a while. Critical and high findings need a second person's approval."""
    _dispose(finding, {"kind": Kind.RISK_ACCEPTED.value, "reason": reason}, days, org=org, as_json=as_json)


@app.command("dispose")
def dispose(
    finding: Id,
    kind: Annotated[Kind, typer.Option(help="Why it is left as it is.")],
    reason: Reason,
    days: Days = 30,
    duplicate_of: Annotated[str | None, typer.Option(help="The finding that it repeats.")] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Leave a finding as it is for a while, for any of the four reasons."""
    body: dict[str, object] = {"kind": kind.value, "reason": reason}
    if duplicate_of is not None:
        body["duplicateOf"] = duplicate_of
    _dispose(finding, body, days, org=org, as_json=as_json)


@app.command("approve")
def approve(finding: Id, org: Organization = None, as_json: Json = False) -> None:
    """Approve what another person asked for."""
    _decide(finding, "approve", {}, org=org, as_json=as_json)


@app.command("decline")
def decline(finding: Id, reason: Reason, org: Organization = None, as_json: Json = False) -> None:
    """Do not approve what another person asked for."""
    _decide(finding, "decline", {"reason": reason}, org=org, as_json=as_json)


@app.command("withdraw")
def withdraw(finding: Id, org: Organization = None, as_json: Json = False) -> None:
    """End a disposition, so that the finding counts again."""
    _decide(finding, "withdraw", {}, org=org, as_json=as_json)


def _update(finding: str, body: dict[str, object], *, org: str | None, as_json: bool) -> None:
    with connect() as client:
        _show(client.patch(f"{organization_path(client, org)}/findings/{finding}", body), as_json=as_json)


def _dispose(finding: str, body: dict[str, object], days: int, *, org: str | None, as_json: bool) -> None:
    from stronghouse.kernel.clock import SystemClock, rfc3339

    # A minute less: the control plane measures its longest time from when the request arrives.
    end = SystemClock().now() + timedelta(days=days) - timedelta(minutes=1)
    with connect() as client:
        path = f"{organization_path(client, org)}/findings/{finding}/dispositions"
        _show_disposition(client.post(path, {**body, "expiresAt": rfc3339(end)}), as_json=as_json)


def _decide(finding: str, act: str, body: dict[str, object], *, org: str | None, as_json: bool) -> None:
    with connect() as client:
        path = f"{organization_path(client, org)}/findings/{finding}"
        result = client.post(f"{path}/dispositions/{_current(client, path)}/{act}", body)
    _show_disposition(result, as_json=as_json)


def _current(client: ApiClient, path: str) -> str:
    current = client.get(path)["disposition"]
    if current is None:
        raise Conflict("This finding has no disposition that waits or is in force.", code="disposition_missing")
    return str(current["id"])


def _line(one: dict[str, Any]) -> tuple[object, ...]:
    """The list tells what a person needs to choose; `show` and --json have the rest."""
    held = one["disposition"]
    marks = [] if one["status"] == "open" else [one["status"].replace("_", " ")]
    marks += [] if held is None else [f"{held['kind']} {held['state']}".replace("_", " ")]
    what = f"{one['title']} ({', '.join(marks)})" if marks else one["title"]
    return one["id"][:SHORT], one["severity"], (one["dueAt"] or "-")[:DAY], what, _shortened(one["resource"])


def _shortened(resource: str) -> str:
    """A resource in a few words: its beginning and its end tell most."""
    half = RESOURCE_WIDTH // 2
    return resource if len(resource) <= RESOURCE_WIDTH else f"{resource[: half - 1]}…{resource[-half:]}"


def _disposed(one: dict[str, Any]) -> str | None:
    held = one["disposition"]
    return None if held is None else f"{held['kind']} {held['state']} until {for_people(held['until'])}"


def _show(one: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(one)
        return
    names = ("id", "severity", "status", "title", "reason", "resource", "place", "firstSeenAt", "lastSeenAt", "dueAt")
    fields: list[tuple[str, object]] = [(name, one[name]) for name in names]
    assignee = None if one["assignee"] is None else one["assignee"]["email"]
    show_fields([*fields, ("assignee", assignee), ("disposition", _disposed(one)), ("what to do", one["remediation"])])
    for step in one["history"]:
        typer.echo("")
        by = step["actor"]["details"] or step["actor"]["id"]
        show_fields([("at", step["at"]), ("what", f"{step['what']} by {by}"), ("note", step["note"])])


def _show_disposition(one: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(one)
        return
    show_fields([(name, one[name]) for name in ("id", "findingId", "kind", "state", "reason", "expiresAt")])
    if one["state"] == "requested":
        remark("It waits for a second person: `stronghouse finding approve`.")
