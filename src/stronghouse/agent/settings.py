"""What an agent is told when it starts."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stronghouse.kernel.errors import Invalid

MAX_PORT = 65_535
LOOPBACK = ("127.0.0.1", "::1")
QUERIES_OFFSET, SERVICES_OFFSET, SLOTS = 2, 4, 21
"""Ports of the plan in design.md section 6: N+2 the queries host, N+4 to N+24 one for each service."""


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """An agent's settings.

    Attributes:
        state_directory: the installation's; the agent owns `agent/` in it and writes logs to `log/`.
        port_base: N of the port plan.
        control_url: the agents' listener, as in `wss://localhost:8446`.
        machine_key_file: of the `local` key management; outside the state directory.
        join_token_fd: a descriptor to read a join token from, once; needed only until the agent has joined.
        addresses: what the edge listens on.
    """

    state_directory: Path
    port_base: int
    control_url: str
    machine_key_file: Path
    join_token_fd: int | None = None
    addresses: tuple[str, ...] = LOOPBACK

    def __post_init__(self) -> None:
        parts = urlsplit(self.control_url)
        if parts.scheme != "wss" or not parts.hostname or parts.port is None or parts.path not in {"", "/"}:
            raise Invalid(f"{self.control_url[:100]!r} is not an agents' listener as in wss://localhost:8446.")
        if not 1 <= self.port_base <= MAX_PORT - SERVICES_OFFSET - SLOTS:
            raise Invalid("The port base leaves no room for the ports above it.")

    @property
    def control_host(self) -> str:
        """The listener's host."""
        return urlsplit(self.control_url).hostname or ""

    @property
    def control_port(self) -> int:
        """The listener's port."""
        return urlsplit(self.control_url).port or 0

    @property
    def queries_port(self) -> int:
        """The port of the queries host."""
        return self.port_base + QUERIES_OFFSET

    @property
    def log_directory(self) -> Path:
        """Where the edge and the workers log."""
        return self.state_directory / "log" / "agent"

    def service_port(self, slot: int) -> int:
        """The port of the service in a slot."""
        return self.port_base + SERVICES_OFFSET + slot
