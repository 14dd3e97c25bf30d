"""`stronghouse join`: make this machine's agent a member of an installation."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from stronghouse.cli.output import remark
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret


def join(
    control_url: Annotated[str, typer.Option(help="The agents' listener, as in wss://control.example:8443.")],
    state_dir: Annotated[Path, typer.Option(help="Where this agent keeps its state.")],
    token_fd: Annotated[
        int | None, typer.Option(help="Descriptor to read the join token from; standard input by default.")
    ] = None,
) -> None:
    """Join with a single-use token, which is read from standard input; then start `stronghouse agent`."""
    import asyncio

    from stronghouse.agent import identity
    from stronghouse.agent.directories import Directories

    token = _token(token_fd)
    directories = Directories(state_dir / "agent")
    directories.prepare()
    joined = asyncio.run(identity.join(control_url, token, identity.IdentityStore(directories.identity)))
    remark(f"Joined the region {joined.region} as agent {joined.agent_id}.")


def _token(descriptor: int | None) -> Secret:
    if descriptor is not None:
        with os.fdopen(descriptor) as pipe:
            text = pipe.readline().strip()
    elif sys.stdin.isatty():
        text = typer.prompt("Join token", hide_input=True, err=True).strip()
    else:
        text = sys.stdin.readline().strip()
    if not text:
        raise Invalid("No join token was given; pipe it to standard input.")
    return Secret(text)
