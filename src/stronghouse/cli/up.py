"""`stronghouse up`: a control plane and an agent on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from stronghouse.settings import locations


def up(
    state_dir: Annotated[
        Path | None,
        typer.Option(help="Where everything but the machine key is kept.", show_default="your state directory"),
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Write URLs, ids and first-start secrets there once everything answers.")
    ] = None,
    port_base: Annotated[int, typer.Option(help="First of the 25 ports used on 127.0.0.1 and ::1.")] = 8440,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Make no demo service on the first start.")] = False,
    domain: Annotated[str | None, typer.Option(help="Not supported yet.")] = None,
    machine_key: Annotated[
        Path | None,
        typer.Option(
            help="The key that wraps data keys; outside the state directory.", show_default="your configuration"
        ),
    ] = None,
) -> None:
    """Run Stronghouse on this machine until Ctrl-C or SIGTERM.

    The first start sets up an organization and, unless told not to, one service with a table of flights.
    """
    from stronghouse.app.supervisor import run_supervisor
    from stronghouse.app.supervisor_ports import PortPlan
    from stronghouse.app.supervisor_screen import ConsoleScreen
    from stronghouse.app.supervisor_settings import UpSettings

    settings = UpSettings(
        state_directory=state_dir or locations.state_directory(),
        machine_key_file=machine_key or locations.machine_key_file(),
        ready_file=ready_file,
        plan=PortPlan(port_base),
        demo=not no_demo,
        domain=domain,
    )
    raise typer.Exit(run_supervisor(settings, ConsoleScreen()))
