"""`stronghouse doctor`: what is wrong on this machine, and how to mend it."""

from pathlib import Path
from typing import Annotated

import typer

from stronghouse.cli.failures import FAILED, Json
from stronghouse.cli.output import show_json, show_table
from stronghouse.settings import locations


def doctor(
    state_dir: Annotated[
        Path | None, typer.Option(help="The installation's state directory.", show_default="your state directory")
    ] = None,
    machine_key: Annotated[
        Path | None, typer.Option(help="The machine key.", show_default="your configuration")
    ] = None,
    port_base: Annotated[int, typer.Option(help="First of the 25 ports.")] = 8440,
    as_json: Json = False,
) -> None:
    """Look at this machine and say what would keep Stronghouse from working well. Exit code 1 if something fails."""
    from stronghouse.app.doctor import examine, has_failure
    from stronghouse.app.doctor_facts import gather

    places = (state_dir or locations.state_directory(), machine_key or locations.machine_key_file())
    findings = examine(gather(*places, port_base=port_base))
    if as_json:
        show_json([finding.fields() for finding in findings])
    else:
        rows = [(finding.level.value, finding.check, finding.found, finding.mend) for finding in findings]
        show_table(("", "CHECK", "FOUND", "WHAT TO DO"), rows, empty="Nothing was checked.")
    if has_failure(findings):
        raise typer.Exit(FAILED)
