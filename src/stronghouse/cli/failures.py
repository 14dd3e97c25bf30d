"""How a command ends: 0 done, 1 failed, 2 wrong usage, 4 not allowed; and the one sentence that says why."""

from typing import Annotated

import typer

from stronghouse.kernel.errors import Denied, StronghouseError, Unauthenticated

FAILED, NOT_ALLOWED = 1, 4

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
"""The option that every command with an answer has."""


def report_failure(error: StronghouseError) -> int:
    """Print an error's sentence to standard error; the exit code that tells its kind."""
    typer.echo(f"Error: {error.public}", err=True)
    return NOT_ALLOWED if isinstance(error, Unauthenticated | Denied) else FAILED
