"""A new one-time sign-in link, for whoever may read the control plane's own key on its machine."""

from pathlib import Path

from stronghouse.access import people
from stronghouse.app.first_start import ADMIN_EMAIL
from stronghouse.app.own_machine import console_link, open_installation
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.secret import Secret


def make_sign_in_link(
    state_directory: Path, *, machine_key_file: Path, port_base: int, email: str = ADMIN_EMAIL
) -> Secret:
    """A link that signs `email` in once within a day. Works while the control plane runs, too.

    Raises:
        Invalid: there is no installation there, or its key cannot be opened.
        NotFound: nobody has this address.
    """
    with open_installation(state_directory, machine_key_file) as log, log.unit_of_work(Context(SYSTEM)) as uow:
        token = people.issue_sign_in_link(uow, email=email, now=SystemClock().now())
    return console_link(port_base, token)
