"""The hidden command that the supervisor starts to fill the demo."""

from typing import Annotated

import typer


def fill_demo(
    task_fd: Annotated[int, typer.Option(help="Descriptor with the task.")],
    report_fd: Annotated[int, typer.Option(help="Descriptor for progress.")],
) -> None:
    """Make the demo's service and load its table."""
    from stronghouse.app.demo import run_demo

    raise typer.Exit(run_demo(task_fd, report_fd))
