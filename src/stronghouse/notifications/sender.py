"""Sends through apprise in a process of its own, which is given nothing but one URL and one message, on its input.

apprise's plugins open connections where they like; in that process every connection is checked at the moment it is
made (Python's audit events), so that neither a redirect nor a name that resolves anew gets around the check. The
process has no proxy, no credentials file and no secret in its environment, and is killed after a deadline.
"""

import json
import sys
from collections.abc import Sequence

from stronghouse.kernel import processes
from stronghouse.kernel.errors import Invalid, Unavailable
from stronghouse.kernel.networks import IPNetwork
from stronghouse.kernel.secret import Secret

SECONDS = 30.0
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}


class AppriseSender:
    """Implements `ports.Sender`.

    Args:
        allowed: networks that the operator allowed besides public addresses.
    """

    def __init__(self, allowed: Sequence[IPNetwork] = ()) -> None:
        self._allowed = tuple(allowed)

    def check(self, url: Secret) -> None:
        """Let apprise read the URL; raises Invalid when it cannot."""
        reason = self._ask(url, None)
        if reason is not None:
            raise Invalid(reason, code="url_invalid")

    def send(self, url: Secret, *, title: str, body: str, inside: bool) -> None:
        """Deliver a message; raises Unavailable with the reason."""
        reason = self._ask(url, (title, body), self._allowed if inside else ())
        if reason is not None:
            raise Unavailable(reason, code="delivery_failed")

    def _ask(self, url: Secret, message: tuple[str, str] | None, allowed: Sequence[IPNetwork] = ()) -> str | None:
        """What went wrong; None when nothing did."""
        task = {"url": url.reveal(), "message": message, "allowed": [str(network) for network in allowed]}
        try:
            done = processes.run(
                [sys.executable, "-I", "-m", "stronghouse.notifications.sending_process"],
                environment=ENVIRONMENT,
                timeout=SECONDS,
                stdin=json.dumps(task).encode(),
            )
        except TimeoutError:
            return f"The service did not answer within {SECONDS:.0f} seconds."
        try:
            answer = json.loads(done.stdout)
            reason = answer["reason"]
        except (ValueError, KeyError, TypeError):
            return "The sending process ended without an answer."
        return None if reason is None else str(reason)
