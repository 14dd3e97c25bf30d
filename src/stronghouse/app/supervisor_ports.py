"""The port plan of design.md section 6: N+0 API, N+1 console, N+2 queries, N+3 agents, N+4 to N+24 services."""

import errno
import socket
from dataclasses import dataclass

from stronghouse.kernel.errors import Conflict, Invalid, Unavailable

DEFAULT_BASE = 8440
COUNT = 25
LOWEST, HIGHEST = 1024, 65535
LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
HOST = "localhost"


@dataclass(frozen=True)
class PortPlan:
    """The ports of one installation. Raises Invalid unless all of them can be used by anyone."""

    base: int = DEFAULT_BASE

    def __post_init__(self) -> None:
        if not LOWEST <= self.base <= HIGHEST - COUNT + 1:
            raise Invalid(
                f"--port-base is {LOWEST} to {HIGHEST - COUNT + 1}: the {COUNT} ports from there on are used."
            )

    @property
    def api(self) -> int:
        """The API."""
        return self.base

    @property
    def console(self) -> int:
        """The console."""
        return self.base + 1

    @property
    def queries(self) -> int:
        """The queries host."""
        return self.base + 2

    @property
    def agents(self) -> int:
        """The listener that agents open their stream to."""
        return self.base + 3

    def service(self, slot: int) -> int:
        """The service in a slot, 0 to 20."""
        return self.base + 4 + slot

    def all(self) -> range:
        """Every port of the plan."""
        return range(self.base, self.base + COUNT)


def url(port: int) -> str:
    """The URL of a port, as it is printed."""
    return f"https://{HOST}:{port}"


def taken_ports(plan: PortPlan) -> list[int]:
    """The ports of the plan on which something listens, on either loopback address.

    A machine without the IPv6 loopback address is served on IPv4 alone.

    Raises:
        Unavailable: the IPv4 loopback address is missing.
    """
    return [port for port in plan.all() if any(_is_taken(family, address, port) for family, address in LOOPBACK)]


def require_free(plan: PortPlan) -> None:
    """Raise Conflict with a sentence that names the taken ports."""
    taken = taken_ports(plan)
    if taken:
        named = ", ".join(str(port) for port in taken[:5]) + (" and more" if len(taken) > 5 else "")  # noqa: PLR2004
        raise Conflict(
            f"Port {named} is in use by another program; stop it, or choose other ports with --port-base.",
            code="port_in_use",
        )


def _is_taken(family: int, address: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As servers do: connections that are only closing (TIME_WAIT) do not keep a port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            return True
        if family == socket.AF_INET:
            raise Unavailable(
                f"The loopback address {address} cannot be used ({error.strerror}); bring the interface lo up.",
                code="loopback_missing",
            ) from error
    return False
