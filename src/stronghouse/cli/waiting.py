"""Waiting until a service is where it was sent, with a sign of life on a terminal."""

import sys
import time
from typing import Any

from stronghouse.cli.client import ApiClient
from stronghouse.kernel.errors import NotFound, Unavailable

RUNNING, STOPPED, GONE = "running", "stopped", "gone"
REACHED = {RUNNING: {"running", "idle"}, STOPPED: {"stopped"}, GONE: set[str]()}
LOST = {"failed", "terminated", "softdeleted"}
SECONDS = 180.0
POLL_SECONDS = 0.3


def wait_for(client: ApiClient, path: str, goal: str) -> dict[str, Any]:
    """The service once it is there; an empty dictionary for one that is gone.

    Raises:
        Unavailable: it failed, or took longer than 3 minutes.
    """
    if not sys.stderr.isatty():
        return _poll(client, path, goal)
    from rich.console import Console

    with Console(stderr=True).status(f"waiting until the service is {goal} …"):
        return _poll(client, path, goal)


def _poll(client: ApiClient, path: str, goal: str) -> dict[str, Any]:
    deadline = time.monotonic() + SECONDS
    state = "unknown"
    while time.monotonic() < deadline:
        try:
            service: dict[str, Any] = client.get(path)
        except NotFound:
            if goal == GONE:
                return {}
            raise
        state = service["state"]
        if state in REACHED[goal]:
            return service
        if state in LOST and goal != GONE:
            raise Unavailable(f"The service is {state}; the agent's log says why.", code="service_failed")
        time.sleep(POLL_SECONDS)
    raise Unavailable(f"The service is still {state} after {SECONDS:.0f} s.", code="service_slow")
