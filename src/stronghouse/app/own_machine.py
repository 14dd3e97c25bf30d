"""The installation's audit log, for whoever may read the control plane's own key on its machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stronghouse.app.control_database import open_database
from stronghouse.app.control_secrets import open_secrets
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret

CONSOLE_OFFSET = 1  # the port plan of design.md section 6


def console_url(port_base: int) -> str:
    """Where the console answers."""
    return f"https://localhost:{port_base + CONSOLE_OFFSET}"


def console_link(port_base: int, token: Secret) -> Secret:
    """The address that spends `token`."""
    return Secret(f"{console_url(port_base)}/sign-in/link?token={token.reveal()}")


@contextmanager
def open_installation(state_directory: Path, machine_key_file: Path) -> Iterator[AuditLog]:
    """The log of the installation in `state_directory`. Works while the control plane runs, too.

    Raises:
        Invalid: there is no installation there, or its key cannot be opened.
    """
    directory = state_directory / "control"
    opened = open_database(directory)
    if not opened.begun:
        raise Invalid(f"There is no control plane in {state_directory}; name its --state-dir.")
    clock = SystemClock()
    secrets = open_secrets(directory, machine_key=machine_key_file, clock=clock, begun=True)
    try:
        opened.require_own_log(secrets.signer)
        yield AuditLog(opened.database, secrets.signer, clock)
    finally:
        opened.database.close()
