"""Asking before something that cannot be taken back."""

import sys

import typer

from stronghouse.kernel.errors import Conflict


def confirm(question: str) -> None:
    """Go on if somebody agrees: on a terminal by answering, else with `y` on standard input.

    Raises:
        Conflict: there is no terminal and nobody agreed.
        typer.Abort: somebody on a terminal did not agree.
    """
    if sys.stdin.isatty():
        typer.confirm(question, abort=True, err=True)
    elif sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Conflict(
            "Nobody agreed, and there is no terminal to ask on; say --yes to go on without being asked.",
            code="not_confirmed",
        )
