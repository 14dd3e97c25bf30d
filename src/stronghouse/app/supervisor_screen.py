"""What `stronghouse up` shows: what it is doing, how far it is, and in the end what to do with it.

On a terminal a bar moves; anywhere else there are plain lines. Nothing here starts a thread (see supervisor_child).
"""

from collections.abc import Sequence
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from stronghouse.app.supervisor_guide import guide
from stronghouse.app.supervisor_ready import RunningService
from stronghouse.app.supervisor_report import ControlReport
from stronghouse.app.supervisor_settings import UpSettings


class Screen(Protocol):
    """Where the supervisor tells people what it does."""

    def step(self, text: str) -> None:
        """Something is done."""
        ...

    def warn(self, text: str) -> None:
        """Something is not as it should be; it goes on."""
        ...

    def progress(self, text: str, done: int, total: int) -> None:
        """Something is under way."""
        ...

    def ready(
        self, settings: UpSettings, report: ControlReport, services: Sequence[RunningService], seconds: float
    ) -> None:
        """Everything answers."""
        ...


class ConsoleScreen:
    """Writes to a console: standard output unless told otherwise."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def step(self, text: str) -> None:
        """A line with a tick."""
        self._end_bar()
        if self._console.is_terminal:
            self._console.print(f"[green]✓[/] {escape(text)}")
        else:
            self._console.print(f"ok: {text}", markup=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """A line that stands out."""
        self._end_bar()
        self._console.print(f"warning: {text}", style="yellow", markup=False, soft_wrap=True)

    def progress(self, text: str, done: int, total: int) -> None:
        """A bar on a terminal, nothing elsewhere: the step that follows says what was done."""
        if not self._console.is_terminal:
            return
        if self._bar is None:
            columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
            self._bar = Progress(*columns, console=self._console, auto_refresh=False, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(text, total=total)
        self._bar.update(self._task, completed=done, refresh=True)

    def ready(
        self, settings: UpSettings, report: ControlReport, services: Sequence[RunningService], seconds: float
    ) -> None:
        """The guide."""
        self._end_bar()
        text = guide(settings, report, services, seconds)
        self._console.print(text, markup=False, soft_wrap=True)

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
