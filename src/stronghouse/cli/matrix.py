"""`stronghouse matrix`: who must do what, and how far it is proven."""

from typing import Annotated, Any

import typer

from stronghouse.cli.check_list import SIGNS, show_checks
from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import counted, remark, show_json, show_table
from stronghouse.cli.resources import Organization, organization_path
from stronghouse.kernel.errors import Invalid


def matrix(
    row: Annotated[str | None, typer.Argument(help="Show the checks of this row.")] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """The responsibility matrix, or the checks behind one of its rows."""
    with connect() as client:
        document = client.get(f"{organization_path(client, org)}/responsibilities")
    if row is not None:
        document["rows"] = [entry for entry in document["rows"] if entry["id"] == row]
        if not document["rows"]:
            raise Invalid(f"There is no responsibility {row!r}; `stronghouse matrix` lists them.")
    if as_json:
        show_json(document)
        return
    if row is None:
        rows = [_line(entry) for entry in document["rows"]]
        show_table(
            ("", "ID", "OWNER", "STATE", "PROVEN", "EVIDENCE", "RESPONSIBILITY"), rows, empty="There are no rows."
        )
        counts = ", ".join(f"{count} {state}" for state, count in document["summary"].items() if count)
        remark(f"{counted(len(rows), 'row')}: {counts}.")
        return
    entries = [check for entry in document["rows"] for control in entry["controls"] for check in control["checks"]]
    checks = {check["id"]: check for check in entries}  # one that proves two controls is shown once
    show_checks(checks.values())
    if not checks:
        remark(f"No check covers {row} yet.")


def _line(row: dict[str, Any]) -> tuple[object, ...]:
    proven = f"{row['controlsProven']}/{row['controlsTotal']}"
    sign = SIGNS.get(row["state"], "·")
    return sign, row["id"], row["owner"], row["state"], proven, row["newestEvidenceAt"], row["title"]
