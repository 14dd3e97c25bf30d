"""`stronghouse sign-in-link`: a way into the console for whoever runs the machine."""

from pathlib import Path
from typing import Annotated

import typer

from stronghouse.cli.failures import Json
from stronghouse.cli.output import show_json
from stronghouse.settings import locations


def sign_in_link(
    state_dir: Annotated[
        Path | None, typer.Option(help="The installation's state directory.", show_default="your state directory")
    ] = None,
    machine_key: Annotated[
        Path | None, typer.Option(help="The machine key.", show_default="your configuration")
    ] = None,
    port_base: Annotated[int, typer.Option(help="First of the installation's 25 ports.")] = 8440,
    email: Annotated[str | None, typer.Option(help="Whom to sign in; by default the first administrator.")] = None,
    as_json: Json = False,
) -> None:
    """Print a link that signs a person in to the console once, within a day. Needs the machine's own key files."""
    from stronghouse.app.first_start import ADMIN_EMAIL
    from stronghouse.app.sign_in_link import make_sign_in_link

    link = make_sign_in_link(
        state_dir or locations.state_directory(),
        machine_key_file=machine_key or locations.machine_key_file(),
        port_base=port_base,
        email=email or ADMIN_EMAIL,
    )
    if as_json:
        show_json({"login_url": link.reveal()})
    else:
        typer.echo(link.reveal())
