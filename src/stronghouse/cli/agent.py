"""`stronghouse agent`: a region's agent alone, as the supervisor starts it."""

from pathlib import Path
from typing import Annotated

import typer


def agent(
    state_dir: Annotated[Path, typer.Option(help="The installation's state directory.")],
    machine_key: Annotated[Path, typer.Option(help="The machine key, outside the state directory.")],
    control_url: Annotated[str, typer.Option(help="The agents' listener, as in wss://localhost:8443.")],
    port_base: Annotated[int, typer.Option(help="First of the installation's 25 ports.")] = 8440,
    join_token_fd: Annotated[int | None, typer.Option(help="Descriptor to read a join token from.")] = None,
) -> None:
    """Run a region's agent alone. `stronghouse up` starts it together with a control plane."""
    import uvloop

    from stronghouse.agent.run import run_agent
    from stronghouse.agent.settings import AgentSettings, log_retention_days, mask_patterns
    from stronghouse.kernel.logs import configure_logs

    configure_logs("agent")
    settings = AgentSettings(
        state_directory=state_dir,
        port_base=port_base,
        control_url=control_url,
        machine_key_file=machine_key,
        join_token_fd=join_token_fd,
        log_retention_days=log_retention_days(),
        mask_patterns=mask_patterns(),
    )
    raise typer.Exit(uvloop.run(run_agent(settings)))
