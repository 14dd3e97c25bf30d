"""How Stronghouse's own process runs: what it leaves on disk when it crashes or writes, and who looks into it."""

import os
import resource
import sys
from pathlib import Path

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.responsibility.facts import Facts, Resource

VERSION = 1
METHOD = (
    "Umask and TracerPid of /proc/self/status, the limit of core files (getrlimit), and the interpreter's own switches "
    "(sys.flags) of the process that answers."
)
STATUS = Path("/proc/self/status")


def collect_own_process(*, place: str, target: str, clock: Clock) -> Facts:
    """Facts about this process."""
    collected_at = clock.now()
    status = {
        name: value.strip() for name, _, value in (line.partition(":") for line in STATUS.read_text().splitlines())
    }
    core, _ = resource.getrlimit(resource.RLIMIT_CORE)
    flags = {"developer mode": sys.flags.dev_mode, "interactive mode": sys.flags.inspect, "debug": sys.flags.debug}
    switched: list[Json] = [name for name, on in flags.items() if on]
    return Facts(
        collector="own_process",
        version=VERSION,
        method=METHOD,
        target=target,
        collected_at=collected_at,
        resources=(
            Resource(
                {
                    "id": f"own_process/{place}",
                    "kind": "own_process",
                    "running": True,
                    "user_id": os.geteuid(),
                    "umask": status.get("Umask"),
                    "traced_by": int(status.get("TracerPid", "0")),
                    "core_bytes": core,
                    "switches": switched,
                }
            ),
        ),
    )
