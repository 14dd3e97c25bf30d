"""`stronghouse check`: run checks now and say what does not pass."""

import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from stronghouse.cli.check_list import WELL, show_checks
from stronghouse.cli.client import ApiClient, connect
from stronghouse.cli.failures import FAILED, Json
from stronghouse.cli.output import counted, printable, remark, show_json
from stronghouse.cli.resources import Organization, organization_path

POLL_SECONDS = 0.3
OVER = {"done", "failed"}
FAILING = {"fail", "error", "stale"}


def check(
    row: Annotated[str | None, typer.Option("--row", help="Run only the checks of this row.")] = None,
    check_id: Annotated[str | None, typer.Option("--id", help="Run only this check.")] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Run checks now. Exit code: 0 nothing fails, 1 something fails or could not be looked at, 4 not allowed.

    A check that waits for a person to judge does not make the command fail; it is listed.
    """
    body = {name: value for name, value in (("row", row), ("check", check_id)) if value is not None}
    with connect() as client:
        path = organization_path(client, org)
        run = client.post(f"{path}/checkRuns", body)
        run = _follow(client, f"{path}/checkRuns/{run['id']}", run)
        document = client.get(f"{path}/responsibilities")
    judged = {group_check for group in run["groups"] for group_check in group["checks"]}
    checks = {
        found["id"]: found
        for entry in document["rows"]
        for control in entry["controls"]
        for found in control["checks"]
        if found["id"] in judged
    }
    failing = [found for found in checks.values() if found["state"] in FAILING]
    if as_json:
        show_json({"run": run, "checks": list(checks.values())})
    else:
        _show(run, list(checks.values()))
    if failing or run["state"] == "failed":
        raise typer.Exit(FAILED)


def _follow(client: ApiClient, path: str, run: dict[str, Any]) -> dict[str, Any]:
    """Poll until the run is over, telling of each look once."""
    told: set[tuple[str, str]] = set()
    if not sys.stderr.isatty():
        return _poll(client, path, run, lambda seen: _tell_failures(seen, told))
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("waiting", total=run["total"])

        def show(seen: dict[str, Any]) -> None:
            running = [_name(group) for group in seen["groups"] if group["state"] == "running"]
            bar.update(task, completed=seen["done"], description=", ".join(running))
            for group in _fresh_failures(seen, told):
                bar.console.print(_failure(group), markup=False, highlight=False)

        return _poll(client, path, run, show)


def _poll(client: ApiClient, path: str, run: dict[str, Any], show: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    while True:
        show(run)
        if run["state"] in OVER:
            return run
        time.sleep(POLL_SECONDS)
        run = client.get(path)


def _tell_failures(run: dict[str, Any], told: set[tuple[str, str]]) -> None:
    for group in _fresh_failures(run, told):
        remark(_failure(group))


def _fresh_failures(run: dict[str, Any], told: set[tuple[str, str]]) -> list[dict[str, Any]]:
    failed = [group for group in run["groups"] if group["state"] == "failed"]
    fresh = [group for group in failed if (group["collector"], group["place"]) not in told]
    told.update((group["collector"], group["place"]) for group in fresh)
    return fresh


def _failure(group: dict[str, Any]) -> str:
    return printable(f"! {_name(group)}: {group['reason']}")


def _name(group: dict[str, Any]) -> str:
    return printable(f"{group['collector']} in {group['place']}")


def _show(run: dict[str, Any], checks: list[dict[str, Any]]) -> None:
    open_ones = [found for found in checks if found["state"] not in WELL]
    show_checks(open_ones)
    remark(
        f"{counted(run['total'], 'look')}, {counted(len(checks), 'check')}: "
        f"{counted(len(checks) - len(open_ones), 'holds or does not apply', 'hold or do not apply')}, "
        f"{counted(len(open_ones), 'needs attention', 'need attention')}."
    )
