"""What a look at a machine has to know of Stronghouse on it."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from stronghouse.kernel.errors import Invalid

MAX_PORT = 65_535


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is looked at.

    Attributes:
        state_directory: the installation's, as this process sees it.
        declared: ports that may be reached from other machines, as in `tcp/443`.
    """

    state_directory: Path
    declared: Collection[str] = ()


def declared_ports(text: str | None) -> tuple[str, ...]:
    """Read a list as in `tcp/443, udp/123`; raises Invalid for anything else."""
    ports = tuple(part.strip() for part in (text or "").split(",") if part.strip())
    for one in ports:
        protocol, _, port = one.partition("/")
        if protocol not in {"tcp", "udp"} or not port.isascii() or not port.isdigit() or not 0 < int(port) <= MAX_PORT:
            raise Invalid(f"{one[:40]!r} is no port of this machine as in tcp/443 or udp/123.")
    return ports
