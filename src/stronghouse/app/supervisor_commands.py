"""The command lines of the supervised processes. Tests put others in their place."""

import sys
from collections.abc import Sequence
from typing import Protocol

from stronghouse.app.supervisor_settings import UpSettings


class Commands(Protocol):
    """How each process is started."""

    def control(self, report_descriptor: int, *, mint_join_token: bool) -> Sequence[str]:
        """The control plane."""
        ...

    def agent(self, join_token_descriptor: int | None) -> Sequence[str]:
        """The agent of the region `local`."""
        ...

    def demo(self, task_descriptor: int, report_descriptor: int) -> Sequence[str]:
        """The demo."""
        ...


class OwnCommands:
    """This program's own subcommands, under the same interpreter."""

    def __init__(self, settings: UpSettings) -> None:
        self._program = (sys.executable, "-m", "stronghouse")
        self._places = (
            "--state-dir",
            str(settings.state_directory),
            "--port-base",
            str(settings.plan.base),
            "--machine-key",
            str(settings.machine_key_file),
        )
        self._control_url = f"wss://localhost:{settings.plan.agents}"

    def control(self, report_descriptor: int, *, mint_join_token: bool) -> Sequence[str]:
        """The control plane."""
        minting = ("--mint-join-token",) if mint_join_token else ()
        reporting = ("--report-fd", str(report_descriptor))
        return (*self._program, "control", *self._places, "--beside-agent", *reporting, *minting)

    def agent(self, join_token_descriptor: int | None) -> Sequence[str]:
        """The agent of the region `local`."""
        joining = () if join_token_descriptor is None else ("--join-token-fd", str(join_token_descriptor))
        return (*self._program, "agent", *self._places, "--control-url", self._control_url, *joining)

    def demo(self, task_descriptor: int, report_descriptor: int) -> Sequence[str]:
        """The demo."""
        return (*self._program, "fill-demo", "--task-fd", str(task_descriptor), "--report-fd", str(report_descriptor))
