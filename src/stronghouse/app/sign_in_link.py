"""A new one-time sign-in link, for whoever may read the control plane's own key on its machine."""

from pathlib import Path

from stronghouse.access import people
from stronghouse.app.control_secrets import open_secrets
from stronghouse.app.first_start import ADMIN_EMAIL
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret
from stronghouse.storage.database import Database

CONSOLE_OFFSET = 1  # the port plan of design.md section 6


def console_link(port_base: int, token: Secret) -> Secret:
    """The address that spends `token`."""
    return Secret(f"https://localhost:{port_base + CONSOLE_OFFSET}/sign-in/link?token={token.reveal()}")


def make_sign_in_link(
    state_directory: Path, *, machine_key_file: Path, port_base: int, email: str = ADMIN_EMAIL
) -> Secret:
    """A link that signs `email` in once within a day. Works while the control plane runs, too.

    Raises:
        Invalid: there is no installation there, or its key cannot be opened.
        NotFound: nobody has this address.
    """
    directory = state_directory / "control"
    if not (directory / "control.db").is_file():
        raise Invalid(f"There is no control plane in {state_directory}; name its --state-dir.")
    clock = SystemClock()
    secrets = open_secrets(directory, machine_key=machine_key_file, clock=clock)
    database = Database(directory / "control.db")
    try:
        with AuditLog(database, secrets.signer, clock).unit_of_work(Context(SYSTEM)) as uow:
            token = people.issue_sign_in_link(uow, email=email, now=clock.now())
    finally:
        database.close()
    return console_link(port_base, token)
