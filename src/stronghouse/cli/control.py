"""`stronghouse control`: the control plane alone, as the supervisor starts it."""

from pathlib import Path
from typing import Annotated

import typer


def control(
    state_dir: Annotated[Path, typer.Option(help="The installation's state directory.")],
    machine_key: Annotated[Path, typer.Option(help="The machine key; the control plane's own key lies beside it.")],
    port_base: Annotated[int, typer.Option(help="First of the installation's 25 ports.")] = 8440,
    report_fd: Annotated[
        int | None, typer.Option(help="Descriptor that gets one line of JSON once everything answers.")
    ] = None,
    beside_agent: Annotated[
        bool, typer.Option("--beside-agent", help="An agent runs on this machine, which examines it.")
    ] = False,
    mint_join_token: Annotated[
        bool, typer.Option("--mint-join-token", help="Report a join token for the agent.")
    ] = False,
) -> None:
    """Run the control plane alone. `stronghouse up` starts it together with an agent."""
    import asyncio
    import os
    import sys
    import threading

    from stronghouse.app.control import ControlSettings, run_control
    from stronghouse.kernel.logs import configure_logs

    configure_logs("control")
    settings = ControlSettings(
        state_directory=state_dir,
        port_base=port_base,
        machine_key_file=machine_key,
        report_fd=report_fd,
        beside_agent=beside_agent,
        mint_join_token=mint_join_token,
    )
    code = asyncio.run(run_control(settings))
    if threading.active_count() > 1:
        # Checks that wait for an agent's answer must not hold up the end: whatever had to last has been written.
        sys.stderr.flush()
        os._exit(code)
    raise typer.Exit(code)
